"""One writer at a time: a job that was started again stops while the one before it still writes the same files.

It happens where the workflow is killed and its jobs are not. The lock is the kernel's (flock), so it ends with the
process that holds it, however that ends. Over NFS it holds between machines that mount it with locks (the default);
where a file system knows no locks, jobs go on without.
"""

import errno
import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

from media.faults import MachineFault
from media.whole import temporary_of

WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


# Handles of locks. A forked child, such as loads the samples of a training, must not hold what its parent held.
HELD: set[int] = set()


def _let_go() -> None:
    for handle in HELD:
        os.close(handle)
    HELD.clear()


os.register_at_fork(after_in_child=_let_go)


class StillWriting(MachineFault):
    """Another process writes the same files. The message names it, and says what to do."""


def alone(main: Callable[..., None]) -> Callable[..., None]:
    """`main` of a stage, for `tyro.cli`, as the sole writer of its `table` and of the folder that belongs to it."""

    @wraps(main)
    def run(*args, table: Path, **kwargs) -> None:
        with sole_writer(table):
            main(*args, table=table, **kwargs)

    return run


@contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Hold the right to write a file or folder; while it lasts a lock file lies beside it. Raises StillWriting."""
    beside = temporary_of(path).with_suffix(".lock")
    beside.parent.mkdir(parents=True, exist_ok=True)
    handle = _locked(beside, path)
    HELD.add(handle)
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        yield
    finally:
        if handle in HELD:  # not in a forked child
            beside.unlink(missing_ok=True)  # before the lock is given back: whoever waits for no lock makes a new file
            HELD.remove(handle)
            os.close(handle)


def _locked(beside: Path, path: Path) -> int:
    """The open lock file, locked, and still the one that lies there."""
    while True:
        handle = os.open(beside, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode(errors="replace") or "another process"
            os.close(handle)
            raise StillWriting(
                f"{path}: {holder} is still writing it, of a run that was killed or that goes on elsewhere; wait until "
                "it has ended, or end it, and run again"
            ) from None
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                os.close(handle)
                raise
        if beside.exists() and os.path.samestat(os.stat(beside), os.fstat(handle)):
            return handle
        os.close(handle)  # its owner removed it between our opening and locking it
