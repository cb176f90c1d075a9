"""Table 5 on the tiny world: every ablation is really trained, and differs from the full model in one weight."""

import pandas as pd
import pytest
from tiny_world import table5_differs_in_one_weight

from media.tables import COLORIZED, read_table

ROWS = ["without_smooth", "without_perc", "without_context", "without_adv", "ours"]


@pytest.fixture(scope="module")
def table(run):
    return pd.read_csv(run / "results/table5.csv").set_index("method")


def test_each_row_is_a_training_of_its_own(run, table):
    assert list(table.index) == ROWS
    table5_differs_in_one_weight(run / "results")
    assert (table["steps_trained"] == 3).all() and (table["n_images"] == 4).all()


def test_every_score_is_there_and_lies_in_its_interval(table):
    assert table[["top5", "top1", "fid", "colorful"]].notna().all(axis=None)
    for column in ("top5", "top1", "colorful"):
        assert table[column].between(table[f"{column}_low"] - 1e-4, table[f"{column}_high"] + 1e-4).all()


def test_the_full_row_is_table1s(run, table):
    same = ["top5", "top1", "fid", "colorful", "n_images", "steps_trained"]
    theirs = pd.read_csv(run / "results/table1.csv").set_index("method")
    pd.testing.assert_series_equal(table.loc["ours", same], theirs.loc["ours", same])
    assert not set(ROWS[:-1]) & set(theirs.index)
    assert "without_smooth" not in (run / "results/table1.md").read_text()


def test_ablations_colour_photographs_alone(run):
    for row in ROWS[:-1]:
        done = read_table(run / f"results/colorize/{row}.parquet", COLORIZED)
        assert set(done["kind"]) == {"images"} and done["reason"].isna().all()


def test_the_page_says_what_stands_in_and_what_may_be_chance(run):
    text = (run / "results/table5.md").read_text()
    assert "with n = 4, no difference to ours can be significant among 4 compared rows" in text
    assert "*paper: w/o adv*" in text and "width 0.125 (1); frame 64, 96 (216, 384)" in text
    assert "The adversarial loss counts in the last 2 of 3 steps." in text
    assert "Training `without_context` (without_context): 3 steps" in text


def test_figure7_is_drawn_and_explained(run):
    picture = (run / "results/figure7.svg").read_text()
    assert "n = 2" in picture and "ours_aligned_first_frame" in picture
    assert "| frame 1 " in (run / "results/figure7.md").read_text()
