"""Reliability of a flow field from its forward and backward directions (Ruder, Dosovitskiy, Brox 2016)."""

import numpy as np
from scipy.ndimage import correlate1d, gaussian_filter1d

from media.flow import warp

# The paper's loader takes a pixel as reliable from this grey level of the smoothed map on.
RELIABLE = 240


def ruder_map(flow: np.ndarray, flow_back: np.ndarray) -> np.ndarray:
    """Smoothed reliability, uint8 (H, W): 0 unreliable .. 255 reliable, on the grid of `flow`.

    flow and flow_back (H, W, 2), in pixels of this resolution. Follows the authors' program: inconsistent pixels
    weigh -255 before the smoothing, so that they take their neighbours along.
    """
    flow = flow.astype(np.float64)
    back = warp(flow_back, flow).astype(np.float64)
    motion, back_motion = (flow**2).sum(-1), (back**2).sum(-1)
    inconsistent = ((flow + back) ** 2).sum(-1) >= 0.01 * (motion + back_motion) + 0.5
    gradients = [correlate1d(flow, [-0.5, 0, 0.5], axis=axis, mode="reflect") for axis in (0, 1)]
    boundary = sum((gradient**2).sum(-1) for gradient in gradients) > 0.01 * motion + 0.002

    outside = _leaves_frame(flow)
    reliability = np.where(outside | boundary, 0.0, 255.0)
    reliability[inconsistent & ~outside] = -255.0
    for axis in (0, 1):
        reliability = gaussian_filter1d(reliability, 0.8, axis=axis, mode="reflect", radius=2)
    return np.clip(reliability, 0, 255).astype(np.uint8)


def ruder_mask(flow: np.ndarray, flow_back: np.ndarray) -> np.ndarray:
    """True (H, W) where `flow` is reliable: neither occluded, nor at a motion boundary, nor leaving the frame."""
    return ruder_map(flow, flow_back) >= RELIABLE


def _leaves_frame(flow: np.ndarray) -> np.ndarray:
    """Where any of the four bilinear neighbours of the target lies outside; always so in the last row and column."""
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    row, column = np.floor(rows + flow[..., 1]), np.floor(columns + flow[..., 0])
    return (row < 0) | (column < 0) | (row + 1 >= height) | (column + 1 >= width)
