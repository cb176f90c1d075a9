"""Table 5: one line an ablation beside the full model, compared with it, and what the notes own up to."""

import csv
import json

import numpy as np
import pandas as pd
import pytest

from bench.tables import table5
from colorize.training.settings import LossWeights, TrainSettings
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
def make(tmp_path, capsys):
    """A function that writes the tables; returns the CSV's cells by row, and the Markdown."""

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
            "backbone": "efficientnet_lite0", "classifier": "efficientnet_lite0",
            "fid_features": "efficientnet_lite0", "flow": "dis", "seed": 0,
            "csv": tmp_path / "table5.csv", "markdown": tmp_path / "table5.md",
        }  # fmt: skip
        table5.main(**(arguments | changes))
        with open(tmp_path / "table5.csv") as file:
            return {line["method"]: line for line in csv.DictReader(file)}, (tmp_path / "table5.md").read_text()

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
    cells, text = make()
    own = cells["without_smooth"]
    expected = np.mean([line["value"] for line in scores()
                        if (line["row"], line["metric"]) == ("without_smooth", "colorful")])  # fmt: skip
    assert float(own["colorful"]) == pytest.approx(expected, rel=1e-5)
    assert float(own["colorful_low"]) < expected < float(own["colorful_high"])
    assert (own["n_images"], own["steps_trained"], own["fid"]) == ("12", "300", "4.5")
    assert "flicker" not in text and "clip was scored" not in text


def test_the_papers_numbers_stand_below_each_row(make):
    lines = [line for line in make()[1].splitlines() if line.startswith("|")]
    names = [line.split("|")[1].strip() for line in lines[2:]]
    assert names == [
        "without_smooth", "*paper: w/o smooth*", "without_adv", "*paper: w/o adv*", "ours", "*paper: Full*",
    ]  # fmt: skip
    assert "(full)" in lines[6]
    assert [cell.strip() for cell in lines[3].split("|")[2:7]] == ["", "85.28", "64.48", "4.12", "17.12"]


def test_differences_to_full_that_may_be_chance_are_marked(make):
    text = make()[1]
    shown = {line.split("|")[1].strip(): line.split("|")[6] for line in text.splitlines() if line.startswith("|")}
    assert "†" in shown["without_adv"] and "†" not in shown["without_smooth"] and "†" not in shown["ours"]
    assert "no significant difference to ours" in text and "colourfulness: n = 12, 2 rows" in text
    assert "each row is one training with one seed" in text


def test_every_known_difference_to_the_paper_is_named(make):
    text = make()[1]
    assert "Every row learned from 2 clips and 1 photographs (the paper: 768 clips and 70,000 photographs)" in text
    assert "width 0.25 (1); steps 300 (22110); adversarial_from 160 (4422); weight of perceptual 0.1 (0.001)." in text
    assert "are no repetition of the paper's" in text
    assert "EfficientNet-Lite0, a stand-in for the paper's VGG19" in text


def test_the_papers_own_training_differs_in_nothing(tmp_path):
    write_table([], tmp_path / "none.parquet", CLIPS)
    table = tmp_path / "none.parquet"
    notes = table5.notes_on_differences(TrainSettings(workers=8), table, table, 10_000)
    assert len(notes) == 1 and "0 clips" in notes[0]


def test_the_note_says_how_long_the_adversarial_loss_counted(make):
    assert "The adversarial loss counts in the last 140 of 300 steps." in make()[1]
    late = {name: own | {"adversarial_from": 300} for name, own in TRAININGS.items()}
    assert "counts from step 300 and training ends at 300: no row ever met it." in make(trainings=late)[1]


def test_a_checkpoint_from_before_the_adversarial_loss_is_owned_up_to(make):
    said = "from before that for ours (step 120): these models have not met the adversarial loss"
    assert said not in make()[1]
    # without_adv is not named: it never meets that loss.
    assert said in make({"ours": {"best_step": 120}, "without_adv": {"best_step": 120}})[1]


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
