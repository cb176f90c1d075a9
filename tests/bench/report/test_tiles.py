"""Which tiles an item has, why one is missing, and by what items can be ordered."""

import numpy as np
import pandas as pd
import pytest

from bench.report.tiles import ItemFolders, orders, ratios_to_truth
from media.tables import SCORES, read_table

from .conftest import FRAMES, PSNR, RED, ROWS, SIZE, grey_of


@pytest.fixture
def ramp(results):
    tables = {row: results / f"colorize/{row}.parquet" for row in ROWS}
    items = ItemFolders(
        "clips", results / "clips/test.parquet", results / "references/clips/test.parquet", tables
    ).read()
    return next(item for item in items if item.name == "ramp")


def test_rows_that_show_the_input_or_the_truth_have_no_tile_of_their_own(ramp):
    assert [tile.name for tile in ramp.tiles] == ["input", "reference", "ground_truth", "red", "fails"]


def test_a_failed_item_has_its_reason_and_no_place(ramp):
    places = {tile["name"]: tile["place"] for tile in ramp.as_data()["tiles"]}
    assert places == {"input": 0, "reference": 1, "ground_truth": 2, "red": 3, "fails": None}
    assert ramp.tiles[-1].reason == "method_raised: out of <paint>"


def test_each_moment_has_every_tile_at_that_frame(ramp):
    for frame, tiles in enumerate(ramp.moments()):
        assert [tile.shape for tile in tiles] == [(*SIZE, 3)] * 4
        grey, still, truth, red = (tile.reshape(-1, 3).mean(0) for tile in tiles)
        assert np.ptp(grey) == 0 and abs(grey[0] - grey_of(frame)) <= 1
        assert still[0] == grey_of(0) and truth[0] == grey_of(frame) and tuple(red) == RED
    assert frame == FRAMES - 1


def test_orders_are_means_over_frames_with_their_unit_and_direction(results):
    scores = pd.concat([read_table(results / f"score/{row}.parquet", SCORES) for row in ROWS])
    (psnr,) = orders(scores, "clips")
    assert (psnr["name"], psnr["unit"], psnr["direction"]) == ("psnr", "dB", "up")
    assert psnr["values"] == PSNR
    assert orders(scores, "images") == []


def test_flicker_is_ordered_by_its_ratio_to_the_truth():
    flicker = {"ground_truth": {"a": 2.0, "still": 0.0}, "ours": {"a": 3.0, "still": 1.0}}
    assert ratios_to_truth(flicker) == {"ground_truth": {"a": 1.0}, "ours": {"a": 1.5}}
    assert ratios_to_truth({"ours": {"a": 3.0}}) == {}
