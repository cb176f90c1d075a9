"""What lies in a dataset's folder and is no readable file: each is a source with a reason, and the others are kept."""

import errno
import os
import socket

import pytest

from prep.datasets.globs import Glob, tree
from prep.datasets.lists import DatasetError
from prep.datasets.registry import Dataset
from prep.datasets.selection import Selection, select_sources


@pytest.fixture
def reasons(tmp_path):
    """The sources of the folder `root` as {file: why it cannot be used}."""

    def run(files="*", kind="videos", **cells):
        registry = {"films": Dataset("films", kind, str(tmp_path / "root"), **cells)}
        listed = select_sources(registry, Selection(dataset="films", files=files), (kind,))
        return {source.file: source.unusable for source in listed}

    return run


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/good.mp4").touch()
    return tmp_path / "root"


def make_specials(folder):
    """One of each thing that has a name and no content."""
    os.mkfifo(folder / "pipe.mp4")
    (folder / "self.mp4").symlink_to("self.mp4")
    (folder / "one.mp4").symlink_to("two.mp4")
    (folder / "two.mp4").symlink_to("one.mp4")
    (folder / "gone.mp4").symlink_to("nowhere.mp4")
    (folder / "null.mp4").symlink_to(os.devnull)
    (folder / "to a pipe.mp4").symlink_to("pipe.mp4")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(folder / "socket.mp4"))


SAID = {
    "pipe.mp4": "it is a named pipe",
    "self.mp4": "it is a link to 'self.mp4': it cannot be read (Too many levels",
    "one.mp4": "it is a link to 'two.mp4': it cannot be read (Too many levels",
    "two.mp4": "it is a link to 'one.mp4': it cannot be read (Too many levels",
    "gone.mp4": "it is a link to 'nowhere.mp4': it cannot be read (No such file",
    "null.mp4": "it is a device",
    "to a pipe.mp4": "it is a named pipe",
    "socket.mp4": "it is a socket",
}


@pytest.mark.parametrize("files", ["*", "**/*"])
def test_what_is_no_file_says_what_it_is(root, reasons, files):
    make_specials(root)
    listed = reasons(files)
    assert listed.pop("good.mp4") is None and listed.keys() == SAID.keys()
    assert not {name: why for name, why in listed.items() if not why.startswith(SAID[name])}


def test_a_frame_folder_with_such_a_frame_says_which(root, reasons):
    for name in ("clip", "whole"):
        (root / name).mkdir()
        (root / name / "0.png").touch()
    make_specials(root / "clip")
    listed = reasons(kind="frames")
    assert listed["whole"] is None and listed["clip"].startswith("'gone.mp4' in it: it is a link")


@pytest.fixture
def refuse(monkeypatch):
    """Makes a call of the system fail for the paths that end so: root may read everything."""

    def run(call, end, error):
        real = getattr(os, call)

        def refused(path=".", *rest, **more):
            if str(path).endswith(end):
                raise error
            return real(path, *rest, **more)

        monkeypatch.setattr(os, call, refused)

    return run


def test_what_may_not_be_read_says_so(root, reasons, refuse, monkeypatch):
    (root / "mine.mp4").touch(mode=0o600)
    (root / "closed").mkdir()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("mine.mp4") and access(path, mode))
    refuse("scandir", "closed", PermissionError(13, "Permission denied"))
    assert reasons("**/*.mp4") == {
        "good.mp4": None,
        "mine.mp4": "it cannot be read: no permission",
        "closed": "the folder cannot be listed (Permission denied)",
    }
    assert "it cannot be read (Permission denied)" in reasons(kind="frames")["closed"]
    with pytest.raises(DatasetError, match=r"closed: .* cannot be listed .*draw:1:0"):
        reasons(split="draw:1:0")


def test_a_folder_that_may_not_be_listed_at_all_names_the_dataset(root, reasons, refuse):
    refuse("scandir", "root", PermissionError(13, "Permission denied"))
    with pytest.raises(DatasetError, match=r"'films': the folder .*root cannot be listed"):
        reasons()


def test_a_fault_of_the_machine_is_no_reason(root, reasons, refuse):
    refuse("stat", "good.mp4", OSError(errno.ESTALE, "Stale file handle"))
    with pytest.raises(OSError, match="Stale"):
        reasons()


def test_a_name_that_is_not_utf8_is_a_source_with_a_reason(root, reasons):
    try:
        open(bytes(root) + b"/caf\xe9.mp4", "w").close()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert reasons() == {"caf\\xe9.mp4": "its name is not UTF-8; rename it", "good.mp4": None}
    with pytest.raises(DatasetError, match="UTF-8"):
        reasons(split="draw:1:0")


def test_folders_that_link_to_each_other_end(root):
    for name, other in (("a", "b"), ("b", "a")):
        (root / name).mkdir()
        (root / name / "film.mp4").touch()
        (root / name / "other").symlink_to(root / other)
    assert sorted(tree(root, Glob("**/film.mp4")).files) == [
        "a/film.mp4", "a/other/film.mp4", "b/film.mp4", "b/other/film.mp4",
    ]  # fmt: skip
