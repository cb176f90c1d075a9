"""Whole writes: an error leaves the old file or folder, and no half of a new one."""

import errno
import os

import pytest

from media import whole
from media.whole import remove_all_but, whole_folder, write_whole, written_whole


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "summary.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), written_whole(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip/old").touch()
    with pytest.raises(KeyError), whole_folder(tmp_path / "clip") as folder:
        (folder / "half").touch()
        raise KeyError
    assert [path.name for path in (tmp_path / "clip").iterdir()] == ["old"]
    with whole_folder(tmp_path / "clip") as folder:
        (folder / "new").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["clip"]
    assert [path.name for path in (tmp_path / "clip").iterdir()] == ["new"]


def test_a_full_disk_names_the_file(tmp_path):
    """An error of write(2) does not."""
    with (
        pytest.raises(OSError, match=r"No space left on device: '.*frame\.png'"),
        written_whole(tmp_path / "frame.png"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match=r"device: '.*clip'"), whole_folder(tmp_path / "clip"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_what_the_disk_says_at_last_counts(tmp_path, monkeypatch):
    """Some file systems say only at fsync that they are full; then nothing is there. Also of what libraries wrote."""

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "a", b"data")
    with pytest.raises(OSError, match="No space"), whole_folder(tmp_path / "clip") as folder:
        (folder / "page.html").write_text("a page")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_a_folder_that_is_not_whole_needs_no_name_of_its_own(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(whole, "sync", synced.append)
    with whole_folder(tmp_path / "clip") as folder:
        with written_whole(folder / "forward/0.png") as path:
            path.write_text("a flow")
        assert path == folder / "forward/0.png" and not synced
    assert synced == [path] and (tmp_path / "clip/forward/0.png").read_text() == "a flow"


def test_folders_of_items_that_are_gone_and_what_a_kill_left_are_removed(tmp_path):
    for name in ("kept", "gone", ".kept.part"):
        (tmp_path / name).mkdir()
    for name in ("a file", ".table.parquet.part"):
        (tmp_path / name).touch()
    remove_all_but({"kept"}, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "kept"]


def test_a_name_as_long_as_names_can_be_is_written_whole(tmp_path):
    path = tmp_path / ("文" * 85)
    with written_whole(path) as temporary:
        temporary.write_text("all")
    assert path.read_text() == "all" and list(tmp_path.iterdir()) == [path]
