"""Optical flow fields: the file format and the warp.

Convention: flow is float32 (H, W, 2) in pixels, [..., 0] to the right and [..., 1] down, on the grid of the frame
it starts from: the point at x in that frame is at x + flow(x) in the other one. `visible`, bool (H, W), is True where
it leads to the same point of the scene.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from media.faults import listed
from media.image import coded_png
from media.whole import write_whole

# KITTI 2015: stored = flow * 64 + 2^15 in 16 bits, so one step is 1/64 px and the range +-512 px.
STEP = np.float32(64)
ZERO = 2**15


@dataclass(frozen=True)
class FlowBack:
    """Flow from a frame back to the one before, on the grid of the later one."""

    flow: np.ndarray  # (H, W, 2) float32, pixels
    visible: np.ndarray  # (H, W) bool


def write_kitti(path: str | Path, flow: np.ndarray, visible: np.ndarray) -> None:
    """Write flow (H, W, 2) and visible (H, W), KITTI's `valid`, as one KITTI 16-bit PNG; rounding is at most 1/128 px.

    A pixel whose flow leaves the format's range (+-512 px) or is no number is stored as not visible.
    """
    stored = visible.astype(bool)
    right, down = (_steps(flow[..., component], stored) for component in (0, 1))
    write_whole(path, coded_png(cv2.merge([stored.astype(np.uint16), down, right])))


def _steps(component: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """One component as it is stored, uint16 (H, W); takes the pixels out of `valid` that the format cannot hold."""
    steps = np.rint(component * STEP)  # a power of two: exact also in float32, where adding ZERO would round first
    held = np.nan_to_num(np.clip(steps, -ZERO, ZERO - 1), copy=False, nan=-ZERO)
    visible &= held == steps
    return held.astype(np.int16).view(np.uint16) ^ ZERO  # flips the sign's bit: adds ZERO


def read_kitti(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a KITTI flow PNG: flow float32 (H, W, 2) in pixels and visible bool (H, W).

    Raises MachineFault where there is no file, and OSError where it holds something else.
    """
    with listed(path, "the table of the flow"):
        coded = np.fromfile(path, np.uint8)
    stored = cv2.imdecode(coded, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR) if coded.size else None
    if stored is None or stored.dtype != np.uint16:
        raise OSError(f"{path}: expected a KITTI flow file (16-bit PNG with three channels)")
    visible, down, right = cv2.split(stored)
    flow = cv2.merge([right, down]).astype(np.float32)
    flow -= ZERO
    flow /= STEP
    return flow, visible > 0


def warp(image: np.ndarray, flow: np.ndarray, outside: str = "replicate") -> np.ndarray:
    """Sample `image` (H, W) or (H, W, C) at x + flow(x), bilinear, exact: float32 on the grid of `flow`.

    `outside` says what lies beyond the border: `replicate` (the edge goes on) or `zeros`.
    """
    # Half a second that the methods which are only asked what they are given need not wait for.
    from scipy.ndimage import map_coordinates

    mode = {"replicate": "nearest", "zeros": "grid-constant"}[outside]
    rows, columns = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float64)
    at = np.stack([rows + flow[..., 1], columns + flow[..., 0]])
    channels = image[..., None] if image.ndim == 2 else image
    sampled = [
        map_coordinates(channels[..., c], at, output=np.float32, order=1, mode=mode) for c in range(channels.shape[-1])
    ]
    return sampled[0] if image.ndim == 2 else np.stack(sampled, axis=-1)


def warp_tensor(x, flow, outside: str = "zeros"):
    """`warp` for tensors: sample x (B, C, H, W) at position + flow (B, 2, H, W, pixels), bilinear, differentiable."""
    import torch
    import torch.nn.functional as F

    height, width = x.shape[-2:]
    rows, columns = (torch.arange(side, device=x.device, dtype=x.dtype) for side in (height, width))
    at_x = (columns + flow[:, 0]) * 2 / max(width - 1, 1) - 1
    at_y = (rows[:, None] + flow[:, 1]) * 2 / max(height - 1, 1) - 1
    mode = {"replicate": "border", "zeros": "zeros"}[outside]
    return F.grid_sample(x, torch.stack([at_x, at_y], dim=-1), padding_mode=mode, align_corners=True)
