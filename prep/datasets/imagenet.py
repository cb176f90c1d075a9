"""ImageNet's classes, from the files that timm ships: their names and the folders that ILSVRC calls after them."""

from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from prep.datasets.lists import DatasetError

CLASSES = 1000


def class_name(label: int) -> str:
    """An ImageNet class index with the first of the class's names: `517 crane`."""
    names = class_names()
    if not 0 <= label < len(names):
        raise ValueError(f"{label} is no ImageNet class index; expected 0 to {len(names) - 1}")
    return f"{label} {names[label]}"


@cache
def class_names() -> list[str]:
    """The first name of each of the 1000 classes, by index: WordNet's lemmas."""
    lemmas = dict(line.split("\t") for line in info("imagenet_synset_to_lemma.txt").splitlines())
    return [lemmas[synset].split(",")[0] for synset in info("imagenet_synsets.txt").split()]


@cache
def class_of_synset() -> dict[str, int]:
    """ImageNet class index by synset, such as n01440764: its position among the 1000 sorted ones."""
    return {synset: index for index, synset in enumerate(sorted(info("imagenet_synsets.txt").split()))}


def info(name: str) -> str:
    """The text of one of timm's files about ImageNet. Raises DatasetError where timm is not installed."""
    try:
        folder = Path(distribution("timm").locate_file("timm/data/_info"))
    except PackageNotFoundError as error:
        raise DatasetError("the classes of ImageNet are read from the package timm: pip install timm") from error
    return (folder / name).read_text("utf-8")
