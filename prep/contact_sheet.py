"""What stands on a contact sheet besides pictures: the names of ImageNet's classes."""

from functools import cache
from importlib.metadata import distribution
from pathlib import Path


def class_name(label: int) -> str:
    """An ImageNet class index with the first of the class's names: `517 crane`."""
    names = class_names()
    if not 0 <= label < len(names):
        raise ValueError(f"{label} is no ImageNet class index; expected 0 to {len(names) - 1}")
    return f"{label} {names[label]}"


@cache
def class_names() -> list[str]:
    """The first name of each of the 1000 classes, by index: WordNet's lemmas, from the files that timm ships."""
    folder = Path(str(distribution("timm").locate_file("timm/data/_info")))
    lemmas = dict(
        line.split("\t") for line in (folder / "imagenet_synset_to_lemma.txt").read_text("utf-8").splitlines()
    )
    return [lemmas[synset].split(",")[0] for synset in (folder / "imagenet_synsets.txt").read_text("utf-8").split()]
