"""Inference: streaming, any size, and the recurrence of section 3.1."""

import numpy as np
import pytest
import torch

from colorize import checkpoint
from colorize.inference import Colorizer, load_colorizer
from colorize.model import ExemplarModel
from vision.backbones import load_backbone


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = ExemplarModel(load_backbone("efficientnet_lite0", "nowhere"), width=0.125)
    torch.nn.init.normal_(model.colorization.out.weight, std=0.05)
    return model.eval()


def lab(height, width, seed=0):
    return np.random.default_rng(seed).uniform(0, 60, (height, width, 3)).astype(np.float32)


@pytest.mark.parametrize("size", [(64, 96), (61, 83)])
def test_frames_are_taken_one_at_a_time_and_keep_their_size(model, size):
    taken = []

    def frames():
        for t in range(3):
            taken.append(t)
            yield lab(*size, seed=t)[..., 0]

    colored = Colorizer(model).colorize(frames(), lab(72, 80))
    first = next(colored)
    assert taken == [0] and first.shape == (*size, 2) and first.dtype == np.float32
    assert len(list(colored)) == 2


def test_the_last_coloured_frame_is_fed_back(model):
    frames = [lab(64, 96, seed=t)[..., 0] for t in range(2)]
    reference = lab(64, 96, seed=9)
    first, second = Colorizer(model).colorize(iter(frames), reference)
    last = np.concatenate([frames[0][..., None], first], axis=-1)
    (resumed,) = Colorizer(model).colorize(iter(frames[1:]), reference, last)
    np.testing.assert_allclose(resumed, second, atol=1e-5)
    (alone,) = Colorizer(model).colorize(iter(frames[1:]), reference)
    assert np.abs(alone - second).max() > 1e-3


def test_a_checkpoint_gives_the_same_colours(model, tmp_path):
    path = tmp_path / "model.safetensors"
    checkpoint.save(model, path, {"backbone": "efficientnet_lite0", "width": 0.125})
    frame, reference = lab(64, 96)[..., 0], lab(64, 96, seed=1)
    loaded = load_colorizer(path, tmp_path)
    np.testing.assert_array_equal(*(next(c.colorize(iter([frame]), reference)) for c in (loaded, Colorizer(model))))
