"""Gathering: the order of the sources, and duplicates within a set, between sets, exact and near."""

import hashlib

import numpy as np
import pytest

from media.image import frame_path, write_png
from media.tables import CLIPS, SOURCES, read_table, write_table
from prep.gather import chosen, items, without_duplicates


def row(clip, pixels, source=None, file=None, print_=None, kept=True):
    return {
        "clip": clip, "dataset": "d", "source": source or clip, "source_sha256": file, "sha256": pixels,
        "fingerprint": print_ or hashlib.sha256(str(pixels).encode()).hexdigest(),
        "n_frames": 5 if kept else 0, "reason": None,
    }  # fmt: skip


def fates(rows, claimed=(), duplicates="exact"):
    return [found.get("detail") for found in without_duplicates(rows, list(claimed), duplicates)]


def test_only_the_first_of_equal_items_is_kept():
    rows = [row("a", "1", kept=False), row("b", "1"), row("c", "1"), row("d", "2")]
    assert fates(rows) == [None, None, "its 5 frames are those of b", None]
    assert fates(rows, duplicates="off") == [None] * 4


def test_what_another_set_has_is_left_out():
    test = [row("a", "1", file="f1")]
    rows = [row("a", "1"), row("b", "2", file="f1"), row("c", "3", file="f3")]
    assert fates(rows, test) == ["its 5 frames are those of a", "it is made of the same file as a of another set", None]


def test_two_clips_of_one_file_are_no_duplicates():
    assert fates([row("slow", "1", "film", "f"), row("fast", "2", "film", "f")]) == [None, None]


def test_nearly_equal_pictures_of_two_sources_are_duplicates():
    near, far = "f" * 63 + "0", "0" * 64
    rows = [row("a", "1", print_="f" * 64), row("b", "2", print_=near), row("c", "3", print_=far)]
    assert fates(rows, duplicates="near") == [None, "it shows nearly the same as a", None]
    assert fates(rows, duplicates="exact") == [None] * 3
    assert fates([rows[1]], [rows[0]], "near") == ["it shows nearly the same as a"]
    shots = [row("a", "1", "film", print_="f" * 64), row("b", "2", "film", print_=near)]
    assert fates(shots, duplicates="near") == [None, None]  # two shots of one film


def test_of_three_alike_the_first_is_named():
    rows = [row(name, name, print_="f" * 63 + digit) for name, digit in (("a", "f"), ("b", "e"), ("c", "c"))]
    assert fates(rows, duplicates="near")[1:] == ["it shows nearly the same as a"] * 2


@pytest.fixture
def gathered(tmp_path):
    """Gathers two shards, a and c in one, b and a bad one in the other; a stale clip lies there too."""
    order = ["c", "b", "bad", "a"]
    listed = [{"name": name, "dataset": "d", "file": name, "position": at} for at, name in enumerate(order)]
    write_table(listed, tmp_path / "sources.parquet", SOURCES)
    plain = {name: row(name, pixels) for name, pixels in (("a", "1"), ("b", "1"), ("c", "2"))}
    bad = row("bad", None, kept=False) | {"reason": "too_dark", "detail": "mean L is 3"}
    write_table([plain["c"], plain["a"]], tmp_path / "0.parquet", CLIPS)
    write_table([plain["b"], bad], tmp_path / "1.parquet", CLIPS)
    for name in ("a", "b", "c", "stale", ".d.part"):
        for index in range(5):
            write_png(frame_path(tmp_path / "out/test" / name, index), np.zeros((4, 4, 3), np.uint8))
    items(
        sources=tmp_path / "sources.parquet", shards=[tmp_path / "0.parquet", tmp_path / "1.parquet"], claimed=[],
        duplicates="exact", table=tmp_path / "out/test.parquet",
    )  # fmt: skip
    return tmp_path / "out"


def test_the_table_has_the_order_of_the_sources(gathered, capsys):
    table = read_table(gathered / "test.parquet", CLIPS)
    assert list(table["clip"]) == ["c", "b", "bad", "a"]
    assert list(table["reason"].fillna("")) == ["", "", "too_dark", "duplicate"]


def test_frames_that_no_row_keeps_are_removed(gathered):
    assert sorted(path.name for path in (gathered / "test").iterdir()) == ["b", "c"]


def test_two_items_of_one_name_are_an_error(tmp_path):
    write_table([{"name": "a", "dataset": "d", "file": "a", "position": 0}], tmp_path / "sources.parquet", SOURCES)
    write_table([row("a", "1"), row("a", "2", source="a")], tmp_path / "0.parquet", CLIPS)
    with pytest.raises(ValueError, match=r"two sources .* a"):
        items(
            sources=tmp_path / "sources.parquet", shards=[tmp_path / "0.parquet"], claimed=[], duplicates="off",
            table=tmp_path / "t.parquet",
        )  # fmt: skip


def test_frames_that_are_gone_are_missed(tmp_path):
    write_table([{"name": "a", "dataset": "d", "file": "a", "position": 0}], tmp_path / "sources.parquet", SOURCES)
    write_table([row("a", "1")], tmp_path / "shards/0.parquet", CLIPS)
    with pytest.raises(FileNotFoundError, match=r"\(a\) lack files .*shards/\*\.parquet"):
        items(
            sources=tmp_path / "sources.parquet", shards=[tmp_path / "shards/0.parquet"], claimed=[],
            duplicates="off", table=tmp_path / "t.parquet",
        )  # fmt: skip
    assert not (tmp_path / "t.parquet").exists()


# Counted datasets, and what is taken as it is.


def reasons(rows, counts, claimed=(), duplicates="near", whole=()):
    return [found["reason"] for found in chosen(rows, list(claimed), duplicates, counts, set(whole))]


def test_of_a_counted_dataset_the_first_that_are_fit_are_kept():
    rows = [row("a", "1"), row("dark", "2", kept=False), row("b", "1"), row("c", "3"), row("d", "4")]
    assert reasons(rows, {"d": 2}) == [None, None, "duplicate", None, "surplus"]
    assert reasons(rows, {"d": 9}) == [None, None, "duplicate", None, None]
    assert reasons(rows, {"other": 1}, duplicates="off") == [None] * 5


def test_what_is_surplus_makes_no_other_item_a_duplicate():
    rows = [row("a", "1"), row("b", "2"), row("c", "2") | {"dataset": "other"}]
    assert reasons(rows, {"d": 1}) == [None, "surplus", None]


def test_what_is_taken_as_it_is_repeats_others_and_is_kept():
    rows = [row("a", "1") | {"stride": 1}, row("b", "1") | {"stride": 1}, row("c", "1") | {"stride": 1}]
    assert reasons(rows, {}, whole={("d", "b", 1)}) == [None, None, "duplicate"]


def test_too_few_are_said_with_counts(tmp_path, capsys):
    listed = [{"name": name, "dataset": "d", "file": name, "position": at} for at, name in enumerate("ab")]
    write_table(listed, tmp_path / "sources.parquet", SOURCES)
    rows = [row("a", "1", kept=False) | {"reason": "too_dark"}, row("b", "2", kept=False) | {"reason": "too_dark"}]
    write_table(rows, tmp_path / "0.parquet", CLIPS)
    items(
        sources=tmp_path / "sources.parquet", shards=[tmp_path / "0.parquet"], claimed=[], duplicates="off",
        table=tmp_path / "test.parquet", counts='{"d": 2}',
    )  # fmt: skip
    assert "warning: d: 0 items instead of 2; its draw of 2 files has no more that are fit" in capsys.readouterr().out
