"""Table 1: averages, empty cells, and what the notes have to say."""

import csv
import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from bench.tables import table1
from bench.tables.notes import reasons
from media.tables import COLORIZED, SCORES, write_table

ROWS = {
    "ground_truth": {"precomputed": "{results}/{kind}/test"},
    "grey": {},
    "copy_first": {},
    "ours": {"training": "ours"},
}
SUMMARY = {
    "steps": 300,
    "width": 0.25,
    "best_step": 200,
    "validation_step0": 0.5,
    "validation_best": 0.4,
    "improved": True,
}
ALIGNED = {"matching": "context", "history": "aligned", "output": "gated"}


def image_rows(row: str, colorful: list[float], top1: list[float], fid: float) -> list[dict]:
    values = [("colorful", colorful), ("top1", top1), ("top5", [100] * len(top1))]
    lines = [
        {"row": row, "kind": "images", "metric": metric, "item": f"image_{index}", "value": float(value)}
        for metric, each in values
        for index, value in enumerate(each)
    ]
    return [*lines, {"row": row, "kind": "images", "metric": "fid", "value": fid}]


def clip_rows(row: str, flicker: dict[str, list[float]]) -> list[dict]:
    return [
        {"row": row, "kind": "clips", "metric": "flicker_rms", "item": clip, "frame": frame, "value": float(value)}
        for clip, values in flicker.items()
        for frame, value in enumerate(values)
    ]


@pytest.fixture
def make(tmp_path, capsys):
    """A function that writes the tables; returns the CSV's cells by row, the Markdown and what was printed."""
    scores = [
        *image_rows("ground_truth", [10, 30], [100, 0], 0.0),
        *clip_rows("ground_truth", {"a": [1, 2, 3], "b": [4]}),
        *image_rows("grey", [0.01, 0.03], [0, 0], 20.5),
        *clip_rows("grey", {"a": [0, 0, 0], "b": [0]}),
        *clip_rows("copy_first", {"a": [6, 6, 6], "b": [6]}),
        *image_rows("ours", [15], [100], 3.25),
    ]
    results = {row: [{"item": "a", "kind": "clips", "n_frames": 4}] for row in ROWS}
    results["ours"] = [
        {"item": item, "kind": "clips", "n_frames": 0, "reason": "method_raised", "detail": "ValueError: too dark"}
        for item in ("a", "b")
    ]

    def call(summary: dict = SUMMARY, scores: list[dict] = scores, **changes):
        (tmp_path / "ours").mkdir(exist_ok=True)
        (tmp_path / "ours/summary.json").write_text(json.dumps(summary))
        write_table(scores, tmp_path / "scores.parquet", SCORES)
        for row, items in results.items():
            write_table(items, tmp_path / f"{row}.parquet", COLORIZED)
        arguments = {
            "scores": [tmp_path / "scores.parquet"],
            "clips": tmp_path / "clips.parquet",
            "clips_of": [],
            "colorized": [tmp_path / f"{row}.parquet" for row in ROWS],
            "rows": list(ROWS),
            "methods": json.dumps(ROWS),
            "summaries": [tmp_path / "ours/summary.json"],
            "checkpoints": "{}",
            "backbone": "efficientnet_lite0",
            "classifier": "efficientnet_lite0",
            "fid_features": "efficientnet_lite0",
            "flow": "dis",
            "scoring_flow": "farneback",
            "seed": 0,
            "csv": tmp_path / "table1.csv",
            "markdown": tmp_path / "table1.md",
        }
        table1.main(**(arguments | changes))
        with open(tmp_path / "table1.csv") as file:
            cells = {line["method"]: line for line in csv.DictReader(file)}
        return cells, (tmp_path / "table1.md").read_text(), capsys.readouterr().out

    return call


def test_columns_and_order(make):
    cells, _, _ = make()
    expected = (
        "method,top5,top1,fid,colorful,flicker,flicker_plus,n_images,n_clips,classifier,fid_features,steps_trained,"
        "samples_trained,"
        "top5_low,top5_high,top1_low,top1_high,colorful_low,colorful_high,flicker_low,flicker_high"
    )
    assert list(cells) == list(ROWS)
    assert ",".join(cells["grey"]) == expected


def test_averages(make):
    cells, _, _ = make()
    truth = cells["ground_truth"]
    assert (truth["top1"], truth["top5"], truth["fid"], truth["colorful"]) == ("50", "100", "0", "20")
    assert truth["flicker"] == "3"  # (mean(1, 2, 3) + 4) / 2: pairs, then clips
    assert (truth["n_images"], truth["n_clips"]) == ("2", "2")
    assert truth["classifier"] == truth["fid_features"] == "efficientnet_lite0"


def test_zero_is_a_score_and_absence_is_empty(make):
    cells, _, _ = make()
    assert cells["grey"]["flicker"] == "0" and cells["grey"]["top1"] == "0"
    copied = cells["copy_first"]
    for column in ("top5", "top1", "fid", "colorful", "n_images", "classifier", "fid_features"):
        assert copied[column] == "", column
    assert copied["flicker"] == "6" and copied["n_clips"] == "2"
    assert all(line["flicker_plus"] == "" for line in cells.values())
    # `ours` does clips but every one failed: a count of 0, and no score.
    assert (cells["ours"]["n_clips"], cells["ours"]["flicker"]) == ("0", "")


PLUS = [
    *clip_rows("ground_truth", {"a": [1, 2, 3], "b": [4]}),
    *clip_rows("ours", {"a": [6, 6, 6], "b": [6]}),
    *clip_rows("ours+lai2018", {"a": [3, 3, 3], "b": [6]}),
    *clip_rows("copy_first+lai2018", {"a": [1, 1, 1], "b": [1]}),
]


def test_flicker_after_a_post_processor_is_a_column_and_no_row(make):
    plus = {"method": "lai2018", "training": "ours"}
    cells, text, _ = make(SUMMARY | {"recolored": ["ours"]}, PLUS, plus=json.dumps(plus))
    assert list(cells) == list(ROWS)
    assert (cells["ours"]["flicker_plus"], cells["copy_first"]["flicker_plus"]) == ("4.5", "1")
    assert cells["grey"]["flicker_plus"] == ""
    line = next(line for line in text.splitlines() if line.startswith("| ours "))
    assert "4.500‡" in line and "1.500" in line  # ours, and over the 3 of ground truth
    assert "‡: lai2018 was trained on what these rows make of the training clips, ours" in text
    assert "5.690" not in text and "names no post-processor" not in text


def test_the_budget_of_a_training_is_steps_times_batch(make):
    cells, _, _ = make(SUMMARY | {"batch": 4})
    assert (cells["ours"]["samples_trained"], cells["grey"]["samples_trained"]) == ("1200", "")
    cells, _, _ = make(SUMMARY | {"settings": {"batch": 2}})  # as the metadata of a checkpoint have it
    assert cells["ours"]["samples_trained"] == "600"


def test_the_table_says_which_trained_rows_are_nearer_to_the_truth_than_grey(make):
    def ab(row, values):
        return [
            {"row": row, "kind": "clips", "metric": "psnr_ab", "item": item, "frame": frame, "value": float(each)}
            for item, value in zip("ab", values, strict=True)
            for frame, each in enumerate([99, value])  # the first frame does not count
        ]

    _, text, _ = make(scores=[*ab("grey", [20, 22]), *ab("ours", [23, 20])])
    assert "grey has 21.00. Trained rows above it: ours (21.50); not above it: none." in text
    _, text, _ = make(scores=[*ab("grey", [20, 22]), *ab("ours", [21, 21])])
    assert "above it: none; not above it: ours (21.00)." in text
    assert "Why ours: the reference is another picture" in text and "first frame instead" not in text


def test_why_rows_that_learned_are_below_grey():
    options = {
        "ours": {"training": "ours"},
        "zhang2016": {"training": "zhang"},
        "first": {"method": "ours", "training": "ours", "given": {"clips": ["first_frame"]}},
        "other": {"method": "ours", "training": "longer", "given": {"clips": ["first_frame"]}},
    }
    mean = {"ours": 19.0, "zhang2016": 20.0, "first": 30.0, "other": 40.0}
    of_references, of_blind = reasons(["ours", "zhang2016"], options, mean)
    assert of_references.startswith("Why ours: the reference is") and of_references.endswith("instead: first (30.00).")
    assert of_blind.startswith("Why zhang2016: they see luminance alone")
    (of_first,) = reasons(["first"], options, mean)
    assert of_first.startswith("Why first: not for lack of colours")
    assert list(reasons([], options, mean)) == []


def test_steps_only_where_something_was_trained(make):
    cells, _, _ = make()
    assert {row: line["steps_trained"] for row, line in cells.items()} == {
        "ground_truth": "",
        "grey": "",
        "copy_first": "",
        "ours": "300",
    }


def test_papers_rows_stand_beside_ours(make):
    _, text, printed = make()
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    names = [line[0] for line in lines[2:]]
    assert names == ["ground_truth", "*paper: GT*", "grey", "copy_first", "ours", "*paper: Ours*"]
    shown = {line[0]: dict(zip(lines[0], line, strict=True)) for line in lines[2:]}
    assert shown["*paper: Ours*"]["Fréchet"] == "4.02"
    assert shown["*paper: Ours*"]["flicker"] == "" and shown["*paper: Ours*"]["flicker / ground truth"] == "1.119"
    assert shown["copy_first"]["flicker / ground truth"] == "2.000" and shown["copy_first"]["Fréchet"] == ""
    assert printed.strip() == text.strip()


def test_notes_name_the_stand_ins(make):
    _, text, _ = make()
    expected = (
        "Fréchet distance on EfficientNet-Lite0 features, n = 2: a check of the machinery, not comparable with 4.02."
    )
    assert expected in text
    assert "EfficientNet-Lite0, a stand-in for the paper's VGG19" in text
    assert "with the flow of Farneback, a stand-in" in text and "in their favour" not in text


def test_notes_name_what_failed(make):
    _, text, _ = make()
    assert "ours: no result for a, b (clips): method_raised (ValueError: too dark)" in text


def test_notes_say_when_training_made_it_worse(make):
    worse = SUMMARY | {"improved": False}
    assert "worse than step 0" not in make()[1]
    assert "Training `ours` (ours): 300 steps" in make(worse)[1]
    assert "training made validation worse than step 0" in make(worse)[1]


def test_notes_call_an_extension_by_its_name(make):
    paper = {"protocol": "release", "matching": "subnet", "history": "previous", "output": "direct"}
    assert "extension" not in make(SUMMARY | paper)[1]
    said = "An extension, not the paper's model: history aligned, output gated."
    assert said in make(SUMMARY | paper | {"history": "aligned", "output": "gated"})[1]


@pytest.fixture
def checkpoints(tmp_path):
    """Two files of one name in two folders, each with the summary of its training, by what rows call them."""
    paths = {}
    for folder, steps in (("weights", 7000), ("elsewhere", 50)):
        (tmp_path / folder).mkdir()
        path = paths[f"{folder}/model.safetensors"] = str(tmp_path / folder / "model.safetensors")
        summary = {"backbone": "efficientnet_lite0"} | SUMMARY | ALIGNED | {"steps": steps}
        save_file({"x": np.zeros(1)}, path, metadata={name: json.dumps(value) for name, value in summary.items()})
    return paths


def test_rows_of_a_checkpoint_file_say_how_it_was_trained(make, checkpoints):
    rows = ROWS | {
        "shipped": {"method": "ours", "checkpoint": "weights/model.safetensors"},
        "shipped_first": {"method": "ours", "checkpoint": "weights/model.safetensors"},
        "other": {"method": "ours", "checkpoint": "elsewhere/model.safetensors"},
    }
    cells, text, _ = make(rows=list(rows), methods=json.dumps(rows), checkpoints=json.dumps(checkpoints))
    steps = {row: cells[row]["steps_trained"] for row in ("ours", "shipped", "shipped_first", "other")}
    assert steps == {"ours": "300", "shipped": "7000", "shipped_first": "7000", "other": "50"}
    assert "Training `weights/model.safetensors` (shipped, shipped_first): 7000 steps at 0.25" in text
    assert "Training `elsewhere/model.safetensors` (other): 50 steps" in text
    assert "An extension, not the paper's model: matching context, history aligned, output gated." in text


def test_notes_name_rows_graded_with_their_own_flow(make):
    rows = ROWS | {"fusion": {}}
    changes = {"rows": list(rows), "methods": json.dumps(rows), "flow": "farneback"}
    assert "in their favour: fusion" in make(**changes)[1]


def test_papers_own_networks_are_no_stand_ins(make):
    _, text, _ = make(
        backbone="vgg19",
        classifier="vgg19_classifier",
        fid_features="inception",
        flow="ptlflow:flownet2",
        scoring_flow="ptlflow:flownet2",
    )
    assert "stand-in" not in text and "check of the machinery" not in text


def shown_cells(text: str) -> dict[str, dict[str, str]]:
    """The cells of the Markdown, by row and heading."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return {line[0]: dict(zip(lines[0], line, strict=True)) for line in lines[2:]}


def test_intervals_are_over_items(make):
    cells, text, _ = make()
    truth = cells["ground_truth"]
    # Two items: a quarter of the draws has one of them twice, a quarter the other.
    assert (truth["colorful_low"], truth["colorful_high"]) == ("10", "30")
    assert (truth["flicker_low"], truth["flicker_high"]) == ("2", "4")  # of the clips' means, not of their pairs
    assert cells["ours"]["colorful_low"] == "" and cells["ours"]["flicker_high"] == ""  # one image, no clip
    shown = shown_cells(text)
    assert shown["ground_truth"]["colourfulness"] == "20.00 [10.00, 30.00]"
    assert shown["ours"]["colourfulness"] == "15.00" and "percentile bootstrap over images or clips" in text


def test_values_of_other_kinds_do_not_count(make):
    """Clips have colourfulness too, which is not Table 1's."""
    scores = [
        *image_rows("grey", [10, 30], [0, 0], 2.0),
        *clip_rows("grey", {"a": [1]}),
        {"row": "grey", "kind": "clips", "metric": "colorful", "item": "a", "frame": 0, "value": 99.0},
    ]
    cells, _, _ = make(scores=scores)
    assert (cells["grey"]["colorful"], cells["grey"]["n_images"]) == ("20", "2")


@pytest.fixture
def twelve():
    """Twelve images: `grey` is clearly below `ours`, `ground_truth` above and below it."""
    rng = np.random.default_rng(0)
    ours = rng.uniform(10, 20, 12)
    rows = {"ours": ours, "grey": ours - rng.uniform(4, 6, 12), "ground_truth": ours + rng.permutation([-1, 1] * 6)}
    lines = [image_rows(row, list(values), [100] * 12, 1.0) for row, values in rows.items()]
    return [line for of_row in lines for line in of_row]


def test_daggers_mark_what_may_be_chance(make, twelve):
    text = make(scores=twelve)[1]
    shown = {row: cells["colourfulness"].partition(" ")[0] for row, cells in shown_cells(text).items()}
    assert shown["ground_truth"].endswith("†")
    assert not shown["grey"].endswith("†") and not shown["ours"].endswith("†")
    assert "†: no significant difference to ours" in text and "colourfulness: n = 12, 2 rows" in text


def test_the_first_row_is_the_baseline_without_ours(make, twelve):
    rows = {row: ROWS[row] for row in ("grey", "ground_truth")}
    text = make(scores=twelve, rows=list(rows), methods=json.dumps(rows))[1]
    assert "no significant difference to grey" in text and "colourfulness: n = 12, 1 rows" in text


def test_rows_with_other_items_are_not_compared(make, twelve):
    scores = [line for line in twelve if (line["row"], line.get("item")) != ("grey", "image_3")]
    text = make(scores=scores)[1]
    assert "colourfulness: not compared with ours, having other items: grey." in text
    assert "colourfulness: n = 12, 1 rows" in text


def test_few_clips_have_a_note_and_no_dagger(make):
    scores = [
        line for row, value in (("ours", 3), ("grey", 0)) for line in clip_rows(row, {"a": [value], "b": [value]})
    ]
    text = make(scores=scores)[1]
    assert "flicker: with n = 2, no difference to ours can be significant among 1 compared rows" in text
    assert "†" not in text
