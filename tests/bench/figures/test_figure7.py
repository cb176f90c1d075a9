"""Figure 7: the curves, their picture and their page."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from bench.figures import figure7
from bench.figures.plot_style import looks
from media.document import read
from media.tables import CLIPS, SCORES, write_table

ROWS = ["copy_first", "fusion"]
LENGTHS = {"bear": 6, "wolf": 6, "owl": 4}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def make(tmp_path, choices):
    """A function that writes the figure of three clips, one of them shorter; returns the folder."""

    def call(name: str, chosen: dict | None = None, **changes):
        rng = np.random.default_rng(0)
        scores = [
            {"row": row, "metric": "psnr", "kind": "clips", "item": clip, "frame": t, "value": float(value)}
            for row in ROWS
            for clip, length in LENGTHS.items()
            for t, value in enumerate(rng.uniform(20, 40, length))
        ]
        folder = tmp_path / name
        write_table(scores, folder / "scores.parquet", SCORES)
        write_table([{"clip": clip, "dataset": "zoo"} for clip in LENGTHS], folder / "clips.parquet", CLIPS)
        arguments = {
            "rows": ROWS, "scores": [folder / "scores.parquet"], "clips": folder / "clips.parquet", "clips_of": [],
            "choices": choices(**chosen or {}), "seed": 0,
            "csv": folder / "figure7.csv", "svg": folder / "figure7.svg", "markdown": folder / "figure7.md",
            "json": folder / "figure7.json",
        }  # fmt: skip
        figure7.main(**(arguments | changes))
        return folder

    return call


def test_the_curves_are_means_over_the_clips_that_are_long_enough():
    values = {("fusion", "bear"): [99, 30, 20], ("fusion", "wolf"): [99, 40]}
    values |= {("copy_first", "bear"): [99, 10, 10], ("copy_first", "wolf"): [99, 20]}
    lines = [
        {"row": row, "metric": "psnr", "kind": "clips", "item": item, "frame": frame, "value": float(value)}
        for (row, item), each in values.items()
        for frame, value in enumerate(each)
    ]
    image = {"row": "fusion", "metric": "psnr", "kind": "images", "item": "bear", "frame": 1, "value": 9.0}
    found = figure7.curves(pd.DataFrame([*lines, image]), ["fusion", "copy_first"], seed=0)
    assert found[["method", "frame", "psnr", "n_clips"]].to_numpy().tolist() == [
        ["fusion", 1, 35.0, 2], ["fusion", 2, 20.0, 1], ["copy_first", 1, 15.0, 2], ["copy_first", 2, 10.0, 1],
    ]  # fmt: skip
    assert list(found.columns) == ["method", "frame", "psnr", "n_clips", "psnr_low", "psnr_high"]
    assert found.loc[found.index[0], ["psnr_low", "psnr_high"]].tolist() == [30, 40]
    assert found[found["n_clips"] == 1][["psnr_low", "psnr_high"]].isna().all(axis=None)


def test_the_picture_has_a_line_and_a_band_for_every_row(make):
    root = ElementTree.parse(make("first") / "figure7.svg").getroot()
    ids = [element.get("id", "") for element in root.iter(f"{SVG}g")]
    assert sum(name.startswith("FillBetween") for name in ids) == len(ROWS)
    assert float(root.get("width").removesuffix("pt")) <= 252  # 3.5 inches, a column


def test_text_is_text_and_says_what_is_seen(make):
    root = ElementTree.parse(make("first") / "figure7.svg").getroot()
    said = " ".join("".join(element.itertext()) for element in root.iter(f"{SVG}text"))
    assert {*ROWS, "dB"} <= set(re.findall(r"\w+", said))
    assert "n = 3 to 2" in said and "DIS, a stand-in for the paper's FlowNet2" in said


def test_equal_scores_give_an_equal_file(make):
    first, second = ((make(name) / "figure7.svg").read_bytes() for name in ("first", "second"))
    assert first == second


def test_the_page_has_both_ends_and_where_the_first_clip_ended(make):
    folder = make("first")
    text = (folder / "figure7.md").read_text()
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert lines[0] == ["method", "frame 1", "frame 3", "frame 5"]
    assert [cell.rpartition(", ")[2] for cell in lines[2][1:]] == ["n = 3", "n = 3", "n = 2"]
    last = (folder / "figure7.csv").read_text().splitlines()[5].split(",")
    assert last[:2] == ["copy_first", "5"] and lines[2][3].startswith(f"{float(last[2]):.2f} [")
    notes = {note.kind: note for note in read(folder / "figure7.json").notes}
    assert "zoo" in notes["data"].text and notes["the paper's"].rows == ("vpn2017", "stn2018", "flow_propagation")


def test_the_document_has_every_value_with_its_interval(make):
    folder = make("first")
    document, table = read(folder / "figure7.json"), pd.read_csv(folder / "figure7.csv")
    assert len(document.rows) == len(table)
    for row, line in zip(document.rows, table.itertuples(), strict=True):
        psnr = row.cells["psnr"]
        assert [psnr.value, psnr.low, psnr.high] == pytest.approx([line.psnr, line.psnr_low, line.psnr_high], rel=1e-5)
        assert (row.cells["method"].value, row.cells["n_clips"].value) == (line.method, line.n_clips)


def test_the_papers_own_flow_is_no_stand_in(make):
    folder = make("first", chosen={"flow": "ptlflow:flownet2", "backbone": "vgg19"})
    assert "stand-in" not in (folder / "figure7.svg").read_text() + (folder / "figure7.md").read_text()


def test_more_rows_than_colours_are_still_told_apart():
    assert len({str(look) for look in looks(map(str, range(28))).values()}) == 28


def test_a_row_without_any_score_is_left_out(make):
    folder = make("first", rows=[*ROWS, "broken"])
    assert "broken" not in (folder / "figure7.svg").read_text()


def test_without_any_score_the_picture_says_so(make, tmp_path):
    write_table([], tmp_path / "none.parquet", SCORES)
    assert "No clip was scored." in (make("first", scores=[tmp_path / "none.parquet"]) / "figure7.svg").read_text()
