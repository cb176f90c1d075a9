"""Table 5: one line an ablation beside the full model, compared with it, and what the notes own up to."""

import csv
import json

import numpy as np
import pandas as pd
import pytest

from bench.tables import table5
from colorize.settings import LossWeights, TrainSettings
from media.document import Document, Note, read
from media.tables import CLIPS, COLORIZED, SCORES, write_table

IMAGES = [f"image_{index}" for index in range(12)]
LOSSES = {"without_smooth": "smoothness", "without_adv": "adversarial"}
ROWS = [*LOSSES, "ours"]
METHODS = {"ours": {"training": "ours"}} | {
    row: {"method": "ours", "training": row, "given": {"images": ["reference"]}} for row in LOSSES
}
FULL = {"method": "ours", "width": 0.25, "steps": 300, "adversarial_from": 160, "losses": {"perceptual": 0.1}}
TRAININGS = {"ours": FULL} | {row: FULL | {"losses": {"perceptual": 0.1, loss: 0}} for row, loss in LOSSES.items()}
SUMMARY = {
    "steps": 300, "width": 0.25, "best_step": 200, "validation_step0": 0.5, "validation_best": 0.4, "improved": True,
}  # fmt: skip


def note(table: Document, kind: str) -> Note:
    """The one note of a kind."""
    (found,) = [note for note in table.notes if note.kind == kind]
    return found


def scores() -> list[dict]:
    """Twelve images and a clip: without_smooth is clearly duller than ours, without_adv only differs from it."""
    rng = np.random.default_rng(0)
    ours = rng.uniform(10, 20, 12)
    colorful = {
        "ours": ours,
        "without_smooth": ours - rng.uniform(4, 6, 12),
        "without_adv": ours + rng.permutation([-1, 1] * 6),
    }
    lines = [{"row": "ours", "kind": "clips", "metric": "flicker_rms", "item": "a", "frame": 0, "value": 3.0}]
    for row, values in colorful.items():
        lines.append({"row": row, "kind": "images", "metric": "fid", "value": 4.5})
        for metric, each in (("colorful", values), ("top1", [100.0] * 12), ("top5", [100.0] * 12)):
            lines += [
                {"row": row, "kind": "images", "metric": metric, "item": item, "value": float(value)}
                for item, value in zip(IMAGES, each, strict=True)
            ]
    return lines


@pytest.fixture
def make(tmp_path, choices):
    """A function that writes the table; returns the CSV's cells by row, and the document."""

    def call(summaries: dict[str, dict] | None = None, trainings: dict[str, dict] = TRAININGS, **changes):
        for row in ROWS:
            (tmp_path / row).mkdir(exist_ok=True)
            (tmp_path / row / "summary.json").write_text(json.dumps(SUMMARY | (summaries or {}).get(row, {})))
            write_table([{"item": IMAGES[0], "kind": "images", "n_frames": 1}], tmp_path / f"{row}.parquet", COLORIZED)
        write_table(scores(), tmp_path / "scores.parquet", SCORES)
        bad = {"clip": "bad", "reason": "too_dark"}
        write_table([{"clip": "one"}, {"clip": "two"}, bad], tmp_path / "clips.parquet", CLIPS)
        write_table([{"clip": "photo"}], tmp_path / "photos.parquet", CLIPS)
        arguments = {
            "rows": ROWS, "full": "ours", "methods": json.dumps(METHODS), "trainings": json.dumps(trainings),
            "scores": [tmp_path / "scores.parquet"], "colorized": [tmp_path / f"{row}.parquet" for row in ROWS],
            "summaries": [tmp_path / row / "summary.json" for row in ROWS],
            "clips": tmp_path / "clips.parquet", "photos": tmp_path / "photos.parquet",
            "choices": choices(), "seed": 0, "csv": tmp_path / "table5.csv",
            "markdown": tmp_path / "table5.md", "json": tmp_path / "table5.json",
        }  # fmt: skip
        table5.main(**(arguments | changes))
        with open(tmp_path / "table5.csv") as file:
            return {line["method"]: line for line in csv.DictReader(file)}, read(tmp_path / "table5.json")

    return call


def test_columns_rows_and_the_lambda_that_differs(make):
    cells, _ = make()
    assert list(cells) == ROWS
    assert ",".join(cells["ours"]) == (
        "method,changed,top5,top1,fid,colorful,n_images,classifier,fid_features,steps_trained,samples_trained,"
        "top5_low,top5_high,top1_low,top1_high,colorful_low,colorful_high"
    )
    assert {row: line["changed"] for row, line in cells.items()} == {
        "without_smooth": "smoothness 5 -> 0", "without_adv": "adversarial 0.2 -> 0", "ours": "",
    }  # fmt: skip


def test_averages_have_intervals_and_are_of_images(make):
    cells, table = make()
    own = cells["without_smooth"]
    expected = np.mean([line["value"] for line in scores()
                        if (line["row"], line["metric"]) == ("without_smooth", "colorful")])  # fmt: skip
    assert float(own["colorful"]) == pytest.approx(expected, rel=1e-5)
    assert float(own["colorful_low"]) < expected < float(own["colorful_high"])
    assert (own["n_images"], own["steps_trained"], own["fid"]) == ("12", "300", "4.5")
    assert not any("flicker" in column.name for column in table.columns)


def test_the_papers_numbers_stand_below_each_row(make):
    _, table = make()
    names = [(row.cells["method"].value, row.kind) for row in table.rows]
    assert names == [
        ("without_smooth", "result"), ("w/o smooth", "paper"), ("without_adv", "result"), ("w/o adv", "paper"),
        ("ours", "result"), ("Full", "paper"),
    ]  # fmt: skip
    assert table.rows[4].cells["changed"].text == "(full)"
    papers = table.rows[1].cells
    assert [papers[name].value for name in ("top5", "top1", "fid", "colorful")] == [85.28, 64.48, 4.12, 17.12]
    assert {column.name: column.decimals for column in table.columns}["top5"] == 2


def test_differences_to_full_that_may_be_chance_are_marked(make):
    _, table = make()
    marks = {row.cells["method"].value: row.cells["colorful"].mark for row in table.rows if row.kind == "result"}
    assert marks == {"without_smooth": "", "without_adv": "†", "ours": ""}
    said = note(table, "no significant difference")
    assert said.rows == ("ours",) and "colourfulness: n = 12, 2 rows" in said.text
    assert note(table, "one seed")


def test_every_known_difference_to_the_paper_is_named(make):
    _, table = make()
    assert "2 clips and 1 photographs" in note(table, "data").text
    differing = note(table, "trained otherwise").text
    for setting in ("width 0.25 (1)", "steps 300 (22110)", "adversarial_from 160 (4422)", "perceptual 0.1 (0.001)"):
        assert setting in differing
    assert note(table, "no repetition")
    assert "EfficientNet-Lite0, a stand-in" in note(table, "choices").text


def test_the_papers_own_training_differs_in_nothing():
    papers = table5.TrainedAblations(
        full="ours", options={"ours": {"training": "ours"}}, settings={"ours": TrainSettings(workers=8)}, summaries={},
        n_clips=0, n_photos=0,
    )  # fmt: skip
    (data,) = table5.notes_on_differences(papers, 10_000)
    assert data.kind == "data" and "0 clips" in data.text


def test_the_note_says_how_long_the_adversarial_loss_counted(make):
    assert "last 140 of 300 steps" in note(make()[1], "adversarial").text
    late = {name: own | {"adversarial_from": 300} for name, own in TRAININGS.items()}
    assert "no row ever met it" in note(make(trainings=late)[1], "adversarial").text


def test_a_checkpoint_from_before_the_adversarial_loss_is_owned_up_to(make):
    unmet = "adversarial loss not met"
    assert unmet not in {note.kind for note in make()[1].notes}
    # without_adv is not named: it never meets that loss.
    said = note(make({"ours": {"best_step": 120}, "without_adv": {"best_step": 120}})[1], unmet)
    assert said.rows == ("ours",) and "step 120" in said.text


def test_changes_of_several_losses_are_listed():
    full = LossWeights()
    changed = full.model_copy(update={"l1": 1.0, "temporal": 0.0})
    assert table5.changed_losses(changed, full) == "temporal 0.02 -> 0, l1 2 -> 1"
    assert table5.changed_losses(full, full) == ""


def test_the_papers_table_is_whole():
    paper = pd.read_csv(table5.PAPER)
    assert paper.shape == (5, 6) and paper.notna().all(axis=None)
    theirs = pd.read_csv(table5.table1.PAPER).set_index("method").loc["ours"]
    full = paper.set_index("method").loc["ours"]
    assert (full[["top5", "top1", "fid", "colorful"]] == theirs[["top5", "top1", "fid", "colorful"]]).all()
