"""Jobs: every item in one shard, of about equal size; every task done once, on threads or a cluster."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise

import pytest

from media.faults import MachineFault
from media.jobs import Task, content_of, hashes_of_shard, key_of, place_of, run_tasks, shard_of, shards_for, stamp
from media.receipts import sha256_of
from media.writer import StillWriting

NAMES = [f"clip {number} é" for number in range(2000)]
CALLS = []


def test_the_number_of_shards_is_the_least_power_of_two():
    assert [shards_for(count, 50) for count in (0, 1, 50, 51, 100, 101, 2759)] == [1, 1, 1, 2, 2, 4, 64]
    assert shards_for(1_281_167, 20_000) == 128


@pytest.mark.parametrize("shards", [1, 2, 7, 64])
def test_a_shard_is_a_range_of_hashes(shards):
    for name in NAMES[:300]:
        first, end = hashes_of_shard(shard_of(name, shards), shards)
        assert first <= place_of(name) < end
    edges = [hashes_of_shard(shard, shards) for shard in range(shards)]
    assert edges[0][0] == 0 and edges[-1][1] == 2**62
    assert all(left[1] == right[0] for left, right in pairwise(edges))


def test_shards_are_about_equal():
    sizes = Counter(shard_of(name, 16) for name in NAMES).values()
    assert len(sizes) == 16 and max(sizes) < 2 * min(sizes)


def test_the_hash_is_the_same_everywhere():
    assert place_of("videvo/bear.mp4") == 0xA8B2B3904EDF5CD  # first 62 bits of its SHA-256


def test_twice_as_many_shards_halve_each():
    assert all(shard_of(name, 8) == shard_of(name, 16) // 2 for name in NAMES)


def test_a_shard_that_there_is_not():
    with pytest.raises(ValueError, match=r"no shard 4; expected 0\.\.3"):
        hashes_of_shard(4, 4)


def double(value: int) -> list[dict]:
    CALLS.append(value)
    return [{"clip": f"c{value}", "double": 2 * value}]


def tasks_for(values, key="k"):
    return [Task(f"task {value}", key, (value,)) for value in values]


def nothing(row: dict) -> list:
    """The files of a row that has none."""
    return []


@pytest.fixture
def run(tmp_path):
    """Runs `double` on values; the rows, and which of the values were really computed."""

    def with_values(values, key="k", outputs=nothing, workers=2, scheduler="threads"):
        CALLS.clear()
        tasks = tasks_for(values, key)
        rows = run_tasks(double, tasks, tmp_path / "receipts", outputs, workers, scheduler, "doubling")
        return [row["double"] for row in rows], sorted(CALLS)

    return with_values


@pytest.mark.parametrize("scheduler", ["threads", "here"])
def test_rows_keep_the_order_of_the_tasks(run, scheduler):
    assert run(range(20), workers=4, scheduler=scheduler) == ([2 * value for value in range(20)], list(range(20)))
    assert run([], scheduler=scheduler) == ([], [])


@pytest.mark.parametrize("scheduler", ["threads", "here"])
def test_what_is_done_is_not_done_again(run, tmp_path, capsys, scheduler):
    run([1, 2, 3], scheduler=scheduler)
    capsys.readouterr()
    assert run([1, 2, 3, 4], scheduler=scheduler) == ([2, 4, 6, 8], [4])
    assert "doubling: 3 of 4 were done before, 1 to do" in capsys.readouterr().out
    assert run([3]) == ([6], [])
    assert [path.name for path in (tmp_path / "receipts").iterdir()] == ["task 3.json"]  # the others are gone


def test_another_key_or_a_lost_file_makes_a_task_again(run, tmp_path):
    files = {f"c{value}": tmp_path / f"c{value}.png" for value in (1, 2)}
    for path in files.values():
        path.write_text("a picture")

    def outputs(row):
        return [files[row["clip"]]]

    run([1, 2], outputs=outputs)
    assert run([1, 2], key="other settings", outputs=outputs)[1] == [1, 2]
    files["c2"].unlink()
    assert run([1, 2], key="other settings", outputs=outputs)[1] == [2]


@pytest.mark.parametrize("scheduler", ["threads", "here"])
def test_an_error_is_raised_and_leaves_no_receipt(tmp_path, scheduler):
    def fail(value):
        return 1 // value

    with pytest.raises(ZeroDivisionError):
        run_tasks(fail, tasks_for([0]), tmp_path / "receipts", nothing, 1, scheduler, "failing")
    assert [path.name for path in tmp_path.rglob("*")] == ["receipts"]


def test_what_lies_among_the_receipts_without_being_one_is_cleared(run, tmp_path):
    receipts = tmp_path / "receipts"
    (receipts / "a folder").mkdir(parents=True)
    (receipts / ".task 1.json.part").write_text("{")
    assert run([1])[1] == [1]
    assert [path.name for path in receipts.iterdir()] == ["task 1.json"]


def test_a_second_run_on_the_same_receipts_stops(tmp_path):
    """And does not touch what the first one has there."""

    def again(value):
        (tmp_path / "receipts/other.json").write_text("of the first run")
        with pytest.raises(StillWriting, match=rf"receipts: process {os.getpid()} on .* still writing"):
            run_tasks(double, tasks_for([1]), tmp_path / "receipts", nothing, 1, "here", "second")
        return [{"there": (tmp_path / "receipts/other.json").exists()}]

    rows = run_tasks(again, tasks_for([0]), tmp_path / "receipts", nothing, 1, "here", "first")
    assert rows == [{"there": True}]


def test_keys_follow_content(tmp_path):
    file = tmp_path / "a"
    file.write_text("one")
    before = key_of(1, [file], stamp(file))
    assert key_of(1, [file], stamp(file)) == before
    file.write_text("three")
    assert key_of(1, [file], stamp(file)) != before
    assert stamp(tmp_path / "gone") == []


SLOW = """
import sys, time
from pathlib import Path
from media.jobs import Task, run_tasks

def slow(value):
    time.sleep(0.3)
    return [{"clip": str(value)}]

tasks = [Task(str(value), "k", (value,)) for value in range(8)]
rows = run_tasks(slow, tasks, Path(sys.argv[1]), lambda row: [], 1, "threads", "slowly")
print([row["clip"] for row in rows])
"""


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    command = [sys.executable, "-c", SLOW, str(tmp_path / "receipts")]
    killed = subprocess.Popen(command, start_new_session=True)
    while len(list((tmp_path / "receipts").glob("[!.]*.json"))) < 3:
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    done = len(list((tmp_path / "receipts").glob("[!.]*.json")))
    assert 3 <= done < 8
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"slowly: {done} of 8 were done before, {8 - done} to do" in again.stdout
    assert again.stdout.rstrip().endswith(str([str(value) for value in range(8)]))


def test_the_content_of_files_and_folders(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.png").write_text("same")
    (tmp_path / "b/.hidden").touch()
    assert content_of(tmp_path / "a") == content_of(tmp_path / "b")
    assert content_of(tmp_path / "a/0.png") == sha256_of(tmp_path / "b/0.png")
    (tmp_path / "b/1.png").touch()
    assert content_of(tmp_path / "a") != content_of(tmp_path / "b")
    with pytest.raises(MachineFault, match=r"gone\.png"):
        content_of(tmp_path / "gone.png")
