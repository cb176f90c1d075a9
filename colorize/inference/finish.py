"""What the release does to the colours of a finished frame: more saturation, smoothing along L.

None of it is in the paper, and none of it enters the recurrence. The smoother is the fast global smoother of Min et
al., "Fast Global Image Smoothing Based on Weighted Least Squares" (2014): systems of equations along the rows and
then the columns, three times over with less and less weight.
"""

import numpy as np
from scipy.linalg import solveh_banded

BOOST = 1.25
STRENGTH = 500.0  # lambda of the smoother
SIGMA = 4.0  # levels of the 8-bit guide across which colours still mix
ATTENUATION = 0.25
ROUNDS = 3


def finished(luminance: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """Colours ab (H, W, 2) of a frame with this L (H, W; 0..100), boosted and smoothed along its edges; Lab units."""
    return smoothed(BOOST * ab, guide8(luminance))


def guide8(luminance: np.ndarray) -> np.ndarray:
    """L (H, W) in 0..100 as the smoother's 8-bit guide; truncated, as published."""
    return (luminance * 255 / 100).astype(np.uint8)


def smoothed(values: np.ndarray, guide: np.ndarray, strength: float = STRENGTH, sigma: float = SIGMA) -> np.ndarray:
    """Values (H, W, C) smoothed where the guide (H, W), uint8, is even; float32 of the same shape."""
    levels = guide.astype(np.float32)
    across, down = (np.exp(np.abs(np.diff(levels, axis=axis)) / -sigma) for axis in (1, 0))
    for k in range(ROUNDS):
        weight = strength * ATTENUATION**k
        values = smoothed_rows(values, weight * across)
        values = smoothed_rows(values.swapaxes(0, 1), weight * down.T).swapaxes(0, 1)
    return values.astype(np.float32)


def smoothed_rows(values: np.ndarray, coupling: np.ndarray) -> np.ndarray:
    """Solve (I + L) x = values along each row, L the graph Laplacian of the couplings between its neighbours.

    values (H, W, C); coupling (H, W - 1), at least 0. All rows are one banded system, with no coupling between them.
    """
    height, width, channels = values.shape
    if width == 1:  # nothing to mix with; the solver takes no system of one unknown
        return values.astype(np.float64)
    bands = np.zeros((2, height, width))  # the diagonal, then what is below it
    bands[1, :, :-1] = -coupling
    bands[0] = 1 - bands[1]
    bands[0, :, 1:] += coupling
    flat = values.astype(np.float64).reshape(height * width, channels)
    solved = solveh_banded(
        bands.reshape(2, -1), flat, lower=True, overwrite_ab=True, overwrite_b=True, check_finite=False
    )
    return solved.reshape(height, width, channels)
