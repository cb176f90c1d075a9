"""Which files of a dataset are taken: a glob over the names of its split, each file with its label and checksum."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, field_validator

from prep.datasets.globs import Glob, list_files, list_folders, spelt
from prep.datasets.imagenet import class_of_synset
from prep.datasets.lists import DatasetError, Member, draw_order, read_checksums, read_list
from prep.datasets.registry import DRAW, Dataset, beside_registry, find_dataset, media_folder


class Selection(BaseModel, extra="forbid"):
    """Some files (a glob over their names) of one dataset."""

    dataset: str
    files: str

    @field_validator("files")
    @classmethod
    def _is_glob(cls, files: str) -> str:
        Glob(files)
        return files


@dataclass(frozen=True, slots=True)
class Source:
    """One file (or frame folder) that items are made from."""

    dataset: str
    kind: str  # videos or images (a file), frames (a folder)
    path: Path
    file: str  # its name in the dataset: below the root (davis: below JPEGImages/480p), with forward slashes
    label: int | None  # ImageNet class index
    checksum: str | None = None  # SHA-256 that the file ought to have

    @property
    def identity(self) -> list:
        """What it is, wherever it lies."""
        return [self.dataset, self.kind, self.file, self.label, self.checksum]

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


def select(dataset: Dataset, files: str) -> list[tuple[Member, str]]:
    """The members of a dataset whose names match the glob `files`, sorted by name, each with where it lies.

    Where: the path below media_folder(dataset) as the file system spells it, a plain string, because there may be a
    million of them. Raises DatasetError naming some of what is there if nothing matches.
    """
    folder = media_folder(dataset)
    glob = Glob(files)
    if dataset.split:
        members = [(member, path) for member, path in _members(dataset, folder) if glob.matches(member.name)]
    else:
        members = [(Member(name), path) for name, path in _there(dataset, folder, glob).items()]
    if not members:
        there = list(_there(dataset, folder, Glob("**/*")))
        raise DatasetError(
            f"dataset {dataset.name!r}: nothing in {folder} matches {files!r} ({dataset.layout.what}"
            f"{', split ' + dataset.split if dataset.split else ''}); "
            f"there are for instance {', '.join(there[:5]) or 'no such files at all'}"
        )
    _check_frames(dataset, folder, members)
    return members


def _there(dataset: Dataset, folder: Path, glob: Glob) -> dict[str, str]:
    """What lies in the folder of a dataset, whatever its split: name -> path below the folder, sorted by name."""
    listed = list_folders if dataset.layout.sources == "frames" else list_files
    paths = listed(folder, glob)
    there = {spelt(path): path for path in sorted(paths, key=spelt)}
    if len(there) < len(paths):
        raise DatasetError(f"dataset {dataset.name!r}: two names in {folder} differ only in how an accent is spelt")
    unreadable = [name for name in there if not _is_text(name)]
    if unreadable:
        raise DatasetError(f"dataset {dataset.name!r}: the name of {there[unreadable[0]]!a} is not UTF-8; rename it")
    return there


def _is_text(name: str) -> bool:
    return name.isascii() or not re.search("[\ud800-\udfff]", name)


def _members(dataset: Dataset, folder: Path) -> list[tuple[Member, str]]:
    """All that the split of a dataset names, sorted by name, each with where it lies."""
    there = _whole(dataset, _there(dataset, folder, Glob("**/*")))
    names = _by_own_name(dataset, there)
    if drawn := DRAW.fullmatch(dataset.split):
        chosen = [Member(name) for name in _drawn(dataset, names, *drawn.groups())]
    else:
        chosen = _listed(dataset, names)
    return [(member, there[member.name]) for member in sorted(chosen, key=lambda member: member.name)]


def _whole(dataset: Dataset, there: dict[str, str]) -> dict[str, str]:
    """Without the folders that only hold other folders' clips."""
    if dataset.layout.sources != "frames":
        return there
    above = {name.rpartition("/")[0] for name in there}
    return {name: path for name, path in there.items() if name not in above}


def _by_own_name(dataset: Dataset, there: Iterable[str]) -> dict[str, str]:
    """The names by what a list or a draw calls them.

    That is the name itself, for ILSVRC that of the file without its folder: unique there, and the same where the
    validation images are still in one folder.
    """
    if dataset.kind != "ilsvrc":
        return {name: name for name in there}
    names: dict[str, str] = {}
    for name in there:
        own = name.rpartition("/")[2]
        if own in names:
            raise DatasetError(
                f"dataset {dataset.name!r}: {names[own]} and {name} are called alike, which in ILSVRC no two files "
                "are; remove one, or use the kind images"
            )
        names[own] = name
    return names


def _drawn(dataset: Dataset, names: dict[str, str], part: str, count: str, seed: str) -> list[str]:
    """The names of a draw, or of the rest that it leaves."""
    if len(names) < int(count):
        raise DatasetError(
            f"dataset {dataset.name!r}: {count} are to be drawn ({dataset.split}), but {media_folder(dataset)} holds "
            f"{len(names)}; get the whole dataset, or draw fewer"
        )
    order = [names[name] for name in draw_order(names, int(seed))]
    return order[: int(count)] if part == "draw" else order[int(count) :]


def _listed(dataset: Dataset, names: dict[str, str]) -> list[Member]:
    """The members that the list of a dataset names. Raises DatasetError if some of them are not there."""
    path = beside_registry(dataset, dataset.split, "split")
    names = names | {name: name for name in names.values()}
    listed = read_list(path)
    missing = [member.name for member in listed if member.name not in names]
    if missing:
        raise DatasetError(
            f"dataset {dataset.name!r}: {len(missing)} of the {len(listed)} that {path} lists are not in "
            f"{media_folder(dataset)}: {', '.join(missing[:3])}{', ...' if missing[3:] else ''}; get them, or use "
            "another list in the column split"
        )
    return [Member(names[member.name], member.frames, member.sha256) for member in listed]


def _check_frames(dataset: Dataset, folder: Path, members: list[tuple[Member, str]]) -> None:
    """Raises DatasetError if a folder does not hold as many frames as its list says."""
    for member, path in members:
        if member.frames is not None and dataset.layout.sources == "frames":
            count = len(list_files(folder / path, Glob("*")))
            if count != member.frames:
                raise DatasetError(
                    f"dataset {dataset.name!r}: {folder / path} holds {count} frames, its list ({dataset.split}) says "
                    f"{member.frames}; get the sequence again"
                )


def labels_of(dataset: Dataset) -> Callable[[str], int | None]:
    """The function that gives the ImageNet class index of a file by its name; None where the dataset has no classes."""
    if dataset.kind == "ilsvrc":
        return lambda name: _label_from_folder(dataset, name)
    if dataset.label_pattern:
        return lambda name: _label_from_name(dataset, name)
    return lambda name: None


def _label_from_name(dataset: Dataset, name: str) -> int:
    """Group 1 of the label pattern, which must match the whole file name."""
    match = re.fullmatch(dataset.label_pattern, name.rpartition("/")[2])
    if match is None:
        raise DatasetError(
            f"dataset {dataset.name!r}: the name of {name} does not match its label_pattern "
            f"{dataset.label_pattern!r}; select only labelled files or correct the pattern"
        )
    return int(match.group(1))


def _label_from_folder(dataset: Dataset, name: str) -> int:
    synset = name.rpartition("/")[0].rpartition("/")[2]
    if synset not in class_of_synset():
        raise DatasetError(
            f"dataset {dataset.name!r}: {name} does not lie in a folder named after one of the 1000 classes, such as "
            "n01440764; the validation images come in one folder and have to be sorted into such folders first"
        )
    return class_of_synset()[synset]


def select_sources(registry: dict[str, Dataset], selection: Selection, kinds: tuple[str, ...]) -> list[Source]:
    """The sources of one selection, sorted by name. Raises DatasetError if the dataset's kind is not among `kinds`."""
    dataset = find_dataset(registry, selection.dataset)
    if dataset.kind not in kinds:
        raise DatasetError(
            f"dataset {dataset.name!r} is of the kind {dataset.kind} ({dataset.layout.what}); "
            f"expected {' or '.join(kinds)} here"
        )
    folder = media_folder(dataset)
    label_of = labels_of(dataset)
    sums = read_checksums(beside_registry(dataset, dataset.checksums, "checksums")) if dataset.checksums else {}
    return [
        Source(
            dataset=dataset.name,
            kind=dataset.layout.sources,
            path=folder / path,
            file=member.name,
            label=label_of(member.name),
            checksum=member.sha256 or sums.get(member.name),
        )
        for member, path in select(dataset, selection.files)
    ]


def planned_count(registry: dict[str, Dataset], selections: Iterable[Selection]) -> int:
    """About how many sources the selections give, for choosing a number of shards.

    A dataset with a `count` is taken as a whole, without looking at its folder, which may not be there yet; the others
    are listed.
    """
    counts: dict[str, int] = {}
    names: dict[str, set[str]] = {}
    for selection in selections:
        dataset = find_dataset(registry, selection.dataset)
        if dataset.count:
            counts[dataset.name] = int(dataset.count)
        else:
            names.setdefault(dataset.name, set()).update(member.name for member, _ in select(dataset, selection.files))
    return sum(counts.values()) + sum(len(chosen) for chosen in names.values())


def unique_names(sources: list[Source]) -> dict[Source, str]:
    """A name for each source: the file's stem; where that is shared, with the dataset; else with the whole path."""
    spellings = (
        lambda source: source.stem,
        lambda source: f"{source.dataset}_{source.stem}",
        lambda source: f"{source.dataset}_{source.file.replace('/', '_')}",
    )
    names: dict[Source, str] = {}
    unnamed = sources
    for spell in spellings:
        spelling = [spell(source) for source in unnamed]
        count = Counter(spelling)
        named = list(zip(unnamed, spelling, strict=True))
        names |= {source: name for source, name in named if count[name] == 1}
        unnamed = [source for source, name in named if count[name] > 1]
    count = Counter(names.values())
    shared = unnamed or [source for source, name in names.items() if count[name] > 1]
    if shared:
        raise DatasetError(f"these files would get the same name: {', '.join(str(s.path) for s in shared[:5])}")
    return names
