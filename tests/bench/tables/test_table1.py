"""Table 1: averages, empty cells, and what the notes have to say."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from bench.tables import table1
from bench.tables.notes import notes_on_failures, reasons
from media.document import Cell, Document, Note, read
from media.tables import CLIPS, COLORIZED, SCORES, write_table

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


def kinds(table: Document) -> list[str]:
    return [note.kind for note in table.notes]


def note(table: Document, kind: str) -> Note:
    """The one note of a kind."""
    (found,) = [note for note in table.notes if note.kind == kind]
    return found


def row_of(table: Document, method: str) -> dict[str, Cell]:
    """The cells of a row of ours."""
    (found,) = [row.cells for row in table.rows if row.kind == "result" and row.cells["method"].value == method]
    return found


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
def make(tmp_path, choices, capsys):
    """A function that writes the table; returns the CSV's cells by row, and the document."""
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

    def call(summary: dict = SUMMARY, scores: list[dict] = scores, chosen: dict | None = None, **changes):
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
            "choices": choices(**chosen or {}),
            "seed": 0,
            "csv": tmp_path / "table1.csv",
            "markdown": tmp_path / "table1.md",
            "json": tmp_path / "table1.json",
        }
        table1.main(**(arguments | changes))
        with open(tmp_path / "table1.csv") as file:
            cells = {line["method"]: line for line in csv.DictReader(file)}
        assert capsys.readouterr().out.strip() == (tmp_path / "table1.md").read_text().strip()
        return cells, read(tmp_path / "table1.json")

    return call


def test_columns_and_order(make):
    cells, _ = make()
    expected = (
        "method,top5,top1,fid,colorful,flicker,flicker_plus,n_images,n_clips,classifier,fid_features,steps_trained,"
        "samples_trained,"
        "top5_low,top5_high,top1_low,top1_high,colorful_low,colorful_high,flicker_low,flicker_high"
    )
    assert list(cells) == list(ROWS)
    assert ",".join(cells["grey"]) == expected


def test_averages(make):
    cells, _ = make()
    truth = cells["ground_truth"]
    assert (truth["top1"], truth["top5"], truth["fid"], truth["colorful"]) == ("50", "100", "0", "20")
    assert truth["flicker"] == "3"  # (mean(1, 2, 3) + 4) / 2: pairs, then clips
    assert (truth["n_images"], truth["n_clips"]) == ("2", "2")
    assert truth["classifier"] == truth["fid_features"] == "efficientnet_lite0"


def test_zero_is_a_score_and_absence_is_empty(make):
    cells, _ = make()
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
    cells, table = make(SUMMARY | {"recolored": ["ours"]}, PLUS, plus=json.dumps(plus))
    assert list(cells) == list(ROWS)
    assert (cells["ours"]["flicker_plus"], cells["copy_first"]["flicker_plus"]) == ("4.5", "1")
    assert cells["grey"]["flicker_plus"] == ""
    ours = row_of(table, "ours")
    assert (ours["flicker_plus"].value, ours["flicker_plus"].mark) == (4.5, "‡")
    assert ours["flicker_plus_ratio"].value == 1.5  # over the 3 of ground truth
    assert note(table, "not blind").rows == ("ours",) and "lai2018" in note(table, "not blind").text
    assert "no post-processor" not in kinds(table)
    assert all("flicker_plus" not in row.cells for row in table.rows if row.kind == "paper")


def test_the_budget_of_a_training_is_steps_times_batch(make):
    cells, _ = make(SUMMARY | {"batch": 4})
    assert (cells["ours"]["samples_trained"], cells["grey"]["samples_trained"]) == ("1200", "")
    cells, _ = make(SUMMARY | {"settings": {"batch": 2}})  # as the metadata of a checkpoint have it
    assert cells["ours"]["samples_trained"] == "600"


def test_the_table_says_which_trained_rows_are_nearer_to_the_truth_than_grey(make):
    def ab(row, values):
        return [
            {"row": row, "kind": "clips", "metric": "psnr_ab", "item": item, "frame": frame, "value": float(each)}
            for item, value in zip("ab", values, strict=True)
            for frame, each in enumerate([99, value])  # the first frame does not count
        ]

    _, table = make(scores=[*ab("grey", [20, 22]), *ab("ours", [23, 20])])
    said = note(table, "beside grey")
    assert said.rows == ("ours",) and "grey has 21.00" in said.text and "above it: ours (21.50);" in said.text
    assert not any(kind.startswith("below grey") for kind in kinds(table))
    _, table = make(scores=[*ab("grey", [20, 22]), *ab("ours", [21, 21])])
    assert "not above it: ours (21.00)" in note(table, "beside grey").text
    assert note(table, "below grey: other reference").rows == ("ours",)  # and no twin with the first frame


def test_why_rows_that_learned_are_below_grey():
    options = {
        "ours": {"training": "ours"},
        "zhang2016": {"training": "zhang"},
        "first": {"method": "ours", "training": "ours", "given": {"clips": ["first_frame"]}},
        "other": {"method": "ours", "training": "longer", "given": {"clips": ["first_frame"]}},
    }
    mean = {"ours": 19.0, "zhang2016": 20.0, "first": 30.0, "other": 40.0}
    of_references, of_blind = reasons(["ours", "zhang2016"], options, mean)
    assert (of_references.kind, of_references.rows) == ("below grey: other reference", ("ours", "first"))
    assert "first (30.00)" in of_references.text
    assert (of_blind.kind, of_blind.rows) == ("below grey: luminance alone", ("zhang2016",))
    (of_first,) = reasons(["first"], options, mean)
    assert (of_first.kind, of_first.rows) == ("below grey: first frame", ("first",))
    assert list(reasons([], options, mean)) == []


def test_steps_only_where_something_was_trained(make):
    cells, _ = make()
    assert {row: line["steps_trained"] for row, line in cells.items()} == {
        "ground_truth": "",
        "grey": "",
        "copy_first": "",
        "ours": "300",
    }


def test_papers_rows_stand_beside_ours(make):
    _, table = make()
    names = [(row.cells["method"].value, row.kind) for row in table.rows]
    assert names == [
        ("ground_truth", "result"), ("GT", "paper"), ("grey", "result"), ("copy_first", "result"), ("ours", "result"),
        ("Ours", "paper"),
    ]  # fmt: skip
    papers = table.rows[-1].cells
    assert papers["fid"].value == 4.02 and "flicker" not in papers
    assert papers["flicker_ratio"].value == pytest.approx(5.84 / 5.22)
    copied = row_of(table, "copy_first")
    assert copied["flicker_ratio"].value == 2 and "fid" not in copied


def test_columns_say_what_their_numbers_are(make):
    _, table = make()
    said = {column.name: (column.unit, column.direction) for column in table.columns}
    assert said["top1"] == ("per cent", "up") and said["colorful"] == ("Lab units", "near ground truth")
    assert said["flicker_ratio"] == ("", "down")
    assert {column.name for column in table.columns if column.only} == {
        "flicker_ratio", "flicker_plus", "classifier", "fid_features",
    }  # fmt: skip


def test_notes_name_the_stand_ins(make):
    _, table = make()
    for kind, chosen, papers in [
        ("choices", "EfficientNet-Lite0", "VGG19"),
        ("classifier", "EfficientNet-Lite0", "VGG19"),
        ("fid", "EfficientNet-Lite0", "4.02"),
        ("flicker", "Farneback", "FlowNet2"),
    ]:
        assert chosen in note(table, kind).text and papers in note(table, kind).text
    assert "n = 2" in note(table, "fid").text and "graded by themselves" not in kinds(table)


def test_notes_name_what_failed(make):
    _, table = make()
    said = note(table, "failure")
    assert said.rows == note(table, "lacking items").rows == ("ours",)
    assert all(what in said.text for what in ("a, b", "clips", "method_raised", "ValueError: too dark"))


def test_notes_say_when_training_made_it_worse(make):
    worse = SUMMARY | {"improved": False}
    assert "training made it worse" not in kinds(make()[1])
    said = note(make(worse)[1], "training made it worse")
    assert said.rows == ("ours",) and "300 steps" in said.text


def test_notes_call_an_extension_by_its_name(make):
    paper = {"protocol": "release", "matching": "subnet", "history": "previous", "output": "direct"}
    assert "extension" not in note(make(SUMMARY | paper)[1], "training").text
    said = note(make(SUMMARY | paper | {"history": "aligned", "output": "gated"})[1], "training").text
    assert said.partition("extension")[2].endswith(": history aligned, output gated.")


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
    cells, table = make(rows=list(rows), methods=json.dumps(rows), checkpoints=json.dumps(checkpoints))
    steps = {row: cells[row]["steps_trained"] for row in ("ours", "shipped", "shipped_first", "other")}
    assert steps == {"ours": "300", "shipped": "7000", "shipped_first": "7000", "other": "50"}
    _, shipped, other = (note for note in table.notes if note.kind == "training")
    assert shipped.rows == ("shipped", "shipped_first") and other.rows == ("other",)
    assert "`weights/model.safetensors`" in shipped.text and "7000 steps at 0.25" in shipped.text
    assert "`elsewhere/model.safetensors`" in other.text and "50 steps" in other.text
    assert shipped.text.endswith("matching context, history aligned, output gated.")


def test_notes_name_rows_graded_with_their_own_flow(make):
    rows = ROWS | {"fusion": {}}
    _, table = make(rows=list(rows), methods=json.dumps(rows), chosen={"flow": "farneback"})
    assert note(table, "graded by themselves").rows == ("fusion",)


def test_papers_own_networks_are_no_stand_ins(make):
    papers = {
        "backbone": "vgg19",
        "classifier": "vgg19_classifier",
        "fid_features": "inception",
        "flow": "ptlflow:flownet2",
        "scoring_flow": "ptlflow:flownet2",
    }
    _, table = make(chosen=papers)
    assert not [note.kind for note in table.notes if "stand-in" in note.text or "not comparable" in note.text]


def test_intervals_are_over_items(make):
    cells, table = make()
    truth = cells["ground_truth"]
    # Two items: a quarter of the draws has one of them twice, a quarter the other.
    assert (truth["colorful_low"], truth["colorful_high"]) == ("10", "30")
    assert (truth["flicker_low"], truth["flicker_high"]) == ("2", "4")  # of the clips' means, not of their pairs
    assert cells["ours"]["colorful_low"] == "" and cells["ours"]["flicker_high"] == ""  # one image, no clip
    assert row_of(table, "ground_truth")["colorful"] == Cell(value=20.0, low=10.0, high=30.0)
    assert row_of(table, "ours")["colorful"] == Cell(value=15.0) and "intervals" in kinds(table)


def test_values_of_other_kinds_do_not_count(make):
    """Clips have colourfulness too, which is not Table 1's."""
    scores = [
        *image_rows("grey", [10, 30], [0, 0], 2.0),
        *clip_rows("grey", {"a": [1]}),
        {"row": "grey", "kind": "clips", "metric": "colorful", "item": "a", "frame": 0, "value": 99.0},
    ]
    cells, _ = make(scores=scores)
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
    _, table = make(scores=twelve)
    marks = {row: row_of(table, row)["colorful"].mark for row in ("ground_truth", "grey", "ours")}
    assert marks == {"ground_truth": "†", "grey": "", "ours": ""}
    said = note(table, "no significant difference")
    assert said.rows == ("ours",) and "colourfulness: n = 12, 2 rows" in said.text


def test_the_first_row_is_the_baseline_without_ours(make, twelve):
    rows = {row: ROWS[row] for row in ("grey", "ground_truth")}
    said = note(make(scores=twelve, rows=list(rows), methods=json.dumps(rows))[1], "no significant difference")
    assert said.rows == ("grey",) and "colourfulness: n = 12, 1 rows" in said.text


def test_rows_with_other_items_are_not_compared(make, twelve):
    scores = [line for line in twelve if (line["row"], line.get("item")) != ("grey", "image_3")]
    _, table = make(scores=scores)
    left_out = next(note for note in table.notes if note.kind == "not compared" and "colourfulness" in note.text)
    assert left_out.rows == ("grey",)
    assert "colourfulness: n = 12, 1 rows" in note(table, "no significant difference").text


def test_few_clips_have_a_note_and_no_dagger(make):
    scores = [
        line for row, value in (("ours", 3), ("grey", 0)) for line in clip_rows(row, {"a": [value], "b": [value]})
    ]
    _, table = make(scores=scores)
    said = note(table, "too few to compare")
    assert said.rows == ("ours",) and "flicker: with n = 2" in said.text and "among 1 compared rows" in said.text
    assert not any(cell.mark for row in table.rows for cell in row.cells.values())


def test_notes_say_which_networks_are_published_and_which_were_trained_here(make):
    rows = ROWS | {"zhang2016": {}, "larsson2016": {"training": "ours"}}
    networks = {
        "zhang2016": {"published": "release.pth", "missing": ""},
        "larsson2016": {"published": "", "missing": "autocolorize.caffemodel.h5"},
        "grey+lai2018": {"published": "", "missing": "lai.pth"},
    }
    plus = json.dumps({"method": "lai2018", "training": "ours"})
    more = {"rows": list(rows), "methods": json.dumps(rows), "networks": json.dumps(networks), "plus": plus}
    _, table = make(**more)
    assert "zhang2016: release.pth" in note(table, "published networks").text
    said = note(table, "trained here").text
    assert "larsson2016 (autocolorize.caffemodel.h5 is not there)" in said and "+ (lai2018) (lai.pth is not" in said


def test_notes_say_which_networks_are_known_not_to_be_the_published_ones(make):
    rows = ROWS | {"zhang2016": {}, "zhang2017": {"training": "ours"}}
    altered = {"missing": "", "differs": "sha256 is 1234..., the published file has 9b33..."}
    networks = {"zhang2016": altered | {"published": "a.pth"}, "zhang2017": altered | {"published": ""}}
    more = {"rows": list(rows), "methods": json.dumps(rows), "networks": json.dumps(networks)}
    _, table = make(**more)
    assert "NOT the published one: zhang2016: a.pth (sha256 is 1234" in note(table, "not the published networks").text
    assert "zhang2017 (a file of that name is there, NOT the published one)" in note(table, "trained here").text
    assert all(one.kind != "published networks" for one in table.notes)


def test_notes_name_the_backbone_of_each_rows_own_checkpoint(make):
    _, table = make(chosen={"backbone": "vgg19", "own_backbones": {"ours": "efficientnet_lite0", "other": "vgg19"}})
    said = note(table, "choices").text
    assert "VGG19, the paper's own choice (ours: of EfficientNet-Lite0, a stand-in for the paper's VGG19)" in said
    assert "other" not in said


def test_notes_say_which_checkpoint_is_kept(make):
    assert "0.4 at step 200, the lowest, which is kept" in note(make()[1], "training").text
    last = SUMMARY | {"keep": "last", "kept_step": 300, "validation_kept": 0.45}
    assert "kept is that after the last step, 300, with 0.45" in note(make(summary=last)[1], "training").text


def test_the_published_model_has_a_note_and_no_steps(make, tmp_path):
    rows = ROWS | {"ours": {"checkpoint": "release"}}
    for name in ("nonlocal_net_iter_76000.pth", "colornet_iter_76000.pth"):
        (tmp_path / name).touch()
    more = {"methods": json.dumps(rows), "checkpoints": json.dumps({"release": str(tmp_path)})}
    cells, table = make(**more)
    assert "is the published model, nonlocal" in note(table, "published model").text
    assert "colornet_iter_76000.pth, on the features of VGG19" in note(table, "published model").text
    assert cells["ours"]["steps_trained"] == ""
    for name in ("nonlocal_net_iter_76001.pth", "colornet_iter_76001.pth"):
        (tmp_path / name).touch()
    assert "is a model in the release's files, not of the" in note(make(**more)[1], "published model").text
    _, table = make(**more | {"checkpoints": json.dumps({"release": str(tmp_path / "nowhere")})})
    assert "is not there" in note(table, "published model").text


def test_of_many_items_without_a_result_some_are_named():
    lines = [{"kind": "images", "item": f"i{k:03d}", "reason": "skipped", "detail": "no file"} for k in range(100)]
    failed = pd.concat([pd.DataFrame(lines)], keys=["mine"])
    (_, said) = notes_on_failures(failed)
    assert "i019, 80 more (images): skipped" in said.text


def test_notes_say_that_a_run_is_a_trial_and_that_a_set_has_fewer_items_than_are_wanted(make, tmp_path):
    clips = [{"clip": name, "dataset": "films", "source": f"{name}.mp4", "n_frames": 4} for name in "ab"]
    clips.append({"clip": "c", "dataset": "films", "source": "c.mp4", "n_frames": 0, "reason": "too_dark"})
    (tmp_path / "clips").mkdir()
    write_table(clips, tmp_path / "clips/test.parquet", CLIPS)
    chosen = {"trial": {"items": 2, "steps": 1}, "counts": {"clips/test": {"films": 3}}}
    _, document = make(chosen=chosen, clips=tmp_path / "clips/test.parquet")
    said = note(document, "fewer than wanted").text
    assert "clips/test: films: 2 items instead of 3; its draw of 3 files has no more that are fit" in said
    assert note(document, "choices").text.startswith("A TRIAL, of at most 2 files of a dataset in a set, 1 steps")
