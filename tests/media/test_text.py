"""Text as other systems write it: UTF-8 is read however it is marked and ended, anything else is named."""

import io
import json
import sys

import pytest

from bench.__main__ import main as bench
from media.faults import ending_plainly
from media.text import WrongEncoding, print_any_letter, read_json, read_text
from plan.__main__ import main as plan
from prep.__main__ import main as prep

TEXT = "name\tkind\nété 狼\tvideos\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_utf8_is_read_with_or_without_a_mark_however_lines_end(tmp_path, encoding, end):
    (tmp_path / "a.tsv").write_bytes(TEXT.replace("\n", end).encode(encoding))
    assert read_text(tmp_path / "a.tsv") == TEXT


@pytest.mark.parametrize(
    ("encoding", "seen"),
    [
        ("utf-16", "UTF-16 .'Unicode'"),
        ("utf-32", "UTF-32"),
        ("utf-16-le", "UTF-16 without a mark"),
        ("utf-16-be", "UTF-16 without a mark"),
        ("latin-1", "Latin-1 or Windows-1252: the byte 0xe9 in line 2"),
        ("cp1252", "Latin-1 or Windows-1252: the byte 0xe9 in line 2"),
    ],
)
def test_another_encoding_is_named_with_the_file_and_what_to_do(tmp_path, encoding, seen):
    (tmp_path / "a.tsv").write_bytes("name\nété\n".encode(encoding))
    with pytest.raises(WrongEncoding, match=rf"a\.tsv is not UTF-8; it seems to be {seen}.*Save it as UTF-8"):
        read_text(tmp_path / "a.tsv")


def test_json_that_is_none_names_its_file(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"a": 1}), encoding="utf-8-sig")
    assert read_json(tmp_path / "a.json") == {"a": 1}
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError, match=r"a\.json is no JSON"):
        read_json(tmp_path / "a.json")


def stage():
    with ending_plainly():
        pass


def asked(command):
    with pytest.raises(SystemExit):
        command(["--help"])


@pytest.mark.parametrize(
    "begin",
    [print_any_letter, stage, *(lambda c=c: asked(c) for c in (bench, plan, prep))],
    ids=["the seam", "a stage", "bench", "plan", "prep"],
)
def test_what_a_terminal_has_not_is_printed_as_a_question_mark(monkeypatch, begin):
    printed = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, "ascii"))
    begin()
    print("été 狼")
    sys.stdout.flush()
    assert printed.getvalue().decode("ascii").endswith("?t? ?\n")


def test_what_stands_in_for_a_terminal_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    print_any_letter()
    print("狼")
    assert sys.stdout.getvalue() == "狼\n"
