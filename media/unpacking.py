"""Others' archives unpacked safely: nothing outside the folder, no links, no more than their limits.

Zip, and tar as it is or compressed. What an archive says of itself is checked before it is written.
"""

import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from stat import S_ISLNK
from typing import IO
from zlib import error as ZlibError

from media.whole import written_whole

BUFFER = 1 << 20  # bytes
# So say the readers of a damaged archive; that of bzip2 raises an OSError without a number.
BROKEN = (zipfile.BadZipFile, tarfile.TarError, ZlibError, LZMAError, EOFError, NotImplementedError)


class BadArchive(ValueError):
    """An archive that is broken, or not to be unpacked. The message names it, its entry and what is wrong."""


@dataclass(frozen=True)
class Limits:
    """The most that an archive may come to when it is unpacked."""

    bytes: int
    files: int


@dataclass(frozen=True)
class Packed:
    """A file or folder in an archive. `odd`: what it is if it is neither, in words. `open` is for files."""

    name: str
    size: int  # bytes, as declared; no more are read
    is_folder: bool
    odd: str
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, folder: Path, limits: Limits, inside: str = "") -> int:
    """Write the files that lie in the archive's folder `inside` into an existing, empty folder; gives their number.

    Raises BadArchive, and OSError where the disk does not take them; the folder is the caller's to remove then.
    """
    below = PurePosixPath(inside).parts
    count = 0
    with _opened(archive) as entries:
        for entry in _checked(archive, entries, limits):
            parts = PurePosixPath(entry.name).parts
            if parts[: len(below)] != below or len(parts) == len(below):
                continue
            target = folder.joinpath(*parts[len(below) :])
            if entry.is_folder:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with entry.open() as source, open(target, "xb") as file:
                shutil.copyfileobj(source, file, BUFFER)
            count += 1
    if not count:
        raise BadArchive(f"{archive}: no file in the folder {inside or '.'}; is it another archive?")
    return count


def unpack_named(archive: Path, targets: dict[str, Path], limits: Limits) -> None:
    """Write those files of an archive that have these names, whatever folder they are in, each whole to its path.

    Raises BadArchive if one is missing or there twice.
    """
    done = []
    with _opened(archive) as entries:
        for entry in _checked(archive, entries, limits):
            name = PurePosixPath(entry.name).name
            if entry.is_folder or name not in targets:
                continue
            if name in done:
                raise BadArchive(f"{archive}: there are two files called {name}")
            with entry.open() as source, written_whole(targets[name]) as path, open(path, "wb") as file:
                shutil.copyfileobj(source, file, BUFFER)
            done.append(name)
    if missing := sorted(set(targets) - set(done)):
        raise BadArchive(f"{archive}: there is no {', '.join(missing)} in it; is it another archive?")


@contextmanager
def _opened(archive: Path) -> Iterator[Iterator[Packed] | list[Packed]]:
    """The entries of an archive: of a zip a list, of a tar as they come. Raises BadArchive for what is broken."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                yield [_of_zip(opened, info) for info in opened.infolist()]
        else:
            with tarfile.open(archive, "r|*") as opened:
                yield (_of_tar(opened, info) for info in opened)
    except FileExistsError as error:
        raise BadArchive(f"{archive}: {error.filename} is in it twice") from error
    except (*BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise BadArchive(f"{archive}: broken, or no zip or tar ({error}); delete it and fetch it again") from error


def _of_zip(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Packed:
    link = "a link" if S_ISLNK(info.external_attr >> 16) else ""
    odd = "encrypted" if info.flag_bits & 1 else link
    return Packed(info.filename, info.file_size, info.is_dir(), odd, lambda: opened.open(info))


def _of_tar(opened: tarfile.TarFile, info: tarfile.TarInfo) -> Packed:
    link = "a link" if info.issym() or info.islnk() else ""
    odd = link or ("" if info.isfile() or info.isdir() else "a device or a pipe")
    return Packed(info.name, info.size, info.isdir(), odd, lambda: opened.extractfile(info))


def _checked(archive: Path, entries: Iterator[Packed] | list[Packed], limits: Limits) -> Iterator[Packed]:
    """The same entries, each checked before it is given; a list is checked before the first."""
    if isinstance(entries, list):
        list(_checked(archive, iter(entries), limits))
    size = 0
    for count, entry in enumerate(entries, 1):
        path = PurePosixPath(entry.name)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.name:
            raise BadArchive(f"{archive}: {entry.name!r} would lie outside the folder; nothing of it is kept")
        if entry.odd:
            raise BadArchive(f"{archive}: {entry.name!r} is {entry.odd}; expected files and folders alone")
        size += entry.size
        if size > limits.bytes or count > limits.files:
            raise BadArchive(
                f"{archive}: it comes to more than {limits.bytes:,} bytes or {limits.files:,} entries; nothing of it "
                "is kept"
            )
        yield entry
