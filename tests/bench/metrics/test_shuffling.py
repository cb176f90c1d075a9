"""Frames in another order: what is about time rises, what is about frames and sets of them stays."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch

from bench.metrics.cdc import cdc, histograms
from bench.metrics.colorfulness import colorfulness
from bench.metrics.fid import fid
from bench.metrics.flicker import flicker
from bench.metrics.kid import kid
from media.color import lab_from_rgb
from vision.backbones import load_backbone, rgb_tensor

SIZE, SHIFT, COUNT = (48, 64), 2, 10


@pytest.fixture(scope="module")
def clips():
    """A made clip, sliding to the left while it turns redder, and the same frames in another order."""
    coarse = np.random.default_rng(3).integers(40, 200, (7, 12, 3)).astype(np.uint8)
    texture = cv2.resize(coarse, (SIZE[1] + SHIFT * COUNT, SIZE[0]), interpolation=cv2.INTER_CUBIC)
    frames = [texture[:, SHIFT * t : SHIFT * t + SIZE[1]] + np.uint8([4 * t, 0, 0]) for t in range(COUNT)]
    order = [4, 9, 1, 6, 0, 8, 3, 7, 2, 5]
    return frames, [frames[index] for index in order]


def mean_flicker(frames: list[np.ndarray]) -> float:
    """With the flow of the ordered clip, as scoring has it."""
    flow = np.full((*SIZE, 2), (-SHIFT, 0), np.float32)
    mask = np.ones(SIZE, bool)
    mask[:, :SHIFT] = False
    ab = [lab_from_rgb(rgb)[..., 1:] for rgb in frames]
    return np.mean([flicker(*pair, flow, mask)["flicker_rms"] for pair in pairwise(ab)])


def test_flicker_rises(clips):
    ordered, shuffled = map(mean_flicker, clips)
    assert shuffled > 3 * ordered > 0


def test_cdc_rises(clips):
    ordered, shuffled = (cdc(np.stack([histograms(rgb) for rgb in frames])).mean() for frames in clips)
    assert shuffled > 1.2 * ordered > 0


def test_colourfulness_stays(clips):
    ordered, shuffled = (np.mean([colorfulness(rgb) for rgb in frames]) for frames in clips)
    assert shuffled == pytest.approx(ordered, rel=1e-12)


def test_fid_and_kid_stay(clips, tmp_path):
    network = load_backbone("efficientnet_lite0", tmp_path)  # a stand-in for Inception

    def features(frames: list[np.ndarray]) -> np.ndarray:
        return network.pooled(torch.stack([rgb_tensor(rgb) for rgb in frames])).numpy()

    truth = features([rgb[::-1].copy() for rgb in clips[0]])
    ordered, shuffled = map(features, clips)
    assert fid(shuffled, truth) == pytest.approx(fid(ordered, truth), rel=1e-6) and fid(ordered, truth) > 1e-3
    assert kid(shuffled, truth, 2).mean == pytest.approx(kid(ordered, truth, 2).mean, rel=1e-6)
