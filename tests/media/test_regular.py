"""What is no regular file is said at once, by all readers."""

import os
import socket

import pytest

from media.decoding import UnreadableVideo, decode
from media.image import CorruptImage, read_rgb


@pytest.fixture(params=["pipe", "socket", "folder", "device", "loop", "nothing"])
def odd(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket is bounded
    if request.param == "pipe":
        os.mkfifo("odd")
    elif request.param == "socket":
        socket.socket(socket.AF_UNIX).bind("odd")
    elif request.param == "folder":
        os.mkdir("odd")
    else:
        os.symlink({"device": "/dev/zero", "loop": "odd", "nothing": "gone"}[request.param], "odd")
    return "odd"


def test_no_reader_waits_for_it(odd):
    with pytest.raises(CorruptImage, match=r"^odd: is a "):
        read_rgb(odd)
    with pytest.raises(UnreadableVideo, match=r"^odd: it is a "):
        next(decode(odd))


def test_a_link_into_a_folder_that_is_gone_is_a_fault_of_the_machine(tmp_path):
    (tmp_path / "link.png").symlink_to(tmp_path / "mount" / "photo.png")
    with pytest.raises(FileNotFoundError):
        read_rgb(tmp_path / "link.png")
    with pytest.raises(FileNotFoundError):
        next(decode(tmp_path / "link.png"))
