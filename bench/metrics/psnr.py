"""Peak signal-to-noise ratio of RGB frames against the ground truth (Fig. 7)."""

import numpy as np

UNIT = "dB"
DIRECTION = "up"
SCOPE = "frame -> mean of the clip -> mean of the set"
VERSION = 1

# What identical frames get, in place of infinity.
CAP = 100.0


def psnr(rgb: np.ndarray, truth: np.ndarray) -> float:
    """10 log10(255^2 / MSE) over all pixels and channels of two uint8 pictures (H, W, 3); identical ones get 100 dB.

    The difference is taken in float64: in uint8 it wraps around, an error that some published tables carry.
    """
    if rgb.shape != truth.shape:
        raise ValueError(f"expected two pictures of one size, got {rgb.shape} and {truth.shape}")
    mse = ((rgb.astype(np.float64) - truth.astype(np.float64)) ** 2).mean()
    return CAP if mse == 0 else float(min(CAP, 10 * np.log10(255.0**2 / mse)))
