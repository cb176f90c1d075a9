"""`python -m prep fetch`: archives from a server on loopback, steps for a person, the table beside the registry."""

import csv
import hashlib
import io
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest
from loopback import broken_off, redirect, slow, status

from media.faults import MachineFault
from prep.__main__ import main
from prep.datasets import fetch
from prep.datasets.downloads import Offer, offer_of
from prep.datasets.registry import DatasetError, read_registry

ROOT = Path(__file__).parents[3]
FILES = {"README": b"-", "Films/clips/a.mp4": b"one", "Films/clips/b.mp4": b"two"}


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def write_table(path, *rows):
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    path.write_text("\n".join("\t".join(line) for line in lines) + "\n")


@pytest.fixture
def offered(tmp_path, site):
    """Registers `films`, offered as an archive; cells of the offer may be given."""
    root = tmp_path / "data/films"
    site.files["/films.zip"] = zipped(FILES)
    line = {"name": "films", "kind": "videos", "root": str(root), "licence": "CC BY 4.0"}
    write_table(tmp_path / "datasets.tsv", line, {"name": "mine", "kind": "videos", "root": str(tmp_path / "mine")})

    def offer(**cells):
        known = {"datasets": "others films", "address": f"{site.address}/films.zip", "size": "3 files"}
        known |= {"inside": "Films/clips", "most_bytes": "10000", "most_files": "10", "source": "a page"}
        write_table(tmp_path / "downloads.tsv", known | cells)
        return root

    return offer


@pytest.fixture
def command(tmp_path):
    """Runs `python -m prep fetch` in this process; how it ended: None, or what it says."""

    def run(name):
        try:
            return main(["fetch", name, "--datasets", str(tmp_path / "datasets.tsv")])
        except SystemExit as end:
            return end.code

    return run


def contents(root):
    return {path.name: path.read_bytes() for path in root.iterdir()}


@pytest.mark.parametrize(("path", "pack"), [("/films.zip", zipped), ("/films.tar.gz", tarred)])
def test_a_dataset_is_fetched_into_its_folder(offered, command, site, capsys, path, pack):
    site.files[path] = pack(FILES)
    root = offered(address=site.address + path, md5=hashlib.md5(site.files[path]).hexdigest())
    site.first[path] = [broken_off(20), status(500)]
    assert command("films") is None
    assert contents(root) == {"a.mp4": b"one", "b.mp4": b"two"} and list(root.parent.iterdir()) == [root]
    said = capsys.readouterr().out
    assert said.index("licence: CC BY 4.0") < said.index("3 files") and "films: 2 sources in" in said
    asked = len(site.asked)
    assert command("films") is None and "is there already; nothing is fetched" in capsys.readouterr().out
    assert len(site.asked) == asked


def test_a_redirect_is_followed_and_the_name_stays(offered, command, site):
    root = offered()
    site.files["/elsewhere"] = site.files["/films.zip"]
    site.first["/films.zip"] = [redirect("/elsewhere")]
    assert command("films") is None and len(contents(root)) == 2


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"Films/clips/../../../out": b"harm"}, "would lie outside"),
        ({"Films/clips/bomb": bytes(20_000)}, "more than 10,000 bytes"),
        ({f"Films/clips/{i}": b"" for i in range(11)}, "or 10 entries"),
        ({"Other/a.mp4": b""}, "no file in the folder Films/clips"),
    ],
)
def test_an_archive_that_means_harm_leaves_nothing(offered, command, site, files, said):
    root = offered()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    site.files["/films.zip"] = buffer.getvalue()
    end = command("films")
    assert said in end and end.startswith("error: ") and "known from: a page" in end
    assert [path.name for path in root.parent.iterdir()] == ["films.zip"]


def test_a_wrong_hash_is_refused(offered, command):
    root = offered(sha256="00000000")
    assert "published is 00000000" in command("films") and not list(root.parent.iterdir())


def test_a_full_disk_is_the_machines_fault(offered, monkeypatch, tmp_path):
    root = offered()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetch, "unpack", full)
    films = read_registry(tmp_path / "datasets.tsv")["films"]
    with pytest.raises(MachineFault, match=r"cannot be unpacked into .*films: .*No space left"):
        fetch.obtain(films, offer_of(films))
    assert [path.name for path in root.parent.iterdir()] == ["films.zip"]
    monkeypatch.undo()
    fetch.obtain(films, offer_of(films))
    assert len(contents(root)) == 2


def test_two_at_once_fetch_it_once(offered, site, tmp_path):
    root = offered()
    site.first["/films.zip"] = [slow(0.01)]
    films = read_registry(tmp_path / "datasets.tsv")["films"]
    both = [threading.Thread(target=fetch.obtain, args=(films, offer_of(films))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(contents(root)) == 2 and len(site.asked) == 1


def test_a_link_to_a_roomy_disk_stays_a_link(offered, command, tmp_path):
    root = offered()
    (tmp_path / "roomy").mkdir()
    root.parent.mkdir()
    root.symlink_to(tmp_path / "roomy")
    assert command("films") is None and root.is_symlink() and len(contents(tmp_path / "roomy")) == 2


def test_what_a_person_has_to_do_is_said_step_by_step(offered, command, capsys, site):
    root = offered(address="", by_hand="Register | Put {'x'} into {above} | see {root}")
    assert "films (3 files) has to be fetched by a person" in command("films")
    said = capsys.readouterr().out
    assert f"1. Register\n  2. Put {{'x'}} into {root.parent}\n  3. see {root}" in said and not site.asked


def test_a_dataset_of_ones_own_is_unknown(offered, command, tmp_path):
    offered()
    assert f"nothing is known of where mine can be had; put its files into {tmp_path / 'mine'}" in command("mine")
    (tmp_path / "downloads.tsv").unlink()
    assert "nothing is known" in command("films")


def test_a_dataset_in_a_package_is_there(command, tmp_path, capsys):
    write_table(tmp_path / "datasets.tsv", {"name": "s", "kind": "images", "root": "package:scikit-image/skimage/data"})
    assert command("s") is None and "sources in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"address": ""}, "expected an address, or steps by hand"),
        ({"by_hand": "click"}, "and not both"),
        ({"most_bytes": "many"}, "most_bytes"),
        ({"most_files": ""}, "needs most_bytes and most_files"),
        ({"color": "red"}, "color"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(offered, command, cells, said):
    offered(**cells)
    end = command("films")
    assert said in end and "downloads.tsv" in end


def test_a_table_in_another_encoding_is_refused(offered, tmp_path):
    offered()
    (tmp_path / "downloads.tsv").write_bytes("datasets\tgröße".encode("latin-1"))
    with pytest.raises(DatasetError, match=r"downloads\.tsv"):
        offer_of(read_registry(tmp_path / "datasets.tsv")["films"])


def test_every_dataset_that_is_no_package_says_where_it_is_from():
    registry = read_registry(ROOT / "config/datasets.tsv")
    with open(ROOT / "config/downloads.tsv", newline="") as table:
        offers = [Offer(**row) for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)]
    named = [name for offer in offers for name in offer.datasets.split()]
    assert sorted(named) == sorted(name for name, one in registry.items() if not one.root.startswith("package:"))
    assert all(offer.source and offer.size for offer in offers)
