"""PSNR: known answers."""

import numpy as np
import pytest

from bench.metrics.psnr import psnr


def test_constant_error():
    truth = np.full((4, 4, 3), 100, np.uint8)
    assert psnr(truth + np.uint8(10), truth) == pytest.approx(20 * np.log10(25.5))


def test_does_not_wrap_around():
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert psnr(black, white) == 0


def test_identical_frames_are_capped():
    frame = np.zeros((4, 4, 3), np.uint8)
    assert psnr(frame, frame) == 100


def test_other_size_is_an_error():
    with pytest.raises(ValueError, match="one size"):
        psnr(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 1, 3), np.uint8))
