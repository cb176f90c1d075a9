"""Tables: exact columns, whole files."""

import subprocess
import sys

import pandas as pd
import pytest

from media.faults import MachineFault
from media.tables import (
    CLIPS,
    COLORIZED,
    FLOW,
    ROW_GROUP,
    SOURCES,
    folder_of,
    kept,
    merged_rows,
    read_table,
    stream_rows,
    write_rows,
    write_table,
)


def test_round_trip_keeps_types_and_fills_absent_columns(tmp_path):
    rows = [{"clip": "a", "n_frames": 25}, {"clip": "b", "n_frames": 0, "reason": "too_dark"}]
    write_table(rows, tmp_path / "clips.parquet", CLIPS)
    table = read_table(tmp_path / "clips.parquet", CLIPS)
    assert table.dtypes.astype(str).to_dict() == CLIPS
    assert table["mean_l"].isna().all()
    assert list(kept(table)["clip"]) == ["a"]


def test_an_empty_table_has_its_columns(tmp_path):
    write_table([], tmp_path / "flow.parquet", FLOW)
    assert list(read_table(tmp_path / "flow.parquet", FLOW)) == list(FLOW)


def test_an_undeclared_column_is_refused(tmp_path):
    with pytest.raises(ValueError, match="clipp"):
        write_table([{"clipp": "a"}], tmp_path / "flow.parquet", FLOW)
    assert not list(tmp_path.iterdir())


def test_a_table_of_another_kind_is_refused(tmp_path):
    pd.DataFrame({"clip": ["a"]}).to_parquet(tmp_path / "old.parquet")
    with pytest.raises(ValueError, match=r"old\.parquet.*delete it"):
        read_table(tmp_path / "old.parquet", FLOW)


def test_folder_of_a_table():
    assert str(folder_of("results/clips/test.parquet")) == "results/clips/test"


def test_a_range_of_rows_is_read_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("media.tables.ROW_GROUP", 3)
    hashes = [0, 5, 5, 7, 2**61, 2**61 + 1, 2**62 - 1]
    write_table([{"name": str(k), "hash": value} for k, value in enumerate(hashes)], tmp_path / "s.parquet", SOURCES)
    for first, end in ((0, 2**62), (5, 7), (6, 2**61 + 1), (8, 9)):
        found = read_table(tmp_path / "s.parquet", SOURCES, within=("hash", first, end))
        assert list(found["hash"]) == [value for value in hashes if first <= value < end]
        assert found.dtypes.astype(str).to_dict() == SOURCES


def test_reading_a_table_does_not_abort_the_program_at_its_end(tmp_path):
    """With pandas' reader every twentieth program that ended just after it did, on a busy machine."""
    write_table([{"clip": "a", "n_pairs": 1}], tmp_path / "flow.parquet", FLOW)
    code = f"from media.tables import FLOW, read_table; read_table({str(tmp_path / 'flow.parquet')!r}, FLOW)"
    programs = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(12)]
    assert [program.wait() for program in programs] == [0] * 12


@pytest.mark.parametrize("count", [0, 1, ROW_GROUP, ROW_GROUP + 1])
def test_rows_that_come_one_by_one_are_the_same_file(tmp_path, count):
    rows = [{"item": f"clip {k}", "kind": "clips", "n_frames": k % 3, "detail": None if k % 2 else "x"}
            for k in range(count)]  # fmt: skip
    write_table(rows, tmp_path / "whole.parquet", COLORIZED)
    assert write_rows(iter(rows), tmp_path / "stream.parquet", COLORIZED) == count
    assert (tmp_path / "stream.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert list(stream_rows(tmp_path / "stream.parquet", COLORIZED)) == [dict.fromkeys(COLORIZED) | row for row in rows]


def test_an_undeclared_column_leaves_no_file(tmp_path):
    with pytest.raises(ValueError, match=r"columns .'strange'. are not declared"):
        write_rows(iter([{"item": "a"}] * ROW_GROUP + [{"strange": 1}]), tmp_path / "a.parquet", COLORIZED)
    assert not list(tmp_path.iterdir())


def test_tables_of_shards_are_merged_in_one_order(tmp_path):
    order = [("clips", "b"), ("clips", "a"), ("images", "c"), ("images", "a")]
    lines = {item: [dict.fromkeys(COLORIZED) | {"kind": item[0], "item": item[1], "n_frames": k} for k in (1, 2)]
             for item in order}  # fmt: skip
    paths = [tmp_path / f"{shard}.parquet" for shard in range(3)]
    for path, own in zip(paths, (order[1:3], [order[0], order[3]], []), strict=True):
        write_rows((line for item in own for line in lines[item]), path, COLORIZED)
    assert list(merged_rows(paths, COLORIZED, order)) == [line for item in order for line in lines[item]]
    for wrong in (order[1:], [*order, ("clips", "z")]):
        with pytest.raises(MachineFault, match=r"differ in 1 of these, such as clips [bz]; remove"):
            list(merged_rows(paths, COLORIZED, wrong))
