"""What the published program does and this project does not: saving truncated, and its loss that is switched off."""

import warnings

import numpy as np
import torch
import torch.nn.functional as F
from skimage.color import lab2rgb
from torch import Tensor


def saved_rgb(luminance: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """L (H, W) and ab (H, W, 2) as the release saves them: uint8 RGB, clipped to the gamut and truncated.

    `media.color.with_luminance` rounds instead, which is half a level brighter on average.
    """
    lab = np.concatenate([luminance[..., None], ab], axis=-1).astype(np.float64)
    with warnings.catch_warnings():  # scikit-image warns about each out-of-gamut pixel it clips
        warnings.simplefilter("ignore")
        return (np.clip(lab2rgb(lab), 0, 1) * 255).astype(np.uint8)


def nonlocal_average(ab: Tensor, features: Tensor, alpha: float = 0.5, scale: float = 0.25) -> tuple[Tensor, Tensor]:
    """ab at `scale` of its size, and its average over all positions whose 3x3 patches of features are alike.

    The program's non-local term, which its default leaves out: the loss is the mean squared difference of the two.
    features (B, C, h, w) are L2-normalised; both maps are (B, 2, scale H, scale W), sampled to the nearest.
    """
    small = F.interpolate(ab, scale_factor=scale, mode="nearest")
    patches = F.unfold(F.interpolate(features, size=small.shape[-2:], mode="nearest"), 3, padding=1)  # (B, 9C, N)
    weights = torch.softmax(patches.transpose(1, 2) @ patches / alpha, dim=2)
    averaged = small.flatten(2) @ weights.transpose(1, 2)
    return small, averaged.unflatten(2, small.shape[-2:])
