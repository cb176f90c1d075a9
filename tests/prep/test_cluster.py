"""Clips and flow on a dask.distributed cluster over TCP, and after SIGKILL: the bytes of an undisturbed run."""

import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from distributed import LocalCluster

from prep import sources

CLIPS = 8
FILTERS = {"min_mean_l": 15, "min_mean_chroma": 6, "min_chroma_spread": 0.5, "min_side": 32, "duplicates": "off"}


@pytest.fixture(scope="module")
def films(tmp_path_factory, write_video, moving):
    """The table of sources of a few videos."""
    folder = tmp_path_factory.mktemp("films")
    for seed in range(CLIPS):
        write_video(folder / f"films/{seed} é.mp4", moving(seed, 30, height=120, width=160))
    (folder / "films/bad.mp4").write_text("no video")
    (folder / "datasets.tsv").write_text(f"name\tkind\troot\nfilms\tvideos\t{folder / 'films'}\n")
    table = folder / "sources.parquet"
    selections = json.dumps([{"dataset": "films", "files": "*"}])
    sources.main(datasets=folder / "datasets.tsv", selections=selections, kind="clips", table=table, length=25)
    return table


@pytest.fixture(scope="module")
def commands(films):
    """The commands that prepare clips and flow into a folder, as the workflow calls them."""

    def into(folder: Path, scheduler: str = "threads") -> list[list[str]]:
        clips, flow = folder / "clips/test.parquet", folder / "flow/test.parquet"
        common = ["--scheduler", scheduler, "--workers", "2"]
        return [
            [
                *("prep.clips", "--sources", str(films), "--shard", "0", "--shards", "1", "--size", "108", "192"),
                *("--filters", json.dumps(FILTERS), "--frames", str(folder / "clips/test")),
                *("--table", str(folder / "shards/clips/0.parquet"), *common),
            ],
            [
                *("prep.gather", "items", "--sources", str(films), "--shards", str(folder / "shards/clips/0.parquet")),
                *("--claimed", "--duplicates", "off", "--table", str(clips)),
            ],
            [
                *("prep.flow", "--clips", str(clips), "--shard", "0", "--shards", "1", "--estimator", "dis"),
                *("--weights", "none", "--flows", str(folder / "flow/test")),
                *("--table", str(folder / "shards/flow/0.parquet"), *common),
            ],
            [
                *("prep.gather", "flow", "--clips", str(clips), "--shards", str(folder / "shards/flow/0.parquet")),
                *("--table", str(flow)),
            ],
        ]

    return into


def start(command: list[str]) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip


def finish(process: subprocess.Popen) -> str:
    output = process.communicate()[0]
    assert process.returncode == 0, output
    return output


def when_some_are_done(process: subprocess.Popen, receipts: Path) -> None:
    """Wait until two tasks have their receipts."""
    while process.poll() is None and len(list(receipts.glob("[!.]*.json"))) < 2:
        time.sleep(0.005)


def contents(folder: Path) -> dict:
    """All that is not a receipt: the frames, the flows and the tables."""
    files = [path for name in ("clips", "flow") for path in (folder / name).rglob("*") if path.is_file()]
    return {path.relative_to(folder): path.read_bytes() for path in files}


def run_here(command: list[str]) -> None:
    """The same command in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", command)
        patch.delitem(sys.modules, command[0], raising=False)  # runpy warns of a module that is there already
        runpy.run_module(command[0], run_name="__main__")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, commands):
    folder = tmp_path_factory.mktemp("local")
    for command in commands(folder):
        run_here(command)
    made = contents(folder)
    assert len(made) == CLIPS * (25 + 48) + 2
    return made


def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(tmp_path, commands, undisturbed):
    with LocalCluster(n_workers=2, threads_per_worker=1, protocol="tcp://", dashboard_address=None) as cluster:
        for command in commands(tmp_path / "cluster", cluster.scheduler_address):
            if command[0] == "prep.gather":
                run_here(command)
                continue
            process = start(command)
            if command[0] == "prep.clips":
                when_some_are_done(process, tmp_path / "cluster/shards/clips/0")
                os.kill(cluster.workers[0].pid, signal.SIGKILL)
            assert "tasks on the cluster tcp://" in finish(process)
    assert contents(tmp_path / "cluster") == undisturbed


def test_a_killed_run_ends_with_the_same_bytes_and_redoes_nothing(tmp_path, commands, undisturbed):
    folder = tmp_path / "killed"
    for command in commands(folder):
        if command[0] == "prep.gather":
            run_here(command)
            continue
        receipts = folder / "shards" / command[0].removeprefix("prep.") / "0"
        process = start(command)
        when_some_are_done(process, receipts)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        finished = {path: path.stat().st_mtime_ns for path in receipts.glob("[!.]*.json")}
        assert 2 <= len(finished) <= CLIPS
        output = finish(start(command))
        done, left = re.search(r"(\d+) of \d+ were done before, (\d+) to do", output).groups()
        assert int(done) == len(finished) and int(left) > 0
        assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert contents(folder) == undisturbed
