"""ours and ours_first_frame: which reference goes to the trained model."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench.method import Setting, load


@pytest.fixture
def trained(monkeypatch, tmp_path) -> Setting:
    """A setting with a checkpoint, and a model whose colours are the reference's mean."""

    def load_colorizer(checkpoint, weights_dir):
        assert (checkpoint, weights_dir) == (tmp_path / "model.safetensors", tmp_path)
        return SimpleNamespace(colorize=colorize)

    def colorize(frames, reference):
        for luminance in frames:
            yield np.broadcast_to(reference[..., 1:].mean(axis=(0, 1)), (*luminance.shape, 2))

    monkeypatch.setitem(sys.modules, "colorize.inference", SimpleNamespace(load_colorizer=load_colorizer))
    return Setting(tmp_path, "efficientnet_lite0", tmp_path / "model.safetensors", seed=0)


@pytest.mark.parametrize(("row", "what"), [("ours", "reference"), ("ours_first_frame", "first_frame")])
def test_reference_of_each_row(trained, toy_lab, toy_given, row, what):
    method = load(row, {"method": row}, trained)
    assert method.skip() is None and method.given["clips"] == (what,)
    found = list(method.colorize(iter(toy_lab[..., 0]), toy_given))
    expected = getattr(toy_given, what)[..., 1:].mean(axis=(0, 1))
    np.testing.assert_allclose(found, np.broadcast_to(expected, (5, 48, 64, 2)), rtol=1e-6)


@pytest.mark.parametrize("row", ["ours", "ours_first_frame"])
def test_without_a_checkpoint_it_is_skipped(setting, row):
    assert "training" in load(row, {}, setting).skip()


def test_fit_is_the_papers_training(monkeypatch, setting):
    seen = []
    monkeypatch.setitem(sys.modules, "colorize.train", SimpleNamespace(train=lambda *args: seen.append(args)))
    load("ours", {}, setting).fit("data", {"width": 0.25, "steps": 3}, Path("out"))
    ((data, settings, *rest),) = seen
    assert data == "data" and (settings.width, settings.steps, settings.losses.l1) == (0.25, 3, 2.0)
    assert rest == [Path("out"), "efficientnet_lite0", setting.weights_dir, 0]
