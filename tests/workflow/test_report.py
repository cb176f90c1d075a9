"""The report of a finished run: every row and table is in it, and Snakemake's own report takes it in."""

import json
import re
import zipfile

import pytest
from tiny_world import LENGTH, snakemake

from media.decoding import decode
from media.tables import CLIPS, SCORES, kept, read_table


@pytest.fixture(scope="module")
def data(run) -> dict:
    """What the page's program reads."""
    text = (run / "results/report/data.js").read_text()
    return json.loads(text.removeprefix("const REPORT = ").rstrip(";\n"))


@pytest.fixture(scope="module")
def page(run) -> str:
    return (run / "results/report/index.html").read_text()


def test_every_clip_has_a_video_with_every_frame_of_every_row_that_colours_clips(run, data):
    clips = kept(read_table(run / "results/clips/test.parquet", CLIPS))["clip"].tolist()
    assert [item["name"] for item in data["clips"]["items"]] == clips
    for item in data["clips"]["items"]:
        frames = list(decode(run / "results/report" / item["video"]))
        assert len(frames) == item["frames"] == LENGTH
        rows = {tile["name"] for tile in item["tiles"]}
        assert {"input", "reference", "ground_truth", "nn_match", "ours", "ours_first_frame"} <= rows


def test_every_photograph_has_a_strip(run, data):
    assert len(data["images"]["items"]) == 4
    for item in data["images"]["items"]:
        assert (run / "results/report" / item["strip"]).stat().st_size > 0


def test_items_are_ordered_by_scores_of_the_run(run, data):
    psnr = next(order for order in data["clips"]["orders"] if order["name"] == "psnr")
    scores = read_table(run / "results/score/ours.parquet", SCORES)
    own = scores[(scores["metric"] == "psnr") & (scores["kind"] == "clips")]
    means = own.astype({"value": float}).groupby("item")["value"].mean()
    assert psnr["values"]["ours"] == pytest.approx(means.to_dict())
    ratio = next(order for order in data["clips"]["orders"] if order["name"] == "flicker_ratio")
    assert set(ratio["values"]["ground_truth"].values()) == {1.0}


def test_all_tables_curves_and_figures_are_on_the_page(page):
    for name in ("table1", "table5", "propagation", "seconds", "figure7", "train-ours", "figure3", "figure16"):
        assert f'<h3 id="{name}">' in page, name


def test_every_number_leads_to_a_record_of_this_configuration(run, page):
    links = set(re.findall(r'href="#(made-[^"]+)"', page))
    records = set(re.findall(r'<details class="record" id="([^"]+)"', page))
    assert links <= records and {"made-table1", "made-score-ours", "made-colorize-ours"} <= links
    record = json.loads((run / "results/report/provenance/score/ours.provenance.json").read_text())
    assert record["stage"] == "bench.scoring.score" and len(record["config_hash"]) == 64


def test_snakemakes_own_report_has_the_tables_the_figure_and_the_report(run, world):
    done = snakemake("--report", "report.zip", directory=run, config=world)
    assert done.returncode == 0, done.stdout
    names = zipfile.ZipFile(run / "report.zip").namelist()
    for wanted in ("table1.csv", "table5.csv", "propagation.csv", "figure7.svg"):
        assert any(name.endswith(wanted) for name in names), wanted
    assert any(name.endswith("/index.html") and "report" in name for name in names)
    assert any(name.endswith("/clips/" + next((run / "results/report/clips").glob("*.mp4")).name) for name in names)
