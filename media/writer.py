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
from contextlib import ExitStack, contextmanager
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
def sole_writer(path: Path, shard: int = 0, shards: int = 1) -> Iterator[None]:
    """Hold the right to write a file or folder, or a shard of it; while it lasts lock files lie beside it.

    Shards of a folder are written side by side: each holds its own, and has a share of all that it is a part of, so
    that a job that was told another number of shards does not write the same. Raises StillWriting.
    """
    with ExitStack() as held:
        place, count = shard, shards
        held.enter_context(_lock(_beside(path, place, count), path, fcntl.LOCK_EX))
        while count > 1:
            place, count = (place // 2, count // 2) if count % 2 == 0 else (0, 1)
            held.enter_context(_lock(_beside(path, place, count), path, fcntl.LOCK_SH))
        yield


def _beside(path: Path, shard: int, shards: int) -> Path:
    """The lock file of a shard; of the whole if there is but one."""
    beside = temporary_of(path)
    return beside.with_suffix(".lock" if shards == 1 else f".{shard}-of-{shards}.lock")


@contextmanager
def _lock(beside: Path, path: Path, kind: int) -> Iterator[None]:
    beside.parent.mkdir(parents=True, exist_ok=True)
    handle = _locked(beside, path, kind)
    HELD.add(handle)
    try:
        if kind == fcntl.LOCK_EX:
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        yield
    finally:
        if handle in HELD:  # not in a forked child
            if kind == fcntl.LOCK_EX or _is_last(handle):
                beside.unlink(missing_ok=True)  # before the lock is given back: who waits for no lock makes a new file
            HELD.remove(handle)
            os.close(handle)


def _is_last(handle: int) -> bool:
    """Whether nobody else has a share of a lock."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _locked(beside: Path, path: Path, kind: int) -> int:
    """The open lock file, locked, and still the one that lies there."""
    while True:
        handle = os.open(beside, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
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
