"""SSIM: known answers."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from bench.metrics.ssim import beside, ssim


def test_identical_is_one():
    rgb = np.random.default_rng(0).integers(0, 256, (16, 20, 3), dtype=np.uint8)
    assert ssim(rgb, rgb) == pytest.approx(1)


def test_flat_pictures_leave_the_term_of_lightness():
    dark, light = (np.full((12, 12, 3), level, np.uint8) for level in (50, 100))
    c1 = (0.01 * 255) ** 2
    assert ssim(dark, light) == pytest.approx((2 * 50 * 100 + c1) / (50**2 + 100**2 + c1))


def test_smaller_than_the_window_is_an_error():
    with pytest.raises(ValueError, match="at least 11 x 11"):
        ssim(np.zeros((10, 30, 3), np.uint8), np.zeros((10, 30, 3), np.uint8))


def test_other_sizes_are_an_error():
    with pytest.raises(ValueError, match="of one size"):
        ssim(np.zeros((20, 30, 3), np.uint8), np.zeros((20, 31, 3), np.uint8))


@pytest.mark.parametrize("size", [(11, 11), (37, 52)])
def test_equal_to_scikit_image(size):
    rng = np.random.default_rng(1)
    truth, *rows = rng.integers(0, 256, (4, *size, 3), dtype=np.uint8)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    measured = beside(truth)
    for rgb in (*rows, truth // 2, truth // 3 + rows[0] // 4):
        expected = structural_similarity(rgb, truth, channel_axis=-1, data_range=255, **options)
        assert measured(rgb) == pytest.approx(expected, abs=1e-12)
