"""Scores of some datasets' clips, and what could not be scored."""

import json

import pytest

from bench.scoring.read_scores import left_out, read_scores
from media.tables import CLIPS, SCORES, write_table


def psnr(row, item, values):
    return [
        {"row": row, "metric": "psnr", "kind": "clips", "item": item, "frame": frame, "value": float(value)}
        for frame, value in enumerate(values)
    ]


@pytest.fixture
def tables(tmp_path):
    """Two rows, scored on a clip of each of two datasets, of different lengths, and on an image."""
    image = {"row": "fusion", "metric": "psnr", "kind": "images", "item": "bear", "frame": 1, "value": 9.0}
    scores = [*psnr("fusion", "bear", [99, 30, 20]), *psnr("fusion", "wolf", [99, 40]), image]
    scores += [*psnr("copy_first", "bear", [99, 10, 10]), *psnr("copy_first", "wolf", [99, 20])]
    clips = [{"clip": "bear", "dataset": "davis"}, {"clip": "wolf", "dataset": "videvo"}]
    bad = {"clip": "bad", "dataset": "empty", "reason": "too_dark"}
    write_table(scores, tmp_path / "scores.parquet", SCORES)
    write_table([*clips, bad], tmp_path / "clips.parquet", CLIPS)
    return [tmp_path / "scores.parquet"], tmp_path / "clips.parquet"


def test_scores_of_one_dataset(tables):
    assert len(read_scores(*tables, [])) == 11
    some = read_scores(*tables, ["davis"])
    assert set(some.loc[some["kind"] == "clips", "item"]) == {"bear"}
    assert (some["kind"] == "images").sum() == 1  # the image is of no clip's dataset


def test_a_dataset_without_clips_is_an_error(tables):
    with pytest.raises(ValueError, match=r"clips_of names empty, of which .* clips of: davis, videvo"):
        read_scores(*tables, ["davis", "empty"])


def test_what_was_left_out_is_said_once(tmp_path):
    said = {"a": ["no LPIPS", "no FID"], "b": ["no LPIPS"], "c": None}
    for row, notes in said.items():
        record = {} if notes is None else {"left_out": notes}
        (tmp_path / f"{row}.provenance.json").write_text(json.dumps(record))
    paths = [tmp_path / f"{row}.parquet" for row in "abc"]
    assert left_out(paths[:2]) == ["no LPIPS", "no FID (rows: a)"]
    assert left_out(paths) == ["no LPIPS (rows: a, b)", "no FID (rows: a)"]
    assert left_out([tmp_path / "scored_by_hand.parquet"]) == []
