"""Table 5 on the tiny world: every ablation is really trained, and differs from the full model in one weight."""

import json

import pandas as pd
import pytest
from tiny_world import table5_differs_in_one_weight

from media.document import read
from media.formats import as_csv, as_markdown
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
    table = read(run / "results/table5.json")
    notes = {note.kind: note.text for note in table.notes}
    assert "n = 4" in notes["too few to compare"] and "width 0.125 (1); frame 64, 96" in notes["trained otherwise"]
    assert "last 2 of 3 steps" in notes["adversarial"]
    trained = [note.rows for note in table.notes if note.kind.startswith("training")]
    assert ("without_context",) in trained and len(trained) == len(ROWS)
    assert [row.kind for row in table.rows] == ["result", "paper"] * len(ROWS)


def test_figure7_is_drawn_and_explained(run):
    picture = (run / "results/figure7.svg").read_text()
    assert "n = 2" in picture and "ours_aligned_first_frame" in picture
    assert "| frame 1 " in (run / "results/figure7.md").read_text()


@pytest.mark.parametrize("name", ["table1", "table5", "propagation", "figure7"])
def test_csv_and_markdown_are_those_of_the_document(run, name):
    document = read(run / f"results/{name}.json")
    assert (run / f"results/{name}.csv").read_text() == as_csv(document)
    if name != "figure7":  # whose page has the ends of the curves alone
        assert (run / f"results/{name}.md").read_text() == as_markdown(document)
    sidecar = json.loads((run / f"results/{name}.provenance.json").read_text())
    assert f"results/{name}.json" in {made["path"] for made in sidecar["outputs"]}
    assert "results/choices.json" in {given["path"] for given in sidecar["inputs"]}
