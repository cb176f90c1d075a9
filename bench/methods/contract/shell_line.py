"""Running a shell line of somebody else's: bounded in its time and in what it says, and nothing of it outlives it.

It has no input and a process group of its own, which is killed when the line has ended, its time is over, or whoever
runs it ends, by whatever signal.
"""

import os
import selectors
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import psutil

# Bytes that are kept of each stream, of its beginning and its end, and of the beginning in the log.
FIRST, LAST, IN_LOG = 1 << 20, 1 << 16, 10 << 20
# Seconds between two looks at whether the line has ended, and for the last words of what it leaves.
LOOK, LAST_WORDS = 0.05, 1.0
# So often at most are the processes of a line looked for at its end.
ROUNDS = 40
# The process group of a line that is being started.
UNKNOWN = 0
# A process with this variable was started by the line, wherever it hid.
MARK = "HUEBENCH_COMMAND"
# It reads the process group and the mark of the line that runs now, and once nobody writes any more, kills the group
# and whatever has the mark, and removes the folder.
WATCH = """
while read -r line; do now=$line; done
if [ -n "$now" ]; then
    [ "${now% *}" = 0 ] || kill -s KILL -- "-${now% *}"
    for file in /proc/[0-9]*/environ; do
        process=${file#/proc/}
        if grep -qs -- "${now#* }" "$file"; then kill -s KILL "${process%/environ}"; fi
    done
fi
rm -rf -- "$1"
"""


@dataclass
class Stream:
    """What is kept of stdout or stderr."""

    first: bytearray = field(default_factory=bytearray)
    last: bytearray = field(default_factory=bytearray)

    def take(self, data: bytes) -> None:
        self.first += data[: FIRST - len(self.first)]
        self.last += data
        del self.last[:-LAST]


@dataclass
class Log:
    """A file that takes both streams as they come: their beginning, and when they end their end."""

    file: BinaryIO
    taken: int = 0
    last: bytearray = field(default_factory=bytearray)

    def take(self, data: bytes) -> None:
        self.file.write(data[: max(0, IN_LOG - self.taken)])
        self.taken += len(data)
        self.last += data
        del self.last[:-LAST]

    def close(self) -> None:
        if (rest := self.taken - IN_LOG) > 0:
            self.file.write(b"\n[%d bytes are left out here]\n" % max(0, rest - LAST) + self.last[-rest:])


@dataclass
class Ended:
    """How a line ended: its exit status, None where its time was over, and what it said."""

    status: int | None = None
    stdout: Stream = field(default_factory=Stream)
    stderr: Stream = field(default_factory=Stream)


class Watcher:
    """A process that ends what this one started and removes a folder, should this one be killed (a context manager)."""

    def __init__(self, folder: str | Path):
        self.folder = folder

    def __enter__(self) -> "Watcher":
        # In a session of its own: a signal to all of this one must not end it.
        self.process = subprocess.Popen(
            ["sh", "-c", WATCH, "sh", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )
        return self

    def runs(self, group: int | None, mark: str = "") -> None:
        """The process group that runs now, and the mark of what left it; None: none."""
        with suppress(BrokenPipeError):
            self.process.stdin.write(b"\n" if group is None else f"{group} {mark}\n".encode())

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


def run(line: str, timeout: float, watcher: Watcher, log: Path | None = None) -> Ended:
    """Run a shell line to its end, or for `timeout` seconds.

    log: a file for its stdout and stderr. Whatever the line started has ended when this returns.
    """
    mark = uuid.uuid4().hex
    with _opened_log(log) as kept, _started(line, mark, watcher) as process:
        ended = Ended()
        _listen(process, ended, kept, time.monotonic() + timeout)
        ended.status = process.poll()
        _end(process, mark)
        # What had been said and not read yet; nobody is left who could say more.
        _listen(process, ended, kept, time.monotonic() + LAST_WORDS, until_ended=False)
        return ended


@contextmanager
def _opened_log(path: Path | None) -> Iterator[Log | None]:
    if path is None:
        yield None
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb", buffering=0) as file:
        log = Log(file)
        yield log
        log.close()


@contextmanager
def _started(line: str, mark: str, watcher: Watcher) -> Iterator[subprocess.Popen]:
    process = None
    watcher.runs(UNKNOWN, mark)
    try:  # a signal may come before we have what we start: then the mark alone tells it
        process = subprocess.Popen(
            line,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
            env=os.environ | {MARK: mark},
        )
        watcher.runs(process.pid, mark)
        yield process
    finally:
        _end(process, mark)
        watcher.runs(None)
        if process is not None:
            process.stdout.close()
            process.stderr.close()


def _listen(
    process: subprocess.Popen, ended: Ended, log: Log | None, deadline: float, until_ended: bool = True
) -> None:
    """Take what is said until the line has ended, or else until both streams have, or the time is over."""
    streams = {process.stdout: ended.stdout, process.stderr: ended.stderr}
    with selectors.DefaultSelector() as ready:
        for pipe in streams:
            ready.register(pipe, selectors.EVENT_READ)
        while time.monotonic() < deadline and (process.poll() is None if until_ended else ready.get_map()):
            if not ready.get_map():
                time.sleep(LOOK)
            for key, _ in ready.select(LOOK) if ready.get_map() else ():
                if data := os.read(key.fd, LAST):
                    streams[key.fileobj].take(data)
                    if log:
                        log.take(data)
                else:
                    ready.unregister(key.fileobj)


def _end(process: subprocess.Popen | None, mark: str) -> None:
    """Kill the line's process group, and what left it or started before we knew of it."""
    if process is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for _ in range(ROUNDS):
        if not _kill_marked(mark):
            return
        time.sleep(LOOK)  # what it started meanwhile is seen in the next round


def _kill_marked(mark: str) -> bool:
    """Kill what has the mark; whether there was such a process."""
    is_there = False
    for other in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if other.environ().get(MARK) == mark:
                other.kill()
                is_there = True
    return is_there
