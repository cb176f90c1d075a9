"""Files and folders that appear whole or not at all: what a killed or failing job was writing never looks finished.

All that counts is written through here: to a temporary name beside it, checked, synced to the disk, then renamed.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Bytes of a file name that file systems take.
LONGEST_NAME = 255


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; it takes its place, synced, only if the block ends without an error.

    In a folder that is not whole yet (`whole_folder`) it is `path` itself, for that folder is synced and renamed whole.
    Raises OSError where the disk does not take it all; nothing is left over then.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if any(map(is_temporary, path.parents)):
        with naming(path):
            yield path
        return
    temporary = temporary_of(path)
    try:
        with naming(path):
            yield temporary
            sync(temporary)
            os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give an empty temporary folder beside `folder`; it takes its place only if the block ends without an error.

    All files in it are synced, whoever wrote them. Raises OSError where the disk does not take it all.
    """
    temporary = temporary_of(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        with naming(folder):
            yield temporary
            for path in temporary.rglob("*"):
                if path.is_file():
                    sync(path)
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def write_whole(path: str | Path, data: bytes) -> None:
    """Write a file, making its folder. Raises OSError where the disk does not take it all."""
    with written_whole(path) as temporary:
        temporary.write_bytes(data)


def temporary_of(path: Path) -> Path:
    """Where `path` is written before it is whole: always the same, so that the next run clears what a kill has left."""
    return named_after(path, ".{}.part")


def named_after(path: Path, pattern: str) -> Path:
    """The path beside `path` called `pattern` with its name for {}, or the hash of that where it gets too long."""
    name = pattern.format(path.name)
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = pattern.format(hashlib.sha256(os.fsencode(path.name)).hexdigest())
    return path.with_name(name)


def is_temporary(path: Path) -> bool:
    """Whether a name is one of those above."""
    return path.name.startswith(".") and path.name.endswith(".part")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have an error of the system say which file it is about: what fails while it is written does not."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_all_but(names: set[str], folder: Path) -> None:
    """Remove the folders of items that are no longer there, and what a killed run was writing."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if (path.is_dir() and path.name not in names) or is_temporary(path):
            remove(path)


def sync(path: Path) -> None:
    """Have the disk take a file. Raises OSError: some file systems say only now that they are full."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
