"""Archives that mean harm, and broken ones: nothing is written outside, nothing beyond the limits."""

import io
import tarfile
import zipfile

import pytest

from media.unpacking import BadArchive, Limits, unpack, unpack_named

LIMITS = Limits(bytes=1000, files=10)
KINDS = ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"]


def packed(path, files):
    """An archive of the kind of its name: contents by name."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        kind = path.name.partition(".tar")[2].strip(".")
        with tarfile.open(path, f"w:{kind}") as archive:
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return path


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deep/folder").mkdir(parents=True)
    return tmp_path / "deep/folder"


@pytest.mark.parametrize("kind", KINDS)
def test_the_folder_inside_becomes_the_folder(tmp_path, folder, kind):
    files = {"README": b"no", "DAVIS/a/00000.jpg": b"one", "DAVIS/val.txt": b"two", "DAVIS2/other": b"no"}
    archive = packed(tmp_path / f"data.{kind}", files)
    assert unpack(archive, folder, LIMITS, "DAVIS") == 2
    assert contents(folder) == {"a/00000.jpg": b"one", "val.txt": b"two"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["../out", "a/../../out", "/tmp/huebench_out", "..\\out", "DAVIS/../../out"])
def test_a_path_outside_is_refused_by_name(tmp_path, folder, kind, name):
    archive = packed(tmp_path / f"data.{kind}", {name: b"harm"})
    with pytest.raises(BadArchive, match="would lie outside"):
        unpack(archive, folder, LIMITS)
    with pytest.raises(BadArchive, match="would lie outside"):
        unpack_named(archive, {"out": folder / "out"}, LIMITS)
    assert contents(tmp_path) == {archive.name: archive.read_bytes()}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
@pytest.mark.parametrize("target", ["../../secret", "/etc/passwd", "inside"])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, folder, kind, target):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, target
        archive.addfile(info)
    with pytest.raises(BadArchive, match=r"'link' is a (link|device or a pipe)"):
        unpack(tmp_path / "a.tar", folder, LIMITS)
    assert not list(folder.iterdir())


@pytest.mark.parametrize(("make", "said"), [("link", "a link"), ("secret", "encrypted")])
def test_links_and_secrets_in_a_zip_are_refused(tmp_path, folder, make, said):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("odd")
        info.external_attr = (0o120777 if make == "link" else 0o100644) << 16
        archive.writestr(info, "../../secret")
    if make == "secret":
        data = bytearray((tmp_path / "a.zip").read_bytes())
        data[data.index(b"PK\x01\x02") + 8] |= 1
        (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(BadArchive, match=f"'odd' is {said}"):
        unpack(tmp_path / "a.zip", folder, LIMITS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("files", [{"bomb": bytes(100_000)}, {str(i): b"" for i in range(11)}])
def test_more_than_the_limits_is_refused(tmp_path, folder, kind, files):
    archive = packed(tmp_path / f"bomb.{kind}", files)
    with pytest.raises(BadArchive, match=r"more than 1,000 bytes or 10 entries"):
        unpack(archive, folder, LIMITS)
    if kind == "zip":
        assert not list(folder.iterdir())


def test_a_zip_that_says_less_than_it_holds_gives_no_more_than_it_says(tmp_path, folder):
    archive = packed(tmp_path / "liar.zip", {"bomb": bytes(100_000)})
    data = archive.read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    archive.write_bytes(data)
    with pytest.raises(BadArchive, match="broken"):
        unpack(archive, folder, LIMITS)
    assert sum(path.stat().st_size for path in folder.rglob("*")) <= 10


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_a_cut_archive_is_broken(tmp_path, folder, kind, share):
    archive = packed(tmp_path / f"cut.{kind}", {"a": bytes(range(256)) * 3})
    data = archive.read_bytes()
    archive.write_bytes(data[: min(int(len(data) * share), 700)])
    with pytest.raises(BadArchive, match=r"broken|no file"):
        unpack(archive, folder, LIMITS)


def test_bytes_that_are_wrong_are_seen_in_a_zip(tmp_path, folder):
    archive = packed(tmp_path / "a.zip", {"a": b"0123456789" * 30})
    data = bytearray(archive.read_bytes())
    data[35] ^= 255
    archive.write_bytes(data)
    with pytest.raises(BadArchive, match="broken"):
        unpack(archive, folder, LIMITS)


@pytest.mark.parametrize("kind", KINDS)
def test_single_files_are_found_by_name_wherever_they_lie(tmp_path, kind):
    archive = packed(tmp_path / f"a.{kind}", {"checkpoints/x/a.pth": b"a", "data/b.pth": b"b", "data/c.pth": b"c"})
    unpack_named(archive, {"a.pth": tmp_path / "out/a.pth", "b.pth": tmp_path / "out/b.pth"}, LIMITS)
    assert contents(tmp_path / "out") == {"a.pth": b"a", "b.pth": b"b"}
    with pytest.raises(BadArchive, match=r"there is no z\.pth in it"):
        unpack_named(archive, {"z.pth": tmp_path / "out/z.pth"}, LIMITS)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice(tmp_path, folder):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for data in ("one", "two"):
            archive.writestr("a", data)
    with pytest.raises(BadArchive, match="twice"):
        unpack(tmp_path / "a.zip", folder, LIMITS)
    with pytest.raises(BadArchive, match="two files called a"):
        unpack_named(tmp_path / "a.zip", {"a": tmp_path / "a"}, LIMITS)
