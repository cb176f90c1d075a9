"""Downloads from a server on loopback: broken off, slow, wrong, moved, gone, twice at once."""

import errno
import hashlib
import json
import os
import shutil
import socket
import threading
import time
from types import SimpleNamespace

import pytest
from loopback import broken_off, page, redirect, slow, status

from media import fetching
from media.faults import MachineFault
from media.fetching import RETRIES, CannotFetch, Download, fetch

DATA = bytes(range(256)) * 20
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def offered(site):
    site.files["/net.pth"] = DATA
    return Download(f"{site.address}/net.pth", sha256=SHA256[:8])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights/net.pth"


def left(path):
    """The names in its folder."""
    return sorted(one.name for one in path.parent.iterdir())


def test_a_file_is_there_whole_and_nothing_beside_it(offered, path, site):
    fetch(offered, path)
    assert path.read_bytes() == DATA and left(path) == ["net.pth"]
    fetch(offered, path)
    assert site.asked == [("/net.pth", None)]


@pytest.mark.parametrize("tag", ["", '"one"', 'W/"one"'])
def test_what_broke_off_goes_on(offered, path, site, tag):
    site.tags["/net.pth"] = tag
    site.first["/net.pth"] = [broken_off(1000), broken_off(500)]
    fetch(offered, path)
    assert path.read_bytes() == DATA and left(path) == ["net.pth"]
    assert [asked for _, asked in site.asked] == [None, "bytes=1000-", "bytes=1500-"]


def test_the_next_call_goes_on_with_what_came_in_the_last(offered, path, site):
    site.first["/net.pth"] = [broken_off(1000), *[status(503)] * RETRIES]
    with pytest.raises(CannotFetch, match=r"503.*1,000 bytes have come and are gone on with.*put the file at") as error:
        fetch(offered, path)
    assert str(path) in str(error.value) and left(path) == [".net.pth.fetch"]
    fetch(offered, path)
    assert path.read_bytes() == DATA and site.asked[-1] == ("/net.pth", "bytes=1000-")


def begun(path, download, data, length=5120, state=""):
    beside = path.with_name(".net.pth.fetch")
    beside.mkdir(parents=True)
    (beside / "part").write_bytes(data)
    note = {"address": download.address, "state": state, "length": length}
    (beside / "note.json").write_text(json.dumps(note))
    (beside / "tmp1").touch()  # as a kill leaves it
    return beside


def test_a_part_that_is_whole_already_is_taken(offered, path, site):
    begun(path, offered, DATA)
    fetch(offered, path)
    assert path.read_bytes() == DATA and site.asked == [("/net.pth", f"bytes={len(DATA)}-")]


@pytest.mark.parametrize(
    ("data", "length"), [(b"x" * 1000, len(DATA)), (DATA[:1000], 9999), (DATA + b"more", len(DATA)), (b"", len(DATA))]
)
def test_a_part_of_another_file_is_given_up(offered, path, data, length):
    begun(path, offered, data, length)
    fetch(offered, path)
    assert path.read_bytes() == DATA


@pytest.mark.parametrize("note", ["", "[]", "{", '{"address": "elsewhere"}', None])
def test_a_part_without_a_whole_note_is_given_up(offered, path, site, note):
    beside = begun(path, offered, DATA[:1000])
    (beside / "note.json").unlink() if note is None else (beside / "note.json").write_text(note)
    fetch(offered, path)
    assert path.read_bytes() == DATA and site.asked == [("/net.pth", None)] and left(path) == ["net.pth"]


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(offered, path, site):
    site.tags["/net.pth"] = "new"
    begun(path, Download(offered.address), b"x" * 1000, state="old")
    fetch(Download(offered.address), path)
    assert path.read_bytes() == DATA


def test_a_server_that_knows_no_ranges_sends_all_of_it(offered, path, site):
    site.ranges = False
    site.first["/net.pth"] = [broken_off(1000)]
    fetch(offered, path)
    assert path.read_bytes() == DATA


def test_a_slow_server_is_waited_for(offered, path, site):
    site.first["/net.pth"] = [slow(0.001)]
    fetch(offered, path)
    assert path.read_bytes() == DATA


def test_a_server_that_says_nothing_is_asked_again(offered, path, site, monkeypatch):
    monkeypatch.setattr(fetching, "TIMEOUT", (1, 0.05))
    site.first["/net.pth"] = [lambda handler: time.sleep(0.15)]
    fetch(offered, path)
    assert path.read_bytes() == DATA


def test_redirects_are_followed(offered, path, site):
    site.first["/moved"] = [redirect("/again")]
    site.first["/again"] = [redirect(offered.address)]
    fetch(Download(f"{site.address}/moved", offered.sha256), path)
    assert path.read_bytes() == DATA


def test_a_circle_of_redirects_ends(path, site):
    site.first["/round"] = [redirect("/round")] * 1000
    with pytest.raises(CannotFetch, match="redirects"):
        fetch(Download(f"{site.address}/round"), path)


@pytest.mark.parametrize("code", [500, 502, 503, 429, 408])
def test_a_server_that_is_busy_is_asked_again(offered, path, site, code):
    site.first["/net.pth"] = [status(code)] * 2
    fetch(offered, path)
    assert path.read_bytes() == DATA and len(site.asked) == 3


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_file_that_is_gone_is_not_asked_for_again(offered, path, site, code):
    site.first["/net.pth"] = [status(code)] * 9
    with pytest.raises(CannotFetch, match=rf"/net\.pth: the server says {code} .*put net\.pth into its place"):
        fetch(offered, path)
    assert len(site.asked) == 1 and left(path) == []


@pytest.mark.parametrize(("algorithm", "published"), [("sha256", "00000000"), ("md5", "0" * 32)])
def test_another_file_than_the_published_one_is_not_kept(offered, path, site, algorithm, published):
    with pytest.raises(CannotFetch, match=rf"{algorithm} is [0-9a-f]+, published is {published}.*was not kept"):
        fetch(Download(offered.address, **{algorithm: published}), path)
    assert left(path) == [] and len(site.asked) == 1


def test_a_file_that_is_there_is_held_to_the_hash(offered, path, site):
    path.parent.mkdir()
    path.write_bytes(b"mine")
    with pytest.raises(CannotFetch, match=r"is there already, but its sha256"):
        fetch(offered, path)
    assert path.read_bytes() == b"mine" and not site.asked


HTML = b"\n<!DOCTYPE html><html><head><title>Google Drive -\n Virus scan warning</title></head></html>"


@pytest.mark.parametrize(
    "kind", ["text/html", "Text/HTML; charset=utf-8", "application/octet-stream", "application/xhtml+xml"]
)
def test_a_web_page_instead_of_a_file_is_refused_by_its_title(offered, path, site, kind):
    site.first["/net.pth"] = [page(HTML, kind)]
    with pytest.raises(CannotFetch, match=r"web page \(Google Drive - Virus scan warning\), not with net\.pth: open"):
        fetch(offered, path)
    assert left(path) == []


def test_a_file_that_a_server_calls_a_page_is_taken(offered, path, site):
    site.first["/net.pth"] = [page(DATA)]
    fetch(offered, path)
    assert path.read_bytes() == DATA


@pytest.mark.usefixtures("site")
def test_nobody_at_the_address(path):
    said = r"cannot be fetched: Connection refused\. Is this machine online\?.*put the"
    with socket.socket() as deaf, pytest.raises(CannotFetch, match=said):
        deaf.bind(("127.0.0.1", 0))
        fetch(Download(f"http://127.0.0.1:{deaf.getsockname()[1]}/net.pth"), path)
    assert left(path) == []


@pytest.mark.parametrize("address", ["", "ftp://127.0.0.1/net.pth", "file:///etc/passwd", "Dropbox"])
def test_an_address_of_another_kind(path, address):
    with pytest.raises(CannotFetch, match="http"):
        fetch(Download(address), path)


@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_is_too_long_is_another_one(offered, path, site, known):
    if not known:  # the server does not say how long it is

        def unsaid(handler):
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(DATA)
            handler.close_connection = True

        site.first["/net.pth"] = [unsaid]
    with pytest.raises(CannotFetch, match=r"5,120 bytes or more, net\.pth at most 4,000"):
        fetch(Download(offered.address, most=4000), path)
    assert left(path) == []


def test_a_disk_with_too_little_room_is_found_before(offered, path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(MachineFault, match=r"5,120 bytes are to come and 1,000 are free"):
        fetch(offered, path)
    assert left(path) == []


def test_a_disk_that_fills_up(offered, path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(fetching, "sync", full)
    with pytest.raises(MachineFault, match=r"net\.pth cannot be written to .*No space left.*run again"):
        fetch(offered, path)
    assert not path.exists()
    monkeypatch.undo()
    fetch(offered, path)
    assert path.read_bytes() == DATA


def test_two_at_once_fetch_it_once(offered, path, site, capsys):
    site.first["/net.pth"] = [slow(0.005)]
    both = [threading.Thread(target=fetch, args=(offered, path)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert path.read_bytes() == DATA and len(site.asked) == 1 and left(path) == ["net.pth"]
    assert "net.pth: another process fetches it" in capsys.readouterr().out
