"""Whether a listed source can be read at all: it is looked at, and not opened, which would wait for ever for a pipe."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from media.faults import of_the_machine

# What may lie under a name instead of a file.
SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}
READABLE_BY_ALL = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH


class Glance(NamedTuple):
    """What is seen of a source: why it cannot be read, or of each of its files the name, size and time in ns."""

    why: str | None
    files: tuple[tuple[str, int, int], ...] = ()


def why_unusable(path: str | Path, kind: str) -> str | None:
    """Why a source of a kind (videos, images: a file; frames: a folder of them) cannot be read; None where it can.

    Raises OSError where the machine is at fault (media.faults).
    """
    return look_at(path, kind).why


def look_at(path: str | Path, kind: str) -> Glance:
    """The same with what there is to see of its files; hidden ones are passed over. Raises OSError likewise."""
    if kind != "frames":
        return _look_at_file(path, "")
    try:
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries if not (entry.name.startswith(".") or _is_folder(entry)))
    except OSError as error:
        return Glance(_said(path, error))
    looks = [_look_at_file(os.path.join(path, name), name) for name in names]
    for name, look in zip(names, looks, strict=True):
        if look.why:
            return Glance(f"{name!r} in it: {look.why}")
    return Glance(None, tuple(file for look in looks for file in look.files))


def _look_at_file(path: str | Path, name: str) -> Glance:
    try:
        info = os.stat(path)
    except OSError as error:
        return Glance(_said(path, error))
    if not stat.S_ISREG(info.st_mode):
        return Glance(f"it is {SPECIAL.get(stat.S_IFMT(info.st_mode), 'something else')}; expected a file")
    # Asking costs as much as looking, so what all may read is not asked about.
    if info.st_mode & READABLE_BY_ALL != READABLE_BY_ALL and not os.access(path, os.R_OK):
        return Glance("it cannot be read: no permission")
    return Glance(None, ((name, info.st_size, info.st_mtime_ns),))


def _said(path: str | Path, error: OSError) -> str:
    if of_the_machine(error):
        raise error
    link = f"it is a link to {os.readlink(path)!r}: " if os.path.islink(path) else ""
    return f"{link}it cannot be read ({error.strerror})"


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
