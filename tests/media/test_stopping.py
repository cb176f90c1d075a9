"""A signal ends a program with a sentence, its exit status and no traceback, and waits for no thread."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from media.faults import ending_plainly
from media.stopping import Stopped, stopped_plainly

ROOT = Path(__file__).parents[2]
SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130)]


@pytest.mark.parametrize(("number", "status"), SIGNALS)
@pytest.mark.parametrize("around", [stopped_plainly, ending_plainly])
def test_it_is_said_once_and_handlers_are_as_before(capsys, monkeypatch, around, number, status):
    monkeypatch.setattr("media.stopping._leave_threads", lambda status: None)  # other tests may have left some here
    before, undone = signal.getsignal(number), []
    with pytest.raises(Stopped) as raised, around(), around():
        try:
            signal.raise_signal(number)
        except Exception:  # what methods raise is caught like this
            raise AssertionError from None
        finally:
            undone.append(True)
    assert raised.value.code == status and undone and signal.getsignal(number) == before
    said = capsys.readouterr().err
    assert said == f"stopped by {number.name}: what is finished stays, and the same command goes on from there\n"


def test_what_ignores_a_signal_goes_on_ignoring_it():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stopped_plainly():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


TASKS = """
import sys, time
from pathlib import Path
from media.faults import ending_plainly
from media.jobs import Task, run_tasks

def slow(number):
    Path(sys.argv[1], f"begun{number}").touch()
    time.sleep(60)
    return []

with ending_plainly():
    tasks = [Task(str(n), "", (n,)) for n in range(4)]
    run_tasks(slow, tasks, Path(sys.argv[1], "receipts"), lambda row: [], 2, "threads", "slow")
"""


@pytest.mark.parametrize(("number", "status"), SIGNALS)
def test_the_threads_of_a_stage_end_with_it(tmp_path, number, status):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    stage = subprocess.Popen([sys.executable, "-c", TASKS, tmp_path], env=environment, stderr=subprocess.PIPE)
    while not (tmp_path / "begun0").exists():
        assert stage.poll() is None
        time.sleep(0.02)
    begun = time.monotonic()
    stage.send_signal(number)
    said = stage.communicate(timeout=20)[1].decode()
    assert stage.returncode == status and time.monotonic() - begun < 5
    assert said.splitlines()[-1].startswith("stopped by ") and "Traceback" not in said
