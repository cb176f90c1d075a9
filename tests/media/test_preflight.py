"""A Dask cluster is asked first: what it lacks is said in a sentence, soon; workers of another folder do the work."""

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from distributed import LocalCluster

from media import preflight as asking_first
from media.faults import MachineFault
from media.jobs import Task, run_tasks
from media.preflight import look, paths_in, preflight
from media.versions import ROOT, version_of


@pytest.fixture(scope="module")
def scheduler():
    """The address of a scheduler without workers."""
    with LocalCluster(n_workers=0, protocol="tcp://", dashboard_address=":0") as cluster:
        yield cluster.scheduler_address


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(asking_first, "CONNECTING", 60)


@contextmanager
def worker(scheduler: str, folder: Path, *code: Path):
    """A worker that runs in a folder of its own, and finds Python's modules in those of `code` first."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "distributed.cli.dask_worker", scheduler, "--nthreads", "1", "--no-dashboard"]
    running = subprocess.Popen(
        [*command, "--no-nanny"], cwd=folder, env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, code))},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        running.kill()
        running.wait()


@pytest.fixture
def doubling(tmp_path, monkeypatch):
    """Doubles numbers on a cluster, in the working directory `here`; its code lies in `code`."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code/doubling.py").write_text(
        "def double(value):\n    return [{'clip': f'c{value}', 'is': 2 * value}]\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "code")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(scheduler: str, *values: int) -> list[int]:
        from doubling import double

        tasks = [Task(f"task {value}", "k", (value,)) for value in values]
        rows = run_tasks(double, tasks, Path("receipts"), lambda row: [], 1, scheduler, "doubling")
        return [row["is"] for row in rows]

    yield run
    sys.modules.pop("doubling", None)


def test_workers_of_another_folder_leave_receipts_where_they_are_sought(scheduler, doubling, tmp_path, capsys):
    with worker(scheduler, tmp_path / "there", ROOT, tmp_path / "code"):
        assert doubling(scheduler, 1, 2) == [2, 4]
    assert {path.name for path in Path("receipts").glob("*.json")} == {"task 1.json", "task 2.json"}
    assert list((tmp_path / "there").iterdir()) == []
    capsys.readouterr()
    assert doubling("tcp://127.0.0.1:1", 1, 2) == [2, 4]  # nobody has to be asked for what is done
    assert "doubling: 2 of 2 were done before, 0 to do" in capsys.readouterr().out


def test_a_worker_without_the_function_is_named(scheduler, doubling, tmp_path):
    with worker(scheduler, tmp_path / "there", ROOT):
        with pytest.raises(MachineFault, match=r"the Dask worker tcp://\S+ cannot import doubling .*PYTHONPATH="):
            doubling(scheduler, 1)


def test_a_worker_with_other_code_is_named(scheduler, doubling, tmp_path):
    shutil.copytree(ROOT / "media", tmp_path / "other/media", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "other/media/jobs.py").open("a") as file:
        file.write("\nMORE = 1\n")
    with worker(scheduler, tmp_path / "there", tmp_path / "other", tmp_path / "code"):
        with pytest.raises(MachineFault, match=rf"has another version of media.jobs: \w+ from {tmp_path}/other, here"):
            doubling(scheduler, 1)


def test_no_scheduler(monkeypatch, doubling):
    monkeypatch.setattr(asking_first, "CONNECTING", 0.5)
    with pytest.raises(MachineFault, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1 .*docs/cluster\.md"):
        doubling("tcp://127.0.0.1:1", 1)
    with pytest.raises(MachineFault, match="no Dask scheduler answers at nonsense://here"):
        doubling("nonsense://here", 1)


def test_no_worker(monkeypatch, scheduler, doubling):
    monkeypatch.setattr(asking_first, "CONNECTING", 0.5)
    with pytest.raises(MachineFault, match=f"the Dask cluster {scheduler} has no worker"):
        doubling(scheduler, 1)


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch, doubling):
    monkeypatch.setattr(asking_first, "SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(MachineFault, match=f"{address}: no answer in 1 s while connecting to the scheduler"):
            doubling(address, 1)
    assert time.monotonic() - began < 20


@pytest.fixture
def questions(tmp_path):
    """What a worker that sees what is here is asked."""
    probe = tmp_path / ".seen-1"
    probe.write_text(".seen-1")
    return {
        "modules": {"media.jobs": version_of("media.jobs")},
        "folder": str(tmp_path), "files": [str(probe)], "path": str(ROOT), "probe": str(probe),
    }  # fmt: skip


def test_what_a_worker_may_lack(questions, tmp_path, monkeypatch):
    assert look(questions) == ""
    assert "cannot import media.nothing" in look(questions | {"modules": {"media.nothing": 1}})
    assert "has another version of media.jobs" in look(questions | {"modules": {"media.jobs": 0}})
    gone = str(tmp_path / "film.mp4")
    assert f"does not see {gone} (1 of 2 files" in look(questions | {"files": [*questions["files"], gone]})
    assert "does not see" in look(questions | {"probe": str(tmp_path / ".seen-2")})
    monkeypatch.setattr(os, "access", lambda *asked: False)
    assert f"may not write in {tmp_path}" in look(questions)


def test_a_worker_that_dies_while_it_is_asked_is_missed_by_nobody(capsys):
    asking_first._check_answers({"tcp://a:1": "", "tcp://b:1": OSError("closed")})
    assert "warning: the Dask worker tcp://b:1 does not answer" in capsys.readouterr().err
    with pytest.raises(MachineFault, match=r"tcp://b:1 does not answer \(OSError: closed\)"):
        asking_first._check_answers({"tcp://b:1": OSError("closed")})
    with pytest.raises(MachineFault, match="tcp://a:1 does not see /x"):
        asking_first._check_answers({"tcp://a:1": "does not see /x", "tcp://b:1": OSError("closed")})


def test_the_paths_that_a_task_is_given(tmp_path):
    @dataclass
    class Recipe:
        folder: Path
        size: tuple

    given = (1, "text", tmp_path / "a", [Recipe(tmp_path / "b", (1, 2)), {"k": tmp_path / "c"}], None)
    assert [path.name for path in paths_in(given)] == ["a", "b", "c"]


def test_nothing_is_left_in_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(asking_first, "CONNECTING", 0.2)
    with pytest.raises(MachineFault):
        preflight("tcp://127.0.0.1:1", print, [], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_server_is_no_scheduler(tmp_path):
    """What it says first is taken for the number and the sizes of messages."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n" * 4)
                connection.recv(1 << 16)

        thread = Thread(target=greet, daemon=True)
        thread.start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(MachineFault, match=r"no Dask scheduler answers at tcp://127.* its dashboard's"):
            preflight(address, look, [], tmp_path)
