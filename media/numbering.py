"""The frames of a folder in their order, where the folder leaves no doubt which they are."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Set
from itertools import pairwise
from pathlib import Path

from media.image import SUFFIXES, list_images

# What lies beside frames and is none. All else that is not taken is named: it may be a frame that a clip would lack.
NO_FRAME = {
    ".aae", ".csv", ".db", ".htm", ".html", ".ini", ".json", ".lnk", ".log", ".md", ".md5", ".nfo", ".pdf", ".sfv",
    ".sha1", ".sha256", ".sha512", ".srt", ".toml", ".tsv", ".txt", ".url", ".vtt", ".xml", ".xmp", ".yaml", ".yml",
    ".flo", ".mat", ".npy", ".npz", ".pkl", ".pt", ".pth", ".safetensors",
    ".avi", ".m4a", ".mkv", ".mov", ".mp3", ".mp4", ".wav", ".webm",
}  # fmt: skip
NO_FRAME_BY_NAME = {
    "checksums", "copying", "icon\r", "license", "md5sums", "readme", "sha1sums", "sha256sums", "sha512sums",
}  # fmt: skip
# Longer numbers are times or the like, which do not count frames.
LONGEST_NUMBER = 8


class UnclearFolder(ValueError):
    """A folder whose images are no clip: `reason` is the fixed name, the message says what was found and what to do."""

    def __init__(self, reason: str, detail: str):
        super().__init__(detail)
        self.reason = reason


def numbered_frames(folder: str | Path, suffixes: Set[str] = SUFFIXES) -> list[Path]:
    """The images of a folder with one of the suffixes in natural order, none for an empty folder.

    Raises UnclearFolder: `ambiguous_frames` where two files have one number, or a picture lies beside those that are
    numbered; `missing_frames` where numbers are left out or a file lies there that is not taken and may be a frame.
    """
    there = sorted(path for path in Path(folder).iterdir() if path.name[0] != ".")
    if left_out := [path.name for path in there if path.suffix.lower() not in suffixes and _may_be_a_frame(path)]:
        raise UnclearFolder(
            "missing_frames",
            f"{folder}: {_some(left_out)} cannot be read as a frame; expected {', '.join(sorted(suffixes))}, so "
            "convert it or take it out",
        )
    paths = [path for path in list_images(folder) if path.suffix.lower() in suffixes]
    sequences = _sequences(paths)
    for numbers in sequences:
        _check(folder, numbers)
    _check_copies(folder, paths)
    _check_outsiders(folder, paths, {name for numbers in sequences if len(numbers) > 1 for (name,) in numbers.values()})
    return paths


def _may_be_a_frame(path: Path) -> bool:
    none = path.suffix.lower() in NO_FRAME or path.name.lower() in NO_FRAME_BY_NAME
    return not none and not path.is_dir()


def _sequences(paths: list[Path]) -> list[dict[int, list[str]]]:
    """The names by their last number, for each spelling of what is before it."""
    sequences: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in paths:
        if named := re.fullmatch(r"(.*?)(\d+)\D*", path.stem):
            before, number = named.groups()
            sequences[before.casefold()][int(number)].append(path.name)
    return list(sequences.values())


def _check_outsiders(folder: str | Path, paths: list[Path], inside: set[str]) -> None:
    """Raises UnclearFolder where a picture's name is like no other one, but others (inside) are a sequence."""
    spellings = Counter(_spelling(path) for path in paths)
    for path in paths:
        if inside and path.name not in inside and spellings[_spelling(path)] == 1:
            raise UnclearFolder(
                "ambiguous_frames",
                f"{folder}: {path.name} has no place among the {len(inside)} numbered ones; number it as they are, or "
                "take it out",
            )


def _spelling(path: Path) -> str:
    return re.sub(r"\d+", "0", path.stem).casefold()


def _check_copies(folder: str | Path, paths: list[Path]) -> None:
    """Raises UnclearFolder where a numbered picture has another one whose name only adds to its own: `f002 (1).png`."""
    names = {path.stem: path.name for path in paths if re.search(r"\d", path.stem)}
    for path in paths:
        if first := next((start for start in _beginnings(path.stem) if start in names), None):
            raise UnclearFolder(
                "ambiguous_frames",
                f"{folder}: {names[first]} and {path.name} may be two of one frame; keep the one that is the frame, or "
                "number them alike",
            )


def _beginnings(stem: str) -> Iterator[str]:
    """What a name may have been before something was added to it: all up to the end of a number or word."""
    for end in range(1, len(stem)):
        last, following = stem[end - 1], stem[end]
        if not ((last.isdecimal() and following.isdecimal()) or (last.isalpha() and following.isalpha())):
            yield stem[:end]


def _check(folder: str | Path, names: dict[int, list[str]]) -> None:
    """Raises UnclearFolder for one sequence: number -> the files that have it."""
    double = next((files for files in names.values() if len(files) > 1), None)
    if double:
        raise UnclearFolder(
            "ambiguous_frames", f"{folder}: {' and '.join(double[:3])} have one number; keep the one that is the frame"
        )
    numbers = list(names)
    if numbers != sorted(numbers):
        raise UnclearFolder(
            "ambiguous_frames",
            f"{folder}: {names[numbers[0]][0]} comes before {names[min(numbers)][0]} by its name, not by its number; "
            "spell the names alike",
        )
    steps = [after - before for before, after in pairwise(numbers)]
    if not steps or numbers[-1] >= 10**LONGEST_NUMBER:
        return
    # Every fifth frame, say, is a sequence without a gap.
    step = min(steps)
    gap = next((index for index, width in enumerate(steps) if width != step), None)
    if gap is not None:
        before, after = names[numbers[gap]][0], names[numbers[gap + 1]][0]
        raise UnclearFolder(
            "missing_frames",
            f"{folder}: after {before} comes {after}, and {len(numbers)} files have the numbers {numbers[0]} to "
            f"{numbers[-1]}; frames are missing: put them there, or number the files anew if the clip has none",
        )


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} (and {len(names) - 1} more)"
