"""What is opened is a regular file; what can never be one is said, or removed, before anything waits for it."""

import os
import stat
from pathlib import Path

from media.faults import MachineFault


class NoRegularFile(ValueError):
    """A pipe, socket, device or folder, or a link that leads to nothing. The message says which, not where."""


def check_regular(path: str | Path) -> None:
    """Raises NoRegularFile, or OSError where the system cannot tell.

    A link that leads to nothing is the file's own fault if the folder that it leads into is there; if that is missing
    as well, a disk may be, and the error is the system's.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except OSError:
        if path.is_symlink() and (path.parent / os.readlink(path)).parent.is_dir():
            raise NoRegularFile(f"is a link to {os.readlink(path)}, which is not there") from None
        raise
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        raise NoRegularFile(f"is {kinds.get(stat.S_IFMT(mode), 'a device')}, not a file")


def make_way(path: Path) -> None:
    """Remove what stands where a file is to be written and is none: opening a pipe would wait for ever.

    Raises MachineFault for a folder that holds something.
    """
    if not os.path.lexists(path) or path.is_file():
        return
    try:
        (path.rmdir if path.is_dir() and not path.is_symlink() else path.unlink)()
    except OSError as error:
        raise MachineFault(
            f"{path}: a file is to be written there, but it cannot be removed ({error.strerror}); nothing in it is "
            "deleted: look at it, move it away and run again"
        ) from error
