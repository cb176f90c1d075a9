"""PSNR of the colours alone: of a and b in CIELAB.

The luminance that every method is given flatters PSNR in RGB (a grey picture has 23 dB); here it does not count.
"""

import numpy as np

from bench.metrics.psnr import decibels, mean_squared_error
from media.color import lab_from_rgb

UNIT = "dB"
DIRECTION = "up"
SCOPE = "frame"

# By convention that of 8 bits, though a and b are in Lab units and not quantised.
PEAK = 255.0


def psnr_ab(rgb: np.ndarray, truth: np.ndarray) -> float:
    """10 log10(255^2 / MSE) over all pixels and both of a, b of two uint8 pictures (H, W, 3), at most 100 dB."""
    return decibels(mse_ab(rgb, truth), PEAK)


def psnr_of_ab(ab: np.ndarray, truth_ab: np.ndarray) -> float:
    """The same from a and b themselves, (H, W, 2) each, Lab units."""
    return decibels(mean_squared_error(ab, truth_ab), PEAK)


def mse_ab(rgb: np.ndarray, truth: np.ndarray) -> float:
    """The mean squared difference of a and b of two uint8 pictures (H, W, 3), squared Lab units."""
    return mean_squared_error(lab_from_rgb(rgb)[..., 1:], lab_from_rgb(truth)[..., 1:])
