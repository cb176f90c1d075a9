"""Receipts: they prove their files, and damaged ones count for nothing, in a line that names the file."""

import json
import os
import shutil

import pytest

from media.receipts import made_folder, read_receipt, receipt_path, write_receipt
from media.whole import LONGEST_NAME

ROWS = [{"clip": "c1", "value": 0.1, "none": None, "name": "é"}, {"clip": "c2", "value": float("inf")}]


@pytest.fixture
def there(tmp_path):
    """A receipt of two clips with two frames each; there() reads it."""

    def outputs(row):
        return [tmp_path / "out/clips" / row["clip"]]

    for clip in ("c1", "c2"):
        for frame in ("0.png", "1.png"):
            path = tmp_path / "out/clips" / clip / frame
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{clip} {frame}")

    def read(key="key"):
        return read_receipt(read.path, key, outputs)

    read.path = receipt_path(tmp_path / "out/receipts", "task")
    write_receipt(read.path, "key", ROWS, outputs)
    return read


def test_a_receipt_gives_its_rows_back(there, capsys):
    assert there() == ROWS
    assert there("another key") is None
    assert not capsys.readouterr().err


def test_without_a_receipt_there_is_nothing_to_say(tmp_path, capsys):
    assert read_receipt(tmp_path / "none.json", "key", lambda row: []) is None
    assert not capsys.readouterr().err


@pytest.mark.parametrize("change", ["empty", "cut", "replaced", "gone", "more"])
def test_files_that_are_not_those_any_more(there, tmp_path, capsys, change):
    frame = tmp_path / "out/clips/c2/1.png"
    if change == "gone":
        frame.unlink()
    elif change == "more":
        frame.with_name("2.png").touch()
    else:
        frame.write_text({"empty": "", "cut": "c2 1", "replaced": "c2 1.bmp"}[change])
    assert there() is None
    (line,) = capsys.readouterr().err.splitlines()
    assert ("2.png" if change == "more" else "1.png") in line and line.endswith("this piece is made again")


def test_a_replaced_file_with_an_old_time_is_noticed(there, tmp_path):
    frame = tmp_path / "out/clips/c2/1.png"
    frame.write_text("c2 1.bmp")
    os.utime(frame, (0, 0))
    assert there() is None


def test_what_is_moved_or_copied_stays_intact(there, tmp_path):
    shutil.copytree(tmp_path / "out", tmp_path / "copy")
    (tmp_path / "out").rename(tmp_path / "moved")
    for folder in ("moved", "copy"):
        path = tmp_path / folder / "receipts/task.json"
        assert read_receipt(path, "key", lambda row, of=folder: [tmp_path / of / "clips" / row["clip"]]) == ROWS


def damages(data: bytes) -> dict[str, bytes]:
    old = json.loads(data)
    return {
        "empty": b"",
        "half": data[: len(data) // 2],
        "zeros": bytes(len(data)),
        "garbage": os.urandom(300),
        "a flipped byte": data.replace(b"0.1", b"0.3"),
        "a list": b"[]",
        "a number": b"7",
        "of an earlier version": json.dumps({"key": "key", "rows": old["rows"]}).encode(),
    }


@pytest.mark.parametrize("kind", damages(b'{"rows": []}'))
def test_a_damaged_receipt_is_one_line_and_another_try(there, capsys, kind):
    there.path.write_bytes(damages(there.path.read_bytes())[kind])
    assert there() is None
    (line,) = capsys.readouterr().err.splitlines()
    assert str(there.path) in line and "damaged" in line and "made again" in line
    assert not there.path.exists()


def test_a_folder_under_a_receipts_name(there, capsys):
    there.path.unlink()
    there.path.mkdir()
    assert there() is None and not there.path.exists()
    assert str(there.path) in capsys.readouterr().err


def test_names_of_any_length_have_a_receipt(tmp_path):
    paths = {receipt_path(tmp_path, "片" * 80 + end) for end in "ab"}
    assert len(paths) == 2 and all(len(os.fsencode(path.name)) < LONGEST_NAME for path in paths)
    for path in paths:
        write_receipt(path, "key", [], lambda row: [])
        assert read_receipt(path, "key", lambda row: []) == []


@pytest.mark.parametrize("kind", ["pipe", "link to itself", "deep"])
def test_what_is_no_receipt_at_all(there, capsys, kind):
    there.path.unlink()
    if kind == "pipe":
        os.mkfifo(there.path)
    elif kind == "deep":
        there.path.write_text("[" * 200_000)
    else:
        there.path.symlink_to(there.path.name)
    assert there() is None
    assert str(there.path) in capsys.readouterr().err and not os.path.lexists(there.path)


def test_a_file_in_the_place_of_the_folder(tmp_path, capsys):
    (tmp_path / "receipts").touch()
    made_folder(tmp_path / "receipts")
    assert (tmp_path / "receipts").is_dir() and "is no folder of receipts" in capsys.readouterr().err
