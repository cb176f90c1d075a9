"""Peak signal-to-noise ratio of RGB frames against the ground truth (Fig. 7)."""

import numpy as np

UNIT = "dB"
DIRECTION = "up"
SCOPE = "frame"

# What identical frames get, in place of infinity.
CAP = 100.0


def psnr(rgb: np.ndarray, truth: np.ndarray) -> float:
    """10 log10(255^2 / MSE) over all pixels and channels of two uint8 pictures (H, W, 3); identical ones get 100 dB.

    The difference is taken in float64: in uint8 it wraps around, an error that some published tables carry.
    """
    return decibels(mean_squared_error(rgb, truth))


def mean_squared_error(values: np.ndarray, truth: np.ndarray) -> float:
    """The mean of (values - truth)^2 over everything, in float64. Raises ValueError where the shapes differ."""
    if values.shape != truth.shape:
        raise ValueError(f"expected two pictures of one size, got {values.shape} and {truth.shape}")
    return float(((values.astype(np.float64) - truth.astype(np.float64)) ** 2).mean())


def decibels(mse: float, peak: float = 255.0) -> float:
    """10 log10(peak^2 / mse), at most 100 dB."""
    return CAP if mse == 0 else float(min(CAP, 10 * np.log10(peak**2 / mse)))
