"""Whole writes: an error leaves the old file or folder, and no half of a new one."""

import pytest

from media.whole import whole_folder, written_whole


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
