"""PSNR of the colours: known answers."""

import numpy as np
import pytest

from bench.metrics.psnr_ab import mse_ab, psnr_ab
from media.color import lab_from_rgb


def test_two_colours():
    red, blue = (np.full((4, 4, 3), color, np.uint8) for color in ((255, 0, 0), (0, 0, 255)))
    gap = (lab_from_rgb(red) - lab_from_rgb(blue))[0, 0, 1:].astype(float)
    assert mse_ab(red, blue) == pytest.approx((gap**2).mean())
    assert psnr_ab(red, blue) == pytest.approx(10 * np.log10(255**2 / (gap**2).mean()))


def test_lightness_does_not_count():
    dark, light = (np.full((4, 4, 3), level, np.uint8) for level in (40, 200))
    assert psnr_ab(dark, light) > 85  # grey is grey, but for rounding in the colour matrix
    assert psnr_ab(dark, dark) == 100


def test_other_size_is_an_error():
    with pytest.raises(ValueError, match="one size"):
        psnr_ab(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 1, 3), np.uint8))
