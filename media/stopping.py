"""Ending when SIGTERM or SIGINT asks for it: at once, with one sentence, and with what was half done taken back.

Programs that were started end with whoever started them (`bench.methods.contract.shell_line`).
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)
STAYS = "what is finished stays, and the same command goes on from there"


class Stopped(SystemExit):
    """A signal came. The exit status is what a shell makes of it: 143 for SIGTERM, 130 for SIGINT."""

    def __init__(self, number: int, words: str = STAYS):
        super().__init__(128 + number)
        self.words = f"stopped by {signal.Signals(number).name}: {words}\n"


def stop(number: int, _frame: object = None) -> None:
    """The handler of a signal: ends what goes on by raising Stopped; the same signal once more ends the process."""
    signal.signal(number, signal.SIG_DFL)
    raise Stopped(number)


@contextmanager
def stopped_plainly() -> Iterator[None]:
    """Around a program's main: a signal ends it at once, with a sentence and its exit status."""
    if threading.current_thread() is not threading.main_thread():  # it gets no signals
        yield
        return
    # What ignores a signal, as a program behind `nohup` does, goes on ignoring it.
    heard = [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield
    except Stopped as stopped:
        print(stopped.words, end="", file=sys.stderr)
        stopped.words = ""  # it is said once, wherever else this is around
        _leave_threads(stopped.code)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave_threads(status: int) -> None:
    """End the process if threads are at work: Python would wait for them, and an item can take hours."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
