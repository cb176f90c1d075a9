"""Which files of a dataset are taken: a glob over the names of its split, each file with its label and checksum."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, NonNegativeInt, PositiveInt, field_validator

from media.jobs import stamp
from media.names import in_utf8, item_name, marked
from prep.datasets.globs import Glob, list_files, spelt, tree
from prep.datasets.imagenet import CLASSES, class_of_synset
from prep.datasets.lists import DatasetError, Member, draw_order, place_in_draw, read_checksums, read_list
from prep.datasets.registry import DRAW, Dataset, beside_registry, find_dataset, media_folder
from prep.datasets.usable import why_unusable


class Selection(BaseModel, extra="forbid"):
    """Some files (a glob over their names) of one dataset."""

    dataset: str
    files: str
    count: PositiveInt | None = None  # so many items are kept, the first of the draw that are fit; None: all that are
    reserve: NonNegativeInt = 0  # a draw goes on by so many files, and its rest begins so much later
    trial: PositiveInt | None = None  # in a trial: at most so many files, the first of the draw

    @property
    def part(self) -> dict[str, int]:
        """What `select_all` is told of it, where it is not all of a split."""
        return self.model_dump(include={"reserve", "trial"}, exclude_defaults=True)

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
    unusable: str | None = None  # why it cannot be read, as was seen when it was listed

    @property
    def identity(self) -> list:
        """What it is, wherever it lies."""
        known = [self.dataset, self.kind, self.file, self.label, self.checksum]
        return known if self.unusable is None else [*known, self.unusable]

    @property
    def times(self) -> list:
        """What changes when its content does (media.jobs.stamp); nothing of what cannot be read."""
        return stamp(self.path) if self.unusable is None else []

    @property
    def stem(self) -> str:
        return self.path.name if self.kind == "frames" else self.path.stem

    @property
    def sha256(self) -> str | None:
        """Of the file's bytes: equal for the same file under two names or datasets; None for a folder, and for
        what cannot be read."""
        if self.unusable is not None or not self.path.is_file():
            return None
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Inventory:
    """What lies in the folder of a dataset.

    paths: name -> path below the folder as the file system spells it, plain strings, because there may be a million of
    them. lost: the name of what has none that can be used, or cannot be listed -> why.
    """

    paths: dict[str, str]
    lost: dict[str, str]


def select(dataset: Dataset, files: str, **part: int) -> list[tuple[Member, str]]:
    """The members of a dataset whose names match the glob `files`, sorted by name, each with where it lies below
    media_folder(dataset). Raises DatasetError naming some of what is there if nothing matches.
    """
    return select_all(dataset, files, **part)[0]


def select_all(
    dataset: Dataset, files: str, trial: int | None = None, reserve: int = 0
) -> tuple[list[tuple[Member, str]], dict[str, str]]:
    """The same, and of what is lost the names with the reasons.

    trial: at most so many members, the first in the order of the draw; a split then takes what there is of it, instead
    of being refused for what is not. reserve: a draw goes on by so many names, or by half of what it leaves where that
    is less, and the rest of the same draw begins behind them.
    """
    folder = media_folder(dataset)
    glob = Glob(files)
    if dataset.split:
        members = _members(dataset, folder, trial, reserve)
        members = [(member, path) for member, path in members if glob.matches(member.name)]
        lost = {}
    else:
        there = _there(dataset, folder, glob)
        members, lost = [(Member(name), path) for name, path in there.paths.items()], there.lost
    if not members and not lost:
        examples = list(_there(dataset, folder, Glob("**/*")).paths)
        raise DatasetError(
            f"dataset {dataset.name!r}: nothing in {folder} matches {files!r} ({dataset.layout.what}"
            f"{', split ' + dataset.split if dataset.split else ''}); "
            f"there are for instance {', '.join(examples[:5]) or 'no such files at all'}"
        )
    if trial:
        drawn = set(sorted((member.name for member, _ in members), key=draw_key(dataset))[:trial])
        return [(member, path) for member, path in members if member.name in drawn], lost
    _check_frames(dataset, folder, members)
    return members, lost


def draw_key(dataset: Dataset) -> Callable[[str], bytes]:
    """What the names of a dataset are ordered by in its draw; in one with the seed 0 where its split is no draw."""
    drawn = DRAW.fullmatch(dataset.split)
    seed, own = int(drawn.group(3)) if drawn else 0, _own_name if dataset.kind == "ilsvrc" else str
    return lambda name: place_in_draw(own(name), seed)


def _own_name(name: str) -> str:
    """The name of a file without its folder, which in ILSVRC is unique."""
    return name.rpartition("/")[2]


def _there(dataset: Dataset, folder: Path, glob: Glob) -> Inventory:
    """What lies in the folder of a dataset, whatever its split, sorted by name."""
    try:
        listed = tree(folder, glob)
    except OSError as error:
        raise DatasetError(
            f"dataset {dataset.name!r}: the folder {folder} cannot be listed ({error.strerror}); look at its "
            "permissions, or at the disk that it lies on"
        ) from error
    paths: dict[str, str] = {}
    lost = {in_utf8(name): why for name, why in listed.closed.items()}
    names = listed.folders if dataset.layout.sources == "frames" else listed.files
    for path in sorted(names, key=lambda path: (spelt(path), path != spelt(path))):
        if path in lost:
            continue
        if not _is_text(path):
            lost[in_utf8(path)] = "its name is not UTF-8; rename it"
        elif spelt(path) in paths:
            lost[path] = "another name differs from it only in how an accent is spelt; rename one"
        else:
            paths[spelt(path)] = path
    return Inventory(paths, lost)


def _is_text(name: str) -> bool:
    return name.isascii() or not re.search("[\ud800-\udfff]", name)


def _members(dataset: Dataset, folder: Path, trial: int | None, reserve: int) -> list[tuple[Member, str]]:
    """All that the split of a dataset names, sorted by name, each with where it lies."""
    inventory = _there(dataset, folder, Glob("**/*"))
    there = _whole(dataset, inventory.paths)
    names = _by_own_name(dataset, there)
    if drawn := DRAW.fullmatch(dataset.split):
        _check_complete(dataset, inventory)
        chosen = [Member(name) for name in _drawn(dataset, names, drawn, trial, reserve)]
    else:
        chosen = _listed(dataset, names, trial)
    return [(member, there[member.name]) for member in sorted(chosen, key=lambda member: member.name)]


def _check_complete(dataset: Dataset, inventory: Inventory) -> None:
    """Raises DatasetError where a draw would be another one if all could be read."""
    for name, why in inventory.lost.items():
        raise DatasetError(
            f"dataset {dataset.name!r}: {name}: {why}. A draw ({dataset.split}) is made of all names: mend it first"
        )


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
        own = _own_name(name)
        if own in names:
            raise DatasetError(
                f"dataset {dataset.name!r}: {names[own]} and {name} are called alike, which in ILSVRC no two files "
                "are; remove one, or use the kind images"
            )
        names[own] = name
    return names


def _drawn(dataset: Dataset, names: dict[str, str], split: re.Match, trial: int | None, reserve: int) -> list[str]:
    """The names of a draw, or of the rest that it leaves; in a trial both are of a smaller draw."""
    part, count, seed = split.group(1), int(split.group(2)), int(split.group(3))
    if trial:
        count = min(count, trial)
    elif len(names) < count:
        raise DatasetError(
            f"dataset {dataset.name!r}: {count} are to be drawn ({dataset.split}), but {media_folder(dataset)} holds "
            f"{len(names)}; get the whole dataset, or draw fewer"
        )
    count += min(reserve, max(0, len(names) - count) // 2)
    order = [names[name] for name in draw_order(names, seed)]
    return order[:count] if part == "draw" else order[count:]


def _listed(dataset: Dataset, names: dict[str, str], trial: int | None) -> list[Member]:
    """The members that the list of a dataset names. Raises DatasetError if some of them are not there; a trial goes on
    with the others."""
    path = beside_registry(dataset, dataset.split, "split")
    names = names | {name: name for name in names.values()}
    listed = read_list(path)
    missing = [member.name for member in listed if member.name not in names]
    if trial:
        listed = [member for member in listed if member.name in names]
    elif missing:
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
    text = match.group(1) or ""
    if not (text.isascii() and text.isdecimal() and int(text) < CLASSES):
        raise DatasetError(
            f"dataset {dataset.name!r}: of the name of {name} its label_pattern {dataset.label_pattern!r} takes "
            f"{text!r} as the label; expected the number of an ImageNet class, 0 to {CLASSES - 1}"
        )
    return int(text)


def _label_from_folder(dataset: Dataset, name: str) -> int:
    synset = name.rpartition("/")[0].rpartition("/")[2]
    if synset not in class_of_synset():
        raise DatasetError(
            f"dataset {dataset.name!r}: {name} does not lie in a folder named after one of the 1000 classes, such as "
            "n01440764; the validation images come in one folder and have to be sorted into such folders first"
        )
    return class_of_synset()[synset]


def select_sources(registry: dict[str, Dataset], selection: Selection, kinds: tuple[str, ...]) -> list[Source]:
    """The sources of one selection, sorted by name, or of a counted one in the order of the draw.

    Raises DatasetError if the dataset's kind is not among `kinds`.
    """
    dataset = find_dataset(registry, selection.dataset)
    if dataset.kind not in kinds:
        raise DatasetError(
            f"dataset {dataset.name!r} is of the kind {dataset.kind} ({dataset.layout.what}); "
            f"expected {' or '.join(kinds)} here"
        )
    folder = media_folder(dataset)
    label_of = labels_of(dataset)
    sums = read_checksums(beside_registry(dataset, dataset.checksums, "checksums")) if dataset.checksums else {}
    members, lost = select_all(dataset, selection.files, **selection.part)
    kind = dataset.layout.sources
    sources = [
        Source(
            dataset=dataset.name,
            kind=kind,
            path=folder / path,
            file=member.name,
            label=label_of(member.name),
            checksum=member.sha256 or sums.get(member.name),
            unusable=why_unusable(folder / path, kind),
        )
        for member, path in members
    ]
    sources += [Source(dataset.name, kind, folder / name, name, None, unusable=why) for name, why in lost.items()]
    order = draw_key(dataset) if selection.count else str
    return sorted(sources, key=lambda source: order(source.file))


def planned_count(registry: dict[str, Dataset], selections: Iterable[Selection], select=select) -> int:
    """About how many sources the selections give, for choosing a number of shards.

    A dataset with a `count` is taken as a whole, without looking at its folder, which may not be there yet; the others
    are listed. select: the function above, or one that remembers what it gave.
    """
    counts: dict[str, int] = {}
    names: dict[str, set[str]] = {}
    for selection in selections:
        dataset = find_dataset(registry, selection.dataset)
        if dataset.count:
            counts[dataset.name] = registered_count(dataset, **selection.part)
        else:
            listed = select(dataset, selection.files, **selection.part)
            names.setdefault(dataset.name, set()).update(member.name for member, _ in listed)
    return sum(counts.values()) + sum(len(chosen) for chosen in names.values())


def registered_count(dataset: Dataset, trial: int | None = None, reserve: int = 0) -> int:
    """How many files the registry counts for a dataset, in a trial or with a reserve; 0 where it does not count."""
    count = int(dataset.count or 0)
    if trial:
        return min(count, trial)
    return max(0, count - reserve) if dataset.split.startswith("rest:") else count + reserve


def unique_names(sources: list[Source]) -> dict[Source, str]:
    """A name for each source that is fit for a folder: the file's stem; where that is shared, with the dataset; else
    with the whole path; at last with a hash. Names that differ in nothing but capitals are shared: some file systems
    do not tell them apart.
    """
    spellings = (
        lambda source: source.stem,
        lambda source: f"{source.dataset}_{source.stem}",
        lambda source: f"{source.dataset}_{source.file.replace('/', '_')}",
    )
    names: dict[Source, str] = {}
    taken: set[str] = set()
    unnamed = sources
    for spell in spellings:
        spelling = [item_name(spell(source), identity_of(source)) for source in unnamed]
        count = Counter(map(folded, spelling))
        named = [
            (source, name)
            for source, name in zip(unnamed, spelling, strict=True)
            if count[folded(name)] == 1 and folded(name) not in taken
        ]
        names |= dict(named)
        taken |= {folded(name) for _, name in named}
        unnamed = [source for source in unnamed if source not in names]
    names |= {source: marked(item_name(source.stem, identity_of(source)), identity_of(source)) for source in unnamed}
    return {source: _unlike_a_shot(source, name, taken) for source, name in names.items()}


def _unlike_a_shot(source: Source, name: str, taken: set[str]) -> str:
    """Beside the clips of `film`, which are called `film_shot0_stride1`, a file `film_shot0` needs another name."""
    shot = re.search(r"_shot\d+$", name)
    return marked(name, identity_of(source)) if shot and folded(name[: shot.start()]) in taken else name


def identity_of(source: Source) -> str:
    return f"{source.dataset}/{source.file}"


def folded(name: str) -> str:
    return spelt(name).casefold()
