"""One writer at a time, by a lock that nothing but the writer's end gives back."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tyro

from media.writer import StillWriting, alone, sole_writer


def test_who_comes_second_stops_with_a_sentence(tmp_path):
    with sole_writer(tmp_path / "row.parquet"):
        with pytest.raises(StillWriting, match=rf"row\.parquet: process {os.getpid()} on \S+ is still writing it"):
            with sole_writer(tmp_path / "row.parquet"):
                pass
        with sole_writer(tmp_path / "other.parquet"):
            pass
    assert list(tmp_path.iterdir()) == []
    with sole_writer(tmp_path / "row.parquet"):
        pass


def test_a_killed_writer_holds_nothing(tmp_path):
    path = tmp_path / "folder"
    code = """import os, pathlib, sys
from media.writer import sole_writer
with sole_writer(pathlib.Path(sys.argv[1])):
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == -9
    assert [left.name for left in tmp_path.iterdir()] == [".folder.lock"]
    with sole_writer(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_forked_child_holds_nothing(tmp_path):
    read, write = os.pipe()
    with sole_writer(tmp_path / "folder"):
        if (child := os.fork()) == 0:
            os.close(write)
            os.read(read, 1)  # until its parent lets it go
            os._exit(0)
    with sole_writer(tmp_path / "folder"):
        pass
    os.close(write)
    os.waitpid(child, 0)
    os.close(read)
    assert list(tmp_path.iterdir()) == []


def test_file_systems_without_locks_do_without(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with sole_writer(tmp_path / "a"):
        pass


def test_a_stage_writes_its_table_alone(tmp_path):
    def main(*, count: int, table: Path) -> None:
        """Count."""
        with pytest.raises(StillWriting), sole_writer(table):
            pass
        table.write_text(str(count))

    tyro.cli(alone(main), args=["--count", "3", "--table", str(tmp_path / "t")])
    assert (tmp_path / "t").read_text() == "3" and [path.name for path in tmp_path.iterdir()] == ["t"]


@pytest.mark.parametrize(("first", "second"), [((0, 1), (3, 4)), ((3, 4), (0, 1)), ((1, 2), (3, 4)), ((3, 4), (3, 4))])
def test_shards_that_overlap_have_one_writer(tmp_path, first, second):
    with sole_writer(tmp_path / "row", *first), pytest.raises(StillWriting, match=r"row: .* still writing it"):
        with sole_writer(tmp_path / "row", *second):
            pass
    assert list(tmp_path.iterdir()) == []


def test_shards_that_do_not_overlap_are_written_side_by_side(tmp_path):
    with sole_writer(tmp_path / "row", 0, 4), sole_writer(tmp_path / "row", 1, 4):
        with sole_writer(tmp_path / "row", 1, 2):
            pass
        with pytest.raises(StillWriting), sole_writer(tmp_path / "row", 0, 1):
            pass
    with sole_writer(tmp_path / "row", 0, 1):
        pass
    assert list(tmp_path.iterdir()) == []
