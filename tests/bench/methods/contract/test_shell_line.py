"""A shell line is bounded: in its time, its words, its input, and in what it leaves running."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.methods.contract import shell_line
from bench.methods.contract.shell_line import Watcher, run


@pytest.fixture
def watcher(tmp_path):
    with Watcher(tmp_path / "work") as watcher:
        yield watcher


def ends(number: int) -> bool:
    """Whether a process ends within a few seconds."""
    for _ in range(100):
        try:
            if psutil.Process(number).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_status_and_words(watcher):
    ended = run("echo to stdout; echo to stderr >&2; exit 3", 10, watcher)
    assert (ended.status, ended.stdout.first, ended.stderr.last) == (3, b"to stdout\n", b"to stderr\n")


def test_one_that_sleeps_for_ever_is_ended(watcher):
    begun = time.monotonic()
    ended = run("echo begun; sleep 600", 0.3, watcher)
    assert ended.status is None and ended.stdout.first == b"begun\n"
    assert time.monotonic() - begun < 10


def test_one_that_closes_its_streams_is_waited_for(watcher, tmp_path):
    assert run(f"exec >&- 2>&-; sleep 0.3; echo > {tmp_path}/done", 10, watcher).status == 0
    assert (tmp_path / "done").exists()


def test_it_has_no_input(watcher):
    assert run("cat; read line || exit 4", 10, watcher).status == 4


@pytest.mark.parametrize(
    "line", ["sleep 600 & echo $!", "sleep 600 >&- 2>&- & echo $!", "nohup sleep 600 2>&1 & echo $!"]
)
def test_what_it_leaves_running_is_ended(watcher, line):
    begun = time.monotonic()
    assert ends(int(run(line, 10, watcher).stdout.first))
    assert time.monotonic() - begun < 10


def test_what_leaves_its_group_is_ended_too(watcher, tmp_path):
    run(f"setsid sh -c 'echo $$ > {tmp_path}/number; sleep 600' & sleep 0.3", 10, watcher)
    assert ends(int((tmp_path / "number").read_text()))


def test_a_flood_is_kept_in_part(watcher, tmp_path, monkeypatch):
    monkeypatch.setattr(shell_line, "IN_LOG", 200_000)
    ended = run("yes | head -c 3000000; echo the end >&2", 20, watcher, tmp_path / "a" / "said.log")
    assert len(ended.stdout.first) <= shell_line.FIRST and len(ended.stdout.last) <= shell_line.LAST
    log = (tmp_path / "a" / "said.log").read_bytes()
    assert len(log) < 200_000 + shell_line.LAST + 100
    assert b"bytes are left out here" in log and b"the end" in log


def test_what_starts_as_the_job_is_stopped_is_ended(tmp_path, monkeypatch):
    """The signal comes while the line has begun and we do not know its number yet."""
    start, names = subprocess.Popen, ("one", "other")

    def stopped(line, **options):
        start(line, **options)
        while not all((tmp_path / name).exists() for name in names):
            time.sleep(0.01)
        raise KeyboardInterrupt

    with Watcher(tmp_path / "work") as watcher, pytest.raises(KeyboardInterrupt):
        monkeypatch.setattr(shell_line.subprocess, "Popen", stopped)
        hidden = f"setsid sh -c 'echo $$ > {tmp_path}/other.new; mv {tmp_path}/other.new {tmp_path}/other; sleep 600'"
        run(f"{hidden} & echo $$ > {tmp_path}/one.new; mv {tmp_path}/one.new {tmp_path}/one; sleep 600", 10, watcher)
    assert all(ends(int((tmp_path / name).read_text())) for name in names)


JOB = """
import sys
from bench.methods.contract.shell_line import Watcher, run
from media.stopping import stopped_plainly

with stopped_plainly(), Watcher(sys.argv[1]) as watcher:
    run(f"{sys.argv[2]} sh -c 'echo $$ > {sys.argv[1]}/number; sleep 600'", 600, watcher)
"""


@pytest.mark.parametrize(
    ("how", "behind"), [("SIGTERM", ""), ("SIGINT", ""), ("SIGKILL", ""), ("SIGTERM", "setsid"), ("SIGKILL", "setsid")]
)
def test_it_ends_with_the_job(tmp_path, how, behind):
    import signal

    root = Path(__file__).parents[4]
    environment = os.environ | {"PYTHONPATH": str(root)}
    (tmp_path / "work").mkdir()
    job = subprocess.Popen(
        [sys.executable, "-c", JOB, tmp_path / "work", behind], env=environment, stderr=subprocess.PIPE
    )
    number = tmp_path / "work" / "number"
    while not (number.exists() and number.read_text().strip()):
        time.sleep(0.02)
    program = int(number.read_text())
    job.send_signal(getattr(signal, how))
    said = job.communicate(timeout=20)[1].decode()
    assert ends(program)
    if how == "SIGKILL":
        for _ in range(100):  # the watcher takes the folder away
            if not (tmp_path / "work").exists():
                return
            time.sleep(0.05)
        raise AssertionError("the folder is left")
    assert job.returncode == {"SIGTERM": 143, "SIGINT": 130}[how]
    assert said.startswith(f"stopped by {how}: what is finished stays") and "Traceback" not in said
