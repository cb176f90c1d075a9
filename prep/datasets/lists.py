"""List files, which name the members of a split, and draws, which choose them where no list was ever published.

A list is a text file with one member a line and comment lines that begin with `#`: the name, and after tabs, where they
are known, its number of frames and the SHA-256 of its file. The lists of DAVIS 2016, with a line a frame, are read too.
`docs/datasets.md` says how the lists of this repository were drawn.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from media.text import WrongEncoding, read_text
from media.whole import write_whole
from prep.datasets.globs import spelt

DIGEST = "sha256 of the names:"
# DAVIS 2016: "/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png".
FRAME_LINE = re.compile(r"/JPEGImages/[^/]+/([^/]+)/[^/]+\.\w+(?:\s.*)?")


class DatasetError(ValueError):
    """A dataset, selection or list that cannot be used. The message says what there is and what to do."""


@dataclass(frozen=True)
class Member:
    """One line of a list."""

    name: str
    frames: int | None = None
    sha256: str | None = None


def digest_of_names(names: Iterable[str]) -> str:
    """SHA-256 of the names in their order, joined by newlines."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def draw_order(names: Iterable[str], seed: int) -> list[str]:
    """The names in the order in which they are drawn: by the SHA-256 of `<seed>/<name>`.

    A name's place follows from it and the seed alone, so the order is the same on every machine, and one that is added
    leaves the others in their order.
    """
    return sorted(names, key=lambda name: place_in_draw(name, seed))


def place_in_draw(name: str, seed: int) -> bytes:
    """What the names of a draw are ordered by."""
    return hashlib.sha256(f"{seed}/{spelt(name)}".encode()).digest()


def read_list(path: Path) -> list[Member]:
    """The members that a list names, in its order. Raises DatasetError where the list contradicts itself."""
    lines = _lines(path)
    members = [line for line in lines if line.strip() and not line.startswith("#")]
    if members and all(FRAME_LINE.fullmatch(line) for line in members):
        frames = Counter(spelt(FRAME_LINE.fullmatch(line).group(1)) for line in members)
        return [Member(name, count) for name, count in frames.items()]
    result = [_member(path, line) for line in members]
    names = Counter(member.name for member in result)
    if len(names) < len(result):
        twice = [name for name, count in names.items() if count > 1]
        raise DatasetError(f"{path}: {', '.join(twice[:5])} is there more than once; a list names each member once")
    _check_digest(path, lines, [member.name for member in result])
    return result


def _lines(path: Path) -> list[str]:
    """The lines of a text file without spaces at their ends. Raises DatasetError for one that is not UTF-8."""
    try:
        text = read_text(path)
    except WrongEncoding as error:
        raise DatasetError(str(error)) from error
    # Not splitlines(), which also breaks at characters that a name may hold.
    return [line.rstrip(" \t") for line in text.rstrip("\n").split("\n")]


def _member(path: Path, line: str) -> Member:
    cells = re.fullmatch(r"([^\t]+)(?:\t(\d*))?(?:\t([0-9a-f]{64})?)?", line)
    if cells is None:
        raise DatasetError(
            f"{path}: cannot read the line {line!r}; expected a name and, after tabs, optionally the number of frames "
            "and the SHA-256 of the file (64 digits 0-9a-f)"
        )
    name, frames, sha256 = cells.groups()
    return Member(spelt(name.removeprefix("./")), int(frames) if frames else None, sha256)


def _check_digest(path: Path, lines: list[str], names: list[str]) -> None:
    for line in lines:
        if line.startswith("#") and DIGEST in line:
            stated = line.partition(DIGEST)[2].strip()
            if stated != digest_of_names(names):
                raise DatasetError(
                    f"{path}: its header says that the SHA-256 of the names is {stated}, that of the {len(names)} "
                    f"names in it is {digest_of_names(names)}; the list was changed: take it from its origin again, or "
                    "remove that line"
                )


def write_list(members: list[Member], path: Path, origin: str) -> None:
    """Write a list whose header says where it comes from and how its names hash.

    Raises DatasetError for a name that cannot stand on a line.
    """
    for member in members:
        if re.search(r"[\t\n\r]| $", member.name):
            raise DatasetError(f"the name {member.name!r} cannot stand in a list; rename the file")
    rows = [_line(member) for member in members]
    head = [
        f"# {line}" for line in (*origin.splitlines(), f"{DIGEST} {digest_of_names(member.name for member in members)}")
    ]
    write_whole(path, ("\n".join([*head, *rows]) + "\n").encode())


def _line(member: Member) -> str:
    name = f"./{member.name}" if member.name.startswith("#") else member.name
    frames = "" if member.frames is None else str(member.frames)
    return "\t".join([name, frames, member.sha256 or ""]).rstrip("\t")


def read_checksums(path: Path) -> dict[str, str]:
    """SHA-256 by name from a file as `sha256sum` writes it."""
    sums = {}
    for line in filter(None, _lines(path)):
        parts = re.fullmatch(r"([0-9a-fA-F]{64}) [ *](.+)", line)
        if parts is None:
            raise DatasetError(
                f"{path}: cannot read the line {line!r}; expected '<SHA-256>  <file>', as sha256sum writes"
            )
        sums[spelt(parts.group(2).removeprefix("./"))] = parts.group(1).lower()
    return sums
