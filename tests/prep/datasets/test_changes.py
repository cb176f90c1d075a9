"""The state of a dataset's folder: another one with every change of its files, the same wherever it lies."""

import os
import shutil

import pytest

from prep.datasets.changes import state_of
from prep.datasets.registry import Dataset, root_folder


@pytest.fixture
def root(tmp_path):
    for name in ("a.mp4", "b.mp4", "deep/c.mp4", "notes.txt"):
        path = tmp_path / "root" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(name)
    return tmp_path / "root"


def state(root, files="**/*.mp4", kind="videos"):
    return state_of(Dataset("films", kind, str(root)), files)


def replace_by_as_many_bytes(root):
    (root / "a.mp4").write_text("A.MP4")
    os.utime(root / "a.mp4", ns=(1, 1))


CHANGES = {
    "added": lambda root: (root / "new.mp4").touch(),
    "added below": lambda root: (root / "deep/new.mp4").touch(),
    "longer": lambda root: (root / "deep/c.mp4").write_text("longer than it was"),
    "as long": replace_by_as_many_bytes,
    "removed": lambda root: (root / "deep/c.mp4").unlink(),
    "renamed": lambda root: (root / "b.mp4").rename(root / "d.mp4"),
    "a pipe": lambda root: os.mkfifo(root / "pipe.mp4"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_the_selected_files_is_seen(root, change):
    before = state(root)
    CHANGES[change](root)
    assert state(root) != before


def test_a_changed_frame_is_seen(root):
    before = state(root, "*", "frames")
    (root / "deep/c.mp4").write_text("other")
    after = state(root, "*", "frames")
    (root / "deep/d.mp4").touch()
    assert len({before, after, state(root, "*", "frames")}) == 3


def test_what_is_not_selected_and_where_the_folder_lies_change_nothing(root, tmp_path):
    before = state(root)
    (root / "notes.txt").write_text("other notes")
    (root / ".hidden.mp4").touch()
    assert state(root) == before
    shutil.move(root, tmp_path / "moved")
    assert state(tmp_path / "moved") == before
    assert state(shutil.copytree(tmp_path / "moved", tmp_path / "copied")) == before


def test_files_of_a_package_count_without_the_time_of_their_installation(root, monkeypatch):
    monkeypatch.setattr(
        "prep.datasets.registry.distribution", lambda _: type("It", (), {"locate_file": lambda *_: root})
    )
    dataset = Dataset("films", "videos", "package:films/data")
    assert root_folder(dataset) == root
    before = state_of(dataset, "*.mp4")
    os.utime(root / "a.mp4", ns=(1, 1))
    assert state_of(dataset, "*.mp4") == before
    (root / "a.mp4").write_text("longer than it was")
    assert state_of(dataset, "*.mp4") != before
