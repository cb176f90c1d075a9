"""Faults of the machine and faults of an item, told apart.

A full disk, a mount that is gone, memory that is used up: the job ends with a sentence, writes no table and no receipt,
and the next run does the rest. What is wrong with one item (its bytes, its size, what a method raises about it) is a
row with a reason, and the job goes on.
"""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from media.stopping import stopped_plainly
from media.text import print_any_letter

# What the system says of itself, whatever file it is about.
MACHINE = {
    code
    for name in (
        "ENOSPC EDQUOT EROFS EFBIG EIO ESTALE ENOMEM EMFILE ENFILE ENODEV ENXIO ENOTCONN ETIMEDOUT EHOSTDOWN "
        "EHOSTUNREACH EREMOTEIO ENOLCK ESHUTDOWN"
    ).split()
    if (code := getattr(errno, name, None))
}
# FFmpeg also says EIO, ENOMEM and the like of broken files; of it only these are about the machine.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
# So say libraries that raise neither MemoryError nor OSError: torch on the CPU and on a GPU, OpenCV; of a full disk
# safetensors, and torch.save; of memory that does not even hold a library, the dynamic linker.
WORDS = (
    "out of memory",
    "can't allocate memory",
    "insufficient memory",
    "cannot allocate memory",
    "no space left on device",
    "unexpected pos",
    "pytorchstreamwriter failed",
    "failed to map segment",
    "can't start new thread",
)
SAYING = {"RuntimeError", "error", "SafetensorError", "ImportError", "OSError"}


class UnusableFile(Exception):
    """A file that a whole job needs is not there or is damaged: the job has to end with its sentence."""


class MachineFault(RuntimeError):
    """The machine, not the item, is at fault: the job has to end. The message says what, where and what to do."""


def of_the_machine(error: BaseException | None) -> bool:
    """Whether an exception, or one that it was raised from, is about the machine."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if _itself(error):
            return True
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return False


def _itself(error: BaseException) -> bool:
    if isinstance(error, MachineFault | MemoryError):
        return True
    if isinstance(error, OSError) and (error.errno is not None or type(error) is not OSError):
        return error.errno in (NO_ROOM if _of_ffmpeg(error) else MACHINE)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "OutOfMemoryError" in kinds:  # torch's, which is not imported for this
        return True
    return bool(kinds & SAYING) and any(words in str(error).lower() for words in WORDS)


def _of_ffmpeg(error: BaseException) -> bool:
    return type(error).__module__.split(".")[0] == "av"


def machine_fault(error: BaseException, doing: str) -> MachineFault:
    """A MachineFault that says what was being done."""
    said = ": ".join(filter(None, (doing, type(error).__name__, " ".join(str(error).split()))))
    return MachineFault(
        f"{said}. This is the machine's fault, not the "
        "item's: nothing is recorded of it; mend it (room on the disk, the mount, memory) and run again"
    )


@contextmanager
def listed(path: str | Path, table: str = "the table of its set") -> Iterator[None]:
    """Read a file that was there when it was listed: any error of the system is then one of the machine.

    A library's complaint about the bytes (an OSError without a number) passes as it is. Raises MachineFault.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or _of_ffmpeg(error):
            raise
        raise machine_fault(error, f"{path}, which {table} lists, cannot be read") from error


@contextmanager
def prepared(path: str | Path) -> Iterator[None]:
    """Read a file that the pipeline wrote, whole: whatever is wrong with it is the machine's. Raises MachineFault."""
    try:
        yield
    except MachineFault:
        raise
    except (OSError, ValueError, EOFError) as error:
        raise MachineFault(
            f"{path}, which the pipeline wrote whole, cannot be read ({error}); look at the disk or mount, or delete "
            "the table that it belongs to and run again"
        ) from error


@contextmanager
def ending_plainly() -> Iterator[None]:
    """Around a program's main: a fault of the machine ends it with one sentence and exit status 1, no traceback.

    So does a file without which there is no job, and a signal, with its own exit status (media.stopping). Any letter
    can be printed (media.text).
    """
    print_any_letter()
    try:
        with stopped_plainly():
            yield
    except UnusableFile as error:
        sys.exit(f"error: {error}")
    except Exception as error:
        if not of_the_machine(error) and not isinstance(error, PermissionError):
            raise
        fault = error if isinstance(error, MachineFault) else machine_fault(error, "the job cannot go on")
        sys.exit(f"error: {fault}")
