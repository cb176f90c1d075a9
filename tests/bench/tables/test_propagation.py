"""Propagation table: which frames are averaged."""

import pandas as pd
import pytest

from bench.stand_ins import read_choices
from bench.tables import propagation
from media.document import Cell, read
from media.tables import SCORES, write_table


def psnr_rows(row: str, clip: str, values) -> list[dict]:
    return [
        {"row": row, "metric": "psnr", "kind": "clips", "item": clip, "frame": frame, "value": float(value)}
        for frame, value in enumerate(values)
    ]


@pytest.fixture
def table(tmp_path, choices) -> pd.DataFrame:
    """Two rows; a clip that is longer than the ranges and one that is shorter."""
    rows = [
        *psnr_rows("copy_first", "long", [100, *range(1, 31)]),  # value = frame; frames after 24 are in no range
        *psnr_rows("copy_first", "short", [100, 30, 40]),
        *psnr_rows("fusion", "long", [100] + [50] * 24),
    ]
    write_table(rows, tmp_path / "score.parquet", SCORES)
    propagation.main(
        rows=["fusion", "copy_first"],
        scores=[tmp_path / "score.parquet"],
        clips=tmp_path / "clips.parquet",
        clips_of=[],
        choices=choices(),
        seed=0,
        csv=tmp_path / "propagation.csv",
        markdown=tmp_path / "propagation.md",
        json=tmp_path / "propagation.json",
    )
    return pd.read_csv(tmp_path / "propagation.csv").set_index(["method", "clip"])


def test_rows_in_order(table):
    assert list(table.columns) == ["psnr_1_24", "psnr_15_24", "n_frames", "psnr_15_24_low", "psnr_15_24_high"]
    expected = [(row, clip) for row in ("fusion", "copy_first") for clip in ("long", "short", "mean")]
    assert list(table.index) == expected


def test_known_means(table):
    known = table[["psnr_1_24", "psnr_15_24", "n_frames"]]
    assert known.loc[("copy_first", "long")].tolist() == [12.5, 19.5, 31]
    assert known.loc[("copy_first", "mean")].tolist() == [(12.5 + 35) / 2, 19.5, 34]


def test_the_mean_has_an_interval_over_clips(choices):
    lines = [line for clip, value in (("a", 20), ("b", 30)) for line in psnr_rows("fusion", clip, [100] + [value] * 24)]
    images = [{"row": "fusion", "metric": "psnr", "kind": "images", "item": "c", "value": 9.0}]
    table = propagation.propagation(pd.DataFrame(lines + images), ["fusion"], seed=0).set_index("clip")
    assert list(table.index) == ["a", "b", "mean"]
    assert table.loc["mean", ["psnr_15_24_low", "psnr_15_24_high"]].tolist() == [20, 30]
    assert table.loc[["a", "b"], ["psnr_15_24_low", "psnr_15_24_high"]].isna().all(axis=None)
    made = propagation.document(table.reset_index(), read_choices(choices()))
    assert made.rows[-1].kind == "mean" and made.rows[-1].cells["psnr_15_24"] == Cell(value=25.0, low=20.0, high=30.0)


def test_short_clip_has_an_empty_late_range(table):
    assert table.loc[("copy_first", "short"), "psnr_1_24"] == 35
    assert pd.isna(table.loc[("copy_first", "short"), "psnr_15_24"])


def test_failed_clip_stands_empty(table, tmp_path):
    failed = table.loc[("fusion", "short")]
    assert failed["n_frames"] == 0 and failed[["psnr_1_24", "psnr_15_24"]].isna().all()
    (said,) = [note for note in read(tmp_path / "propagation.json").notes if note.kind == "failure"]
    assert said.rows == ("fusion",) and "short" in said.text
