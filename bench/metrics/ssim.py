"""Structural similarity (Wang et al. 2004). Nearly blind to colour (a grey picture has 0.92): never alone."""

import numpy as np
from skimage.metrics import structural_similarity

UNIT = "none"
DIRECTION = "up"
SCOPE = "frame"
VERSION = 1


def ssim(rgb: np.ndarray, truth: np.ndarray) -> float:
    """SSIM of two uint8 pictures (H, W, 3), at least 11 x 11, the mean over R, G and B.

    The window of the paper: 11 x 11, Gaussian of sigma 1.5, population covariance. Raises ValueError where the sizes
    differ or are smaller than the window.
    """
    return float(
        structural_similarity(
            rgb,
            truth,
            channel_axis=-1,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )
