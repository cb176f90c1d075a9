"""The frames of a folder in their order, where the folder leaves no doubt which they are."""

import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from media.image import SUFFIXES, list_images

# Pictures that are not read: left out without a word, they would be holes in a clip.
UNREAD = {
    ".apng", ".avif", ".cr2", ".cr3", ".dib", ".dng", ".dpx", ".eps", ".exr", ".gif", ".hdr", ".heic", ".heif", ".ico",
    ".j2k", ".jp2", ".jpx", ".jxl", ".nef", ".arw", ".orf", ".pcx", ".pfm", ".psd", ".qoi", ".ras", ".raw", ".sgi",
    ".svg", ".tga", ".xbm", ".xpm",
}  # fmt: skip
# Longer numbers are times or the like, which do not count frames.
LONGEST_NUMBER = 8


class UnclearFolder(ValueError):
    """A folder whose images are no clip: `reason` is the fixed name, the message says what was found and what to do."""

    def __init__(self, reason: str, detail: str):
        super().__init__(detail)
        self.reason = reason


def numbered_frames(folder: str | Path) -> list[Path]:
    """The images of a folder in natural order, none for an empty one.

    Raises UnclearFolder: `ambiguous_frames` where two files have one number, `missing_frames` where numbers are left
    out or a picture lies there in a format that is not read.
    """
    paths = list_images(folder)
    unread = [path.name for path in sorted(Path(folder).iterdir()) if _is_unread(path)]
    if unread:
        raise UnclearFolder(
            "missing_frames",
            f"{folder}: {_some(unread)} cannot be read as a frame; expected {', '.join(sorted(SUFFIXES))}, so convert "
            "it or take it out",
        )
    for numbers in _sequences(paths):
        _check(folder, numbers)
    return paths


def _is_unread(path: Path) -> bool:
    return path.suffix.lower() in UNREAD and path.name[0] != "."


def _sequences(paths: list[Path]) -> list[dict[int, list[str]]]:
    """The names by their last number, for each way in which the rest of the name is spelt."""
    sequences: dict[tuple[str, str], dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in paths:
        if named := re.fullmatch(r"(.*?)(\d+)(\D*)", path.stem):
            before, number, after = named.groups()
            sequences[before, after][int(number)].append(path.name)
    return list(sequences.values())


def _check(folder: str | Path, names: dict[int, list[str]]) -> None:
    """Raises UnclearFolder for one sequence: number -> the files that have it."""
    double = next((files for files in names.values() if len(files) > 1), None)
    if double:
        raise UnclearFolder(
            "ambiguous_frames", f"{folder}: {' and '.join(double[:3])} have one number; keep the one that is the frame"
        )
    numbers = sorted(names)
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
