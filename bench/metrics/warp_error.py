"""Warping error of Lai et al. (2018), with their occlusion rule: RGB frames against their warped successors.

Luminance dominates it, which every method is given: what tells methods apart is the difference to the ground truth's.
"""

import numpy as np

from media.flow_files import warp

UNIT = "squared RGB, in 0..1"
DIRECTION = "down"
SCOPE = "pair"


def warp_error(rgb: np.ndarray, rgb_next: np.ndarray, flow: np.ndarray, occluded: np.ndarray) -> float:
    """The mean squared difference of frame t and t+1 warped back, over pixels that are not occluded and 3 channels.

    rgb, rgb_next: uint8 (H, W, 3). flow: (H, W, 2), t to t+1 on the grid of t, pixels. occluded: bool (H, W).
    0 where everything is occluded, as in the authors' script.
    """
    if occluded.all():
        return 0.0
    difference = warp(unit_rgb(rgb_next), flow) - unit_rgb(rgb)
    return float((difference[~occluded].astype(np.float64) ** 2).mean())


def unit_rgb(rgb: np.ndarray) -> np.ndarray:
    """8-bit RGB as float32 in 0..1."""
    return rgb.astype(np.float32) / 255


def lai_occluded(flow: np.ndarray, flow_back: np.ndarray) -> np.ndarray:
    """True (H, W) where `flow` is inconsistent with `flow_back` or at a motion boundary, on the grid of `flow`.

    Both (H, W, 2), pixels of this resolution. Differs from vision.occlusion's rule (Ruder et al.): leaving the frame
    is not flagged by itself, gradients are one-sided, and nothing is smoothed.
    """
    back = warp(flow_back, flow)
    motion = _squared(flow)
    inconsistent = _squared(flow + back) > 0.01 * (motion + _squared(back)) + 0.5
    gradient = sum(_squared(np.diff(flow, axis=axis, append=_last(flow, axis))) for axis in (0, 1))
    return inconsistent | (gradient > 0.01 * motion + 0.002)


def _squared(field: np.ndarray) -> np.ndarray:
    return (field**2).sum(axis=-1)


def _last(field: np.ndarray, axis: int) -> np.ndarray:
    """The last row or column once more, so that the difference behind it is 0."""
    return field.take([-1], axis=axis)
