"""Several processes: how they are started, and as what the command ends when one of them does."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from colorize.training import processes as started
from colorize.training.processes import OF_TORCHRUN, end_as, in_processes, meeting, on_each_node
from media.faults import MachineFault


@pytest.fixture
def calls(monkeypatch):
    """What a stage in processes did instead of starting them: its own `main`, torchrun or srun, with arguments."""
    done = []
    monkeypatch.setattr(started, "start_all", lambda arguments, options: done.append(["torchrun", *arguments]))
    monkeypatch.setattr(started.os, "execvp", lambda name, words: done.append(words) or sys.exit(0))
    monkeypatch.setattr(sys, "argv", ["train.py", "--out", "x"])
    for name in ("WORLD_SIZE", OF_TORCHRUN, "SLURM_JOB_ID", "MASTER_ADDR", "MASTER_PORT", started.TORCHRUN):
        monkeypatch.delenv(name, raising=False)
    return done


def call(calls, **execution):
    stage = in_processes(lambda *, settings, execution, out: calls.append(["main", out]), "bench.run.train")
    stage(settings='{"method": "ours"}', execution=json.dumps(execution), out="x")
    return calls


def test_one_process_is_the_command_itself(calls):
    assert call(calls, threads=1) == [["main", "x"]]


def test_several_are_started_by_torchrun_with_the_same_arguments(calls):
    (words,) = call(calls, processes=2)
    assert words == ["torchrun", "--standalone", "--nproc-per-node=2", "-m", "bench.run.train", "--out", "x"]


def test_what_torchrun_has_started_is_not_started_again(calls, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert call(calls, processes=2)[0][0] == "torchrun"  # anybody may have set that one
    calls.clear()
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert call(calls, processes=2) == [["main", "x"]]


@pytest.mark.parametrize("execution", [{"processes": 0}, {"nodes": 0}, {"processes": 3}, {"processes": 8, "nodes": 2}])
def test_what_cannot_share_a_batch_is_not_started(calls, execution):
    with pytest.raises(SystemExit, match="error: a batch of 40 cannot be shared equally"):
        call(calls, **execution)
    assert calls == []


def test_several_nodes_of_a_slurm_job_are_each_given_the_command_first(calls, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "123456")
    with pytest.raises(SystemExit):
        call(calls, processes=4, nodes=2)
    assert calls[0][:4] == ["srun", "--nodes=2", "--ntasks=2", "--ntasks-per-node=1"]
    assert calls[0][-4:] == ["-m", "bench.run.train", "--out", "x"]
    assert on_each_node(2, {"SLURM_JOB_ID": "1", "SLURM_STEP_NUM_TASKS": "2"}) == []  # now it is
    assert "--cpus-per-task=8" in on_each_node(2, {"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "8"})
    assert on_each_node(1, {"SLURM_JOB_ID": "1"}) == []


def test_nodes_meet_where_the_environment_says(capsys, calls):
    slurm = {"SLURM_JOB_ID": "123456", "SLURM_LAUNCH_NODE_IPADDR": "10.0.0.1"}
    assert meeting(2, slurm)[-2:] == ["--rdzv-endpoint=10.0.0.1:23456", "--rdzv-id=123456"]
    assert "--rdzv-endpoint=head:5000" in meeting(2, slurm | {"MASTER_ADDR": "head", "MASTER_PORT": "5000"})
    with pytest.raises(SystemExit, match="on each node, with MASTER_ADDR and MASTER_PORT"):
        call(calls, nodes=2)


@pytest.mark.parametrize(
    "failed, status",
    [({0: 143, 1: 143}, 143), ({1: 130}, 130), ({0: -15, 1: 143}, 143), ({0: 1, 1: -15}, "process 0 .* status 1")],
)
def test_the_command_ends_as_its_processes_do(failed, status):
    with pytest.raises(SystemExit, match=str(status)):
        end_as(failed)


def test_a_killed_process_is_named(capsys):
    with pytest.raises(MachineFault, match="process 2 of this training was killed by SIGKILL"):
        end_as({0: 1, 1: -15, 2: -9, 3: 143})


def test_a_process_ends_when_torchrun_is_gone(monkeypatch):
    sent = []
    monkeypatch.setattr(started.os, "kill", lambda _, number: sent.append(number))
    monkeypatch.setattr(started.time, "sleep", lambda _: None)
    started.end_with(torchrun=-1)
    assert sent == [signal.SIGTERM, signal.SIGKILL]


@pytest.fixture
def start(tmp_path, data):
    """Starts the stage on the tiny world in so many processes; all of one test train in the same folder."""

    def begin(count: int, folder: str, **changes) -> subprocess.Popen:
        settings = {"method": "ours", "width": 0.125, "frame": [64, 96], "crop": [64, 96], "steps": 24, "batch": 6}
        settings |= {"adversarial_from": 1, "validate_every": 12, "validation_pairs": 1, "learning_rate": 1e-5}
        execution = {"threads": 1, "accelerator": "cpu", "processes": count}
        tables = {
            "clips": "clips", "flow": "flow", "clip-references": "references", "photos": "photos",
            "photo-references": "references", "validation": "validation",
        }  # fmt: skip
        options = {name: str(tmp_path / f"{table}.parquet") for name, table in tables.items()}
        options |= {"settings": json.dumps(settings | changes), "execution": json.dumps(execution)}
        options |= {"backbone": "efficientnet_lite0", "weights": "weights", "seed": "0", "out": str(tmp_path / folder)}
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return subprocess.Popen([sys.executable, "-m", "bench.run.train", *words], stderr=subprocess.PIPE, text=True)

    return begin


def ranks_of(process, curves, lines):
    """The processes of a training by rank, once its curves have so many lines."""
    while not (curves.exists() and len(curves.read_text().splitlines()) >= lines):
        assert process.poll() is None
        time.sleep(0.05)
    children = psutil.Process(process.pid).children()
    return {int(each.environ()["RANK"]): each.pid for each in children if "RANK" in each.environ()} or {0: process.pid}


@pytest.mark.slow
def test_stopped_killed_and_resumed_on_one_two_and_three_processes_it_learns_the_same(start, tmp_path):
    """SIGTERM to the only one, to one of two, SIGKILL of one of three; the rest on two: the curves of one process."""
    assert start(1, "whole").wait() == 0
    curves, state = tmp_path / "stopped/metrics.jsonl", tmp_path / "stopped/state.pt"
    turns = [(1, 0, signal.SIGTERM, 143, 5), (2, 1, signal.SIGTERM, 143, 9), (3, 1, signal.SIGKILL, 1, 12)]
    for count, rank, number, status, lines in turns:
        curves.unlink(missing_ok=True)
        process = start(count, "stopped")
        pids = ranks_of(process, curves, lines)
        os.kill(pids[rank], number)
        said = process.communicate(timeout=120)[1]
        assert process.returncode == status, said
        assert said.count("the same command goes on from") >= 1 and state.exists()
        assert not any(map(psutil.pid_exists, pids.values()))
        if status == 143:
            assert said.count("stopped by SIGTERM: the state after step") == 1
        else:
            assert "process 1 of this training was killed by SIGKILL" in said
    assert start(2, "stopped").wait() == 0
    one, other = (
        [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").open()] for name in ("whole", "stopped")
    )
    assert [line.keys() for line in one] == [line.keys() for line in other]
    for a, b in zip(one, other, strict=True):
        assert b.get("total", 0) == pytest.approx(a.get("total", 0), rel=1e-3)
        assert b.get("validation", 0) == pytest.approx(a.get("validation", 0), rel=1e-3)


@pytest.mark.slow
def test_a_process_that_fails_ends_all_and_says_why_first(start):
    process = start(2, "broken", learning_rate=1e30)
    said = process.communicate(timeout=300)[1]
    assert process.returncode == 1
    assert "lower learning_rate, or look at these clips" in said
    assert "error: process" in said.strip().splitlines()[-1]
