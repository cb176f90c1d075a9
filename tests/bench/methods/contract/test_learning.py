"""Rows with networks of their own: each learns by the one loop, is saved, and colours as its training saw it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.methods.contract.learning import load_trained
from bench.methods.contract.method import Given
from bench.methods.contract.rows import load, names
from bench.methods.contract.trained import Trained
from bench.run.train import main
from colorize.checkpoint import MisfitWeights, metadata
from media.flow_files import FlowBack
from media.tables import CLIPS, FLOW, write_table

LEARNING = [name for name in names() if isinstance(load(name, {}), Trained) and name != "lai2018"]
SETTINGS = {
    "width": 0.125, "frame": [48, 64], "crop": [48, 64], "steps": 2, "batch": 2, "validate_every": 2,
    "validation_pairs": 1, "threads": 1,
}  # fmt: skip


@pytest.fixture
def train(world, tmp_path):
    """Trains a method on the small world's images, or on its clips; returns the folder of the training."""
    rows = [{"clip": name, "n_pairs": len(frames) - 1} for name, frames in world.clips.items()]
    write_table(rows, world.root / "flow/test.parquet", FLOW)
    write_table([], tmp_path / "none.parquet", CLIPS)

    def run(method, clips=False, recolored=(), **changes):
        main(
            settings=json.dumps({"method": method, **SETTINGS, **changes}),
            clips=world.root / "clips/test.parquet" if clips else tmp_path / "none.parquet",
            flow=world.root / "flow/test.parquet",
            clip_references=world.root / "references/clips/test.parquet",
            photos=world.root / "images/test.parquet",
            photo_references=world.root / "references/images/test.parquet",
            validation=world.root / "images/test.parquet",
            recolored=recolored,
            backbone="efficientnet_lite0",
            weights=tmp_path,
            seed=0,
            out=tmp_path / method,
        )
        return tmp_path / method

    return run


@pytest.mark.parametrize("name", LEARNING)
def test_learns_by_the_one_loop(name, train, setting, toy_lab, toy_given):
    out = train(name)
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["method"], summary["steps"], summary["batch"]) == (name, 2, 2)
    assert summary["validation_best"] != summary["validation_step0"]
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "total" in line] == [1, 2]
    method = load(name, {}, replace(setting, checkpoint=out / "model.safetensors"))
    assert len(list(method.colorize(iter(toy_lab[..., 0]), toy_given))) == len(toy_lab)


def test_larsson2016_learns_from_crops_of_any_multiple_of_8(train):
    out = train("larsson2016", crop=[40, 56])
    assert (out / "model.safetensors").exists()


def test_a_regression_fits_one_picture(train):
    """The loop really lowers what is validated: one photograph, seen often enough, is learned."""
    summary = json.loads(
        (train("zhang2017", steps=60, learning_rate=3e-3, validate_every=60) / "summary.json").read_text()
    )
    assert summary["improved"] and summary["validation_best"] < 0.9 * summary["validation_step0"]


def test_lai2018_learns_on_what_rows_made(train, colored):
    """It starts by changing nothing, which Adam's first steps throw away; from there it gets better."""
    options = {"clips": True, "recolored": (colored("welsh2002"),), "sequence": 3, "photo_share": 0, "width": 0.25}
    out = train("lai2018", **options, steps=30, validate_every=10, learning_rate=1e-4)
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    first, *_, last = [line["validation"] for line in lines if line.get("step", 0) > 0 and "validation" in line]
    assert last < first
    assert json.loads((out / "summary.json").read_text())["validated"] == "of its own losses"
    with pytest.raises(ValueError, match="`recolored: "):
        train("lai2018", clips=True, sequence=3, photo_share=0)


def test_keys_of_the_papers_model_are_refused(train):
    with pytest.raises(ValueError, match="zhang2016 has the key 'adversarial_from'"):
        train("zhang2016", adversarial_from=3)


def test_a_model_of_another_method_is_refused(model_of, setting):
    path = model_of("zhang2017").checkpoint
    with pytest.raises(MisfitWeights, match="a model of the method 'zhang2017', expected one of 'stn2018'"):
        load_trained(load("stn2018", {}, setting), path)
    assert metadata(path)["method"] == "zhang2017"


def test_without_a_model_a_row_says_what_it_needs(setting):
    for name in LEARNING:
        why = load(name, {}, setting).skip()
        assert "training: <name>" in why
    assert "siggraph17-df00044c.pth" in load("zhang2017", {}, setting).skip()


def test_a_post_processor_leaves_the_first_frame(model_of, toy_lab):
    method = load("grey+lai2018", {}, model_of("lai2018"))
    given = Given("clips", "toy", processed=iter(toy_lab[..., 1:]))
    first, *others = method.colorize(iter(toy_lab[..., 0]), given)
    np.testing.assert_allclose(first, toy_lab[0, ..., 1:], atol=0.1)
    assert len(others) == len(toy_lab) - 1


def test_a_propagator_keeps_the_colours_of_a_still_clip_apart(model_of, toy_lab):
    """vpn2017's stage 0 alone carries the given colours: a still frame keeps them nearly."""
    from bench.methods.vpn2017 import ab_of, cbcr

    lab = torch.from_numpy(toy_lab[:1].transpose(0, 3, 1, 2).copy())
    back = ab_of(lab[:, :1], cbcr(lab))
    assert (back - lab[:, 1:]).abs().mean() < 4  # the grey picture's luma is not quite the coloured one's


def test_zhang2017_takes_hints_for_the_first_frame(model_of, toy_lab):
    method = load("zhang2017", {"given": {"clips": ["hints"]}}, model_of("zhang2017"))
    assert method.given == {"clips": ("hints",)}
    torch.nn.init.normal_(method.model.model_out[0].weight, std=0.1)  # untrained, it knows only grey
    hints = np.dstack([toy_lab[0, ..., 1:], np.ones(toy_lab.shape[1:3], np.float32)])
    results = [
        list(method.colorize(iter(toy_lab[:2, ..., 0]), Given("clips", "toy", hints=given))) for given in (hints, None)
    ]
    assert np.abs(results[0][0] - results[1][0]).max() > 0.01
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_zhang2017_follows_the_first_frame(model_of, toy_lab, monkeypatch):
    """Its hints are the first frame's colours where the flow says that they are now, until they are lost from sight."""
    method = load("zhang2017", {"given": {"clips": ["first_frame", "flow"]}}, model_of("zhang2017"))
    shape = toy_lab.shape[1:3]
    from_the_right, seen, lost = np.float32([1, 0]), np.ones(shape, bool), np.ones(shape, bool)
    lost[:, :20] = False
    flow = [FlowBack(np.broadcast_to(from_the_right, (*shape, 2)), visible) for visible in (seen, lost, seen)]
    hints = []
    monkeypatch.setattr(method, "colored", lambda luminance, given: hints.append(given) or toy_lab[0, ..., 1:])
    given = Given("clips", "toy", first_frame=toy_lab[0], flow=iter(flow))
    results = list(method.colorize(iter(toy_lab[:4, ..., 0]), given))
    np.testing.assert_array_equal(results[0], toy_lab[0, ..., 1:])
    for step, (found, visible) in enumerate(zip(hints, (seen, lost, seen), strict=True), start=1):
        known = visible & (np.arange(shape[1]) < shape[1] - step)
        if step == 3:  # what was not seen in frame 2 has moved
            known &= np.arange(shape[1]) >= 19
        np.testing.assert_array_equal(found[..., 2] > 0, known)
        rows, columns = np.nonzero(known)
        np.testing.assert_allclose(found[rows, columns, :2], toy_lab[0, rows, columns + step, 1:], atol=1e-4)


def test_zhang2017_needs_the_flow_with_a_first_frame():
    with pytest.raises(ValueError, match=r"clips: first_frame follows the flow; write \[first_frame, flow\]"):
        load("zhang2017", {"given": {"clips": ["first_frame"]}})
