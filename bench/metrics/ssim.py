"""Structural similarity (Wang et al. 2004). Nearly blind to colour: never alone (grey pictures: docs/metrics.md)."""

from collections.abc import Callable

import cv2
import numpy as np

UNIT = "none"
DIRECTION = "up"
SCOPE = "frame"

WINDOW, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(rgb: np.ndarray, truth: np.ndarray) -> float:
    """SSIM of two uint8 pictures (H, W, 3), at least 11 x 11, the mean over R, G and B.

    The window of the paper: 11 x 11, Gaussian of sigma 1.5, population covariance, wherever it lies in the
    picture as a whole. Raises ValueError where the sizes differ or are smaller than the window.
    """
    return beside(truth)(rgb)


def beside(truth: np.ndarray) -> Callable[[np.ndarray], float]:
    """`ssim` of one truth as a function of the picture: what is of the truth alone is computed once for all rows."""
    if min(truth.shape[:2]) < WINDOW:
        raise ValueError(f"SSIM needs pictures of at least {WINDOW} x {WINDOW} pixels, got {truth.shape}")
    y = truth.astype(np.float64)
    mean_y = _local_mean(y)
    variance_y = _local_mean(y * y) - mean_y**2

    def ssim_of(rgb: np.ndarray) -> float:
        if rgb.shape != truth.shape:
            raise ValueError(f"expected two pictures of one size, got {rgb.shape} and {truth.shape}")
        x = rgb.astype(np.float64)
        mean_x = _local_mean(x)
        variance_x = _local_mean(x * x) - mean_x**2
        covariance = _local_mean(x * y) - mean_x * mean_y
        lightness = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
        return float((lightness * (2 * covariance + C2) / (variance_x + variance_y + C2)).mean())

    return ssim_of


def _local_mean(values: np.ndarray) -> np.ndarray:
    """(H, W, 3) to (H - 10, W - 10, 3): the weighted mean in each window that fits."""
    edge = WINDOW // 2
    return cv2.GaussianBlur(values, (WINDOW, WINDOW), SIGMA)[edge:-edge, edge:-edge]
