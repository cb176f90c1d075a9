"""Propagation table: which frames are averaged."""

import pandas as pd
import pytest

from bench import propagation
from media.tables import SCORES, write_table


def psnr_rows(row: str, clip: str, values) -> list[dict]:
    return [
        {"row": row, "metric": "psnr", "kind": "clips", "item": clip, "frame": frame, "value": float(value)}
        for frame, value in enumerate(values)
    ]


@pytest.fixture
def table(tmp_path) -> pd.DataFrame:
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
        backbone="efficientnet_lite0",
        flow="dis",
        csv=tmp_path / "propagation.csv",
        markdown=tmp_path / "propagation.md",
    )
    return pd.read_csv(tmp_path / "propagation.csv").set_index(["method", "clip"])


def test_rows_in_order(table):
    assert list(table.columns) == ["psnr_1_24", "psnr_15_24", "n_frames"]
    expected = [(row, clip) for row in ("fusion", "copy_first") for clip in ("long", "short", "mean")]
    assert list(table.index) == expected


def test_known_means(table):
    assert table.loc[("copy_first", "long")].tolist() == [12.5, 19.5, 31]
    assert table.loc[("copy_first", "mean")].tolist() == [(12.5 + 35) / 2, 19.5, 34]


def test_short_clip_has_an_empty_late_range(table):
    assert table.loc[("copy_first", "short"), "psnr_1_24"] == 35
    assert pd.isna(table.loc[("copy_first", "short"), "psnr_15_24"])


def test_failed_clip_stands_empty(table, tmp_path):
    failed = table.loc[("fusion", "short")]
    assert failed["n_frames"] == 0 and failed[["psnr_1_24", "psnr_15_24"]].isna().all()
    assert "fusion has no result for short" in (tmp_path / "propagation.md").read_text()
