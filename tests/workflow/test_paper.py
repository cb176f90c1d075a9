"""config/paper.yaml, tried on very little with published files of seeded values: every row and column of the paper is
there, and each cell has a value. Sizes, widths and networks are the paper's."""

import json

import pandas as pd
import pytest
from paper_world import PAPER, make_paper_world
from tiny_world import snakemake

from media.document import read
from media.tables import CLIPS, kept, read_table

pytestmark = pytest.mark.slow

TARGETS = ("results/table1.csv", "results/table5.csv", "results/figure7.csv", "results/report")
OURS = "ours"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    directory = tmp_path_factory.mktemp("paper")
    trial = make_paper_world(directory)
    done = snakemake("--quiet", "rules", "--configfile", str(PAPER), str(trial), "--", *TARGETS, directory=directory)
    assert done.returncode == 0, done.stdout
    yield directory / "results"
    for file in (directory / "weights").iterdir():  # more than a gigabyte
        file.unlink()


@pytest.fixture(scope="module")
def documents(results):
    return {name: read(results / f"{name}.json") for name in ("table1", "table5", "figure7")}


def cells(document, row: str) -> dict:
    """The cells of a row of ours."""
    (own,) = [each.cells for each in document.rows if each.cells["method"].value == row and each.kind == "result"]
    return own


def test_the_sets_are_a_trial_of_the_papers(results):
    clips = kept(read_table(results / "clips/test.parquet", CLIPS))
    assert clips.groupby("dataset")["n_frames"].apply(list).to_dict() == {
        "davis-2017-val": [3, 3], "videvo-test": [3, 3],
    }  # fmt: skip
    for split, count in (("test", 2), ("train", 2), ("validation", 2)):
        assert len(kept(read_table(results / f"images/{split}.parquet", CLIPS))) == count


@pytest.mark.parametrize(
    ("row", "papers"),
    [
        ("ground_truth", "GT"), ("iizuka2016", "Iizuka [15]"), ("larsson2016", "Larsson [16]"),
        ("zhang2016", "Zhang [17]"), ("he2018", "He [30]"), (OURS, "Ours"), ("ours_release", None),
    ],
)  # fmt: skip
def test_table1_has_the_rows_and_columns_of_the_paper(documents, row, papers):
    own = cells(documents["table1"], row)
    for column in ("top5", "top1", "fid", "colorful", "flicker"):
        assert own[column].value is not None, (row, column)
    if row != "ground_truth":
        assert own["flicker_plus"].value is not None, row
    if papers:
        assert [
            each for each in documents["table1"].rows if each.kind != "result" and papers in each.cells["method"].value
        ]


def test_table1_says_where_each_network_comes_from_and_that_it_is_a_trial(documents):
    said = " ".join(note.text for note in documents["table1"].notes)
    for file in (
        "colornet.t7",
        "autocolorize.caffemodel.h5",
        "colorization_release_v2-9b330a0b.pth",
        "example_net.pth",
    ):
        assert file in said, file
    assert "A TRIAL, of at most 2 files of a dataset in a set, 3 frames of a clip, 1 steps of a training" in said


def test_table5_has_the_four_ablations_and_the_full_model(documents):
    for row in ("without_smooth", "without_perc", "without_context", "without_adv", OURS):
        own = cells(documents["table5"], row)
        assert all(own[column].value is not None for column in ("top5", "top1", "fid", "colorful")), row


def test_figure7_has_a_curve_of_each_row_of_the_paper(results):
    curves = pd.read_csv(results / "figure7.csv")
    rows = {"flow_propagation", "vpn2017", "stn2018", "ours_first_frame", "ours_release_first_frame"}
    assert rows <= set(curves["method"])
    assert curves[curves["frame"] > 0].groupby("method")["frame"].nunique().loc[list(rows)].eq(2).all()


def test_the_report_has_all_figures_and_says_what_is_not_there(results):
    page = (results / "report/index.html").read_text()
    assert "A TRIAL" in page
    for number in (4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16):
        assert f"Figure {number}" in page, number
    (said,) = read(results / "report/figures/figure15/figure.json").notes
    assert "put clips into data/legacy" in said.text


def test_nothing_was_trained_that_is_published(results):
    made = {path.name for path in (results / "train").iterdir() if path.is_dir()}
    assert made == {OURS, "stn2018", "without_smooth", "without_perc", "without_context", "without_adv"}
    assert json.loads((results / "train/ours/summary.json").read_text())["steps"] == 1
