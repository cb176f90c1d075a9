"""Inference: streaming, any size, and the recurrence of section 3.1, its history as it is or aligned."""

import types

import numpy as np
import pytest
import torch

from colorize import checkpoint
from colorize.inference.colorizer import Colorizer, load_colorizer
from colorize.model import ExemplarModel
from media.flow_files import warp
from vision.backbones import load_backbone
from vision.matching import match

ALIGNED = {"matching": "context", "history": "aligned", "output": "gated"}
SHIFT = 3  # pixels by which everything moves to the left from one frame to the next


def loud(**choices):
    """A model whose output layer is random instead of zero."""
    torch.manual_seed(0)
    model = ExemplarModel(load_backbone("efficientnet_lite0", "nowhere"), width=0.125, **choices)
    torch.nn.init.normal_(model.colorization.output_layer.weight, std=0.05)
    return model.eval()


@pytest.fixture(scope="module")
def models():
    return {"paper": loud(), "aligned": loud(**ALIGNED)}


@pytest.fixture(params=["paper", "aligned"])
def model(models, request):
    return models[request.param]


@pytest.fixture(scope="module")
def blend():
    """The gated model before training: nothing but W and the aligned history."""
    return ExemplarModel(load_backbone("efficientnet_lite0", "nowhere"), width=0.125, **ALIGNED).eval()


def lab(height, width, seed=0):
    return np.random.default_rng(seed).uniform(0, 60, (height, width, 3)).astype(np.float32)


@pytest.fixture
def sliding(moving):
    """Lab frames (4, 64, 96, 3) of a picture that slides to the left."""
    from media.color import lab_from_rgb

    return np.stack([lab_from_rgb(np.ascontiguousarray(frame)) for frame in moving(3, 4, SHIFT)[::-1]])


def steps(count, size=(64, 96), motion=(SHIFT, 0)):
    """The exact motion from each frame of `sliding` back to the one before."""
    flow = np.zeros((*size, 2), np.float32) + np.float32(motion)
    visible = np.ones(size, bool)
    visible[:, -SHIFT:] = False
    return [types.SimpleNamespace(flow=flow, visible=visible)] * count


@pytest.mark.parametrize("size", [(64, 96), (61, 83), (32, 40), (9, 11), (1, 1), (1, 70), (216, 8)])
def test_frames_are_taken_one_at_a_time_and_keep_their_size(model, size):
    taken = []

    def frames():
        for t in range(3):
            taken.append(t)
            yield lab(*size, seed=t)[..., 0]

    colored = Colorizer(model).colorize(frames(), lab(72, 80))
    first = next(colored)
    assert taken == [0] and first.shape == (*size, 2) and first.dtype == np.float32
    rest = list(colored)
    assert [ab.shape for ab in rest] == [(*size, 2)] * 2 and all(np.isfinite(ab).all() for ab in rest)


@pytest.mark.parametrize("size", [(1, 1), (5, 200), (33, 31)])
def test_a_reference_may_be_tiny(model, size):
    (ab,) = Colorizer(model).colorize(iter([lab(64, 96)[..., 0]]), lab(*size))
    assert ab.shape == (64, 96, 2) and np.isfinite(ab).all()


def test_the_last_coloured_frame_is_fed_back(model):
    frames = [lab(64, 96, seed=t)[..., 0] for t in range(2)]
    reference = lab(64, 96, seed=9)
    first, second = Colorizer(model).colorize(iter(frames), reference)
    last = np.concatenate([frames[0][..., None], first], axis=-1)
    (resumed,) = Colorizer(model).colorize(iter(frames[1:]), reference, last)
    np.testing.assert_array_equal(resumed, second)
    (alone,) = Colorizer(model).colorize(iter(frames[1:]), reference)
    assert np.abs(alone - second).max() > 1e-3


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("size", [(64, 96), (61, 83)])
def test_a_resumed_clip_equals_a_continued_one(model, sliding, given, size):
    """In the middle of a clip, with motion that is given and with motion that is estimated."""
    frames, reference = list(sliding[:, : size[0], : size[1], 0]), sliding[0]
    motion = steps(3, size) if given else None
    whole = list(Colorizer(model).colorize(iter(frames), reference, steps=motion))
    last = np.concatenate([frames[1][..., None], whole[1]], axis=-1)
    rest = list(Colorizer(model).colorize(iter(frames[2:]), reference, last, motion and motion[1:]))
    np.testing.assert_array_equal(rest, whole[2:])


def test_an_aligned_history_follows_the_given_motion(blend, sliding):
    """Where the luminance agrees, nine tenths of an untrained blend are the last colours, moved."""
    frames, reference = list(sliding[..., 0]), sliding[0]
    motion = steps(3)
    colors = list(Colorizer(blend).colorize(iter(frames[1:]), reference, sliding[0], motion))
    last = sliding[0][..., 1:]
    for ab, step in zip(colors, motion, strict=True):
        moved, found = warp(last, step.flow)[:, :-SHIFT], ab[:, :-SHIFT]
        standing = last[:, :-SHIFT]
        assert np.abs(found - moved).mean() < 0.3 * np.abs(found - standing).mean()
        last = ab


def test_motion_that_is_not_given_is_estimated(blend, sliding):
    frames, reference = list(sliding[..., 0]), sliding[0]
    colors = {
        name: np.stack(list(Colorizer(blend).colorize(iter(frames[1:]), reference, sliding[0], motion)))
        for name, motion in (("given", steps(3)), ("none", None), ("wrong", steps(3, motion=(-SHIFT, 0))))
    }
    truth = sliding[1:, ..., 1:]
    error = {name: np.abs(ab - truth)[:, 8:-8, 8:-12].mean() for name, ab in colors.items()}
    assert error["none"] < 1.25 * error["given"] + 0.1
    assert error["none"] < 0.75 * error["wrong"]


def test_another_estimator_is_used_if_there_is_one(blend, sliding):
    asked = []

    def estimator(first, second):
        asked.append((first, second))
        return np.zeros((*first.shape, 2), np.float32)

    list(Colorizer(blend, estimator).colorize(iter(sliding[:3, ..., 0]), sliding[0]))
    assert len(asked) == 4  # two frames have one before them; there and back
    assert all(image.dtype == np.uint8 and image.shape == (64, 96) for pair in asked for image in pair)


def test_a_history_that_is_fed_as_it_is_asks_for_no_motion(models, sliding):
    def estimator(first, second):
        raise AssertionError("no flow is needed")

    frames = list(sliding[..., 0])
    plain = list(Colorizer(models["paper"], estimator).colorize(iter(frames), sliding[0]))
    given = list(Colorizer(models["paper"], estimator).colorize(iter(frames), sliding[0], steps=steps(3)))
    np.testing.assert_array_equal(plain, given)


def test_the_first_frame_of_an_untrained_blend_is_the_matched_colour(blend, sliding):
    """Without a history the gate is open (0.99) and the rest is grey."""
    frame = torch.from_numpy(np.ascontiguousarray(sliding[1, ..., 0]))[None, None]
    reference = blend.encode_reference(torch.from_numpy(sliding[0].transpose(2, 0, 1).copy())[None])
    with torch.no_grad():
        w, _ = match(blend.features(frame).flatten(2), reference.columns, reference.lab[:, 1:], blend.temperature)
    w = torch.nn.functional.interpolate(w.unflatten(2, (16, 24)), scale_factor=4, mode="bilinear")
    (first,) = Colorizer(blend).colorize(iter([sliding[1, ..., 0]]), sliding[0])
    np.testing.assert_allclose(first, 0.99 * w[0].permute(1, 2, 0), atol=1e-3)


def test_a_checkpoint_gives_the_same_colours(model, tmp_path):
    path = tmp_path / "model.safetensors"
    choices = {name: getattr(model, name) for name in ALIGNED}
    checkpoint.save(model, path, {"backbone": "efficientnet_lite0", "width": 0.125, **choices})
    frames, reference = [lab(64, 96, seed=t)[..., 0] for t in range(2)], lab(64, 96, seed=5)
    loaded = load_colorizer(path, tmp_path)
    np.testing.assert_array_equal(*(list(c.colorize(iter(frames), reference)) for c in (loaded, Colorizer(model))))
