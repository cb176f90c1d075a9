"""ours and ours_first_frame: which reference goes to the trained model, and that `fit` is the paper's training."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from bench.rows import load
from colorize.inference import load_colorizer


@pytest.mark.parametrize(("row", "what"), [("ours", "reference"), ("ours_first_frame", "first_frame")])
def test_reference_of_each_row(trained, toy_lab, toy_given, row, what):
    method = load(row, {"method": row}, trained)
    assert method.skip() is None and method.given["clips"] == (what,)
    found = list(method.colorize(iter(toy_lab[..., 0]), toy_given))
    colorizer = load_colorizer(trained.checkpoint, trained.weights_dir)
    expected = list(colorizer.colorize(iter(toy_lab[..., 0]), getattr(toy_given, what)))
    np.testing.assert_array_equal(found, expected)
    assert np.abs(found).max() > 0


@pytest.mark.parametrize("row", ["ours", "ours_first_frame"])
def test_without_a_checkpoint_it_is_skipped(setting, row):
    assert "training" in load(row, {}, setting).skip()


def test_fit_refuses_a_setting_that_the_training_does_not_have(setting):
    with pytest.raises(ValidationError, match="stepps"):
        load("ours", {}, setting).fit(None, {"stepps": 3}, Path("out"))
