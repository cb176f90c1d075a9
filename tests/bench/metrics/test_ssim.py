"""SSIM: known answers."""

import numpy as np
import pytest

from bench.metrics.ssim import ssim


def test_identical_is_one():
    rgb = np.random.default_rng(0).integers(0, 256, (16, 20, 3), dtype=np.uint8)
    assert ssim(rgb, rgb) == pytest.approx(1)


def test_flat_pictures_leave_the_term_of_lightness():
    dark, light = (np.full((12, 12, 3), level, np.uint8) for level in (50, 100))
    c1 = (0.01 * 255) ** 2
    assert ssim(dark, light) == pytest.approx((2 * 50 * 100 + c1) / (50**2 + 100**2 + c1))


def test_smaller_than_the_window_is_an_error():
    with pytest.raises(ValueError, match="win_size"):
        ssim(np.zeros((10, 30, 3), np.uint8), np.zeros((10, 30, 3), np.uint8))
