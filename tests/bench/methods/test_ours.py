"""ours: what goes to the trained model in each kind of row, and that `fit` is the paper's training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from bench.methods.contract.rows import load
from bench.methods.ours import Ours
from colorize.inference.colorizer import load_colorizer
from media.flow_files import FlowBack

ROOT = Path(__file__).parents[3]
PROPAGATION = {"clips": ["first_frame", "flow"]}


@pytest.fixture(params=["trained", "trained_aligned"])
def setting_of_model(request):
    """A setting with the paper's model, and one with the model that takes its history aligned."""
    return request.getfixturevalue(request.param)


def row(setting, given=None):
    return load("ours_x", {"method": "ours", "training": "x"} | ({"given": given} if given else {}), setting)


def colored(method, lab, given):
    return list(method.colorize(iter(lab[..., 0]), given))


def test_what_a_row_is_given():
    assert row(None).given == {"clips": ("reference",), "images": ("reference",)}
    assert row(None, PROPAGATION).given == {"clips": ("first_frame", "flow")}
    assert Ours.given == {"clips": ("reference",), "images": ("reference",)}  # the class's own is untouched
    with pytest.raises(ValueError, match="Did you mean 'first_frame'"):
        row(None, {"clips": ["first_fram"]})


def test_a_reference_is_the_colorizers(setting_of_model, toy_lab, toy_given):
    given = replace(toy_given, first_frame=None, flow=None)
    found = colored(row(setting_of_model), toy_lab, given)
    colorizer = load_colorizer(setting_of_model.checkpoint, setting_of_model.weights_dir)
    np.testing.assert_array_equal(found, list(colorizer.colorize(iter(toy_lab[..., 0]), toy_given.reference)))
    assert np.abs(found).max() > 0


def test_the_first_frame_is_kept_and_goes_on(setting_of_model, toy_lab, toy_given):
    steps = list(toy_given.flow)
    found = colored(row(setting_of_model, PROPAGATION), toy_lab, replace(toy_given, reference=None, flow=iter(steps)))
    first = toy_given.first_frame
    np.testing.assert_array_equal(found[0], first[..., 1:])
    colorizer = load_colorizer(setting_of_model.checkpoint, setting_of_model.weights_dir)
    rest = list(colorizer.colorize(iter(toy_lab[1:, :, :, 0]), first, first, steps))
    np.testing.assert_array_equal(found[1:], rest)
    assert len(found) == len(toy_lab)


def test_the_given_motion_reaches_the_model_that_aligns(trained, trained_aligned, toy_lab, toy_given):
    steps = list(toy_given.flow)
    still = [FlowBack(0 * step.flow, step.visible) for step in steps]
    for setting, matters in ((trained, False), (trained_aligned, True)):
        method = row(setting, PROPAGATION)
        found = [colored(method, toy_lab, replace(toy_given, flow=iter(flow))) for flow in (steps, still)]
        assert (np.abs(np.subtract(*found)).max() > 0.1) == matters


def test_an_image_has_no_motion_to_be_given(setting_of_model, toy_lab, toy_given):
    given = replace(toy_given, kind="images", first_frame=None, flow=None)
    method = row(setting_of_model, {"clips": ["reference", "flow"], "images": ["reference"]})
    (ab,) = colored(method, toy_lab[:1], given)
    assert ab.shape == toy_lab.shape[1:3] + (2,)


def test_without_a_checkpoint_it_is_skipped(setting, trained):
    assert "`training: <name>` or `checkpoint: <file>`" in load("ours", {}, setting).skip()
    assert load("ours", {}, trained).skip() is None


def test_the_default_rows_ask_for_what_their_models_take():
    """Rows that propagate are given the first frame, and those of aligned models the flow."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    rows = {name: options for name, options in config["methods"].items() if name.startswith("ours")}
    assert len(rows) == 6
    for name, options in rows.items():
        given = load(name, {"method": "ours"} | options).given
        assert ("first_frame" in given["clips"]) == name.endswith("first_frame")
        assert ("flow" in given["clips"]) == ("aligned" in name or "shipped" in name)


def test_fit_refuses_a_setting_that_the_training_does_not_have(setting):
    with pytest.raises(ValidationError, match="stepps"):
        load("ours", {}, setting).fit(None, {"stepps": 3}, Path("out"))
