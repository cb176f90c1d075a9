"""Pseudo-video as the published program makes it; the project's own, `vision.distortion`, interpolates instead."""

import numpy as np
from scipy.ndimage import map_coordinates


def forward_warp(image: np.ndarray, flow: np.ndarray, steps: int = 3, tolerance: float = 1e-3) -> np.ndarray:
    """Move an image (H, W, C) along the flow that starts from it, as the published program makes pseudo-video.

    For every pixel of the result the point that moves there is sought: one Newton step for each axis, then at most
    `steps` fixed-point steps, where the flow is interpolated in the cell that the Newton step found. Points beyond
    the border are mirrored, colours are those of the pixel up and left.
    """
    height, width = flow.shape[:2]
    extended = np.pad(flow.astype(np.float64), ((0, 1), (0, 1), (0, 0)), mode="edge")
    grid = np.mgrid[:height, :width].astype(np.float64).transpose(1, 2, 0)[..., ::-1]  # x, y
    source = _newton_step(grid, flow.astype(np.float64))
    moving = (np.abs(flow) >= tolerance).any(axis=-1)
    source[~moving] = grid[~moving]
    cell = np.floor(source)
    for _ in range(steps):
        moving &= ((source >= 0) & (source <= (width - 1, height - 1))).all(axis=-1)
        before = source[moving]
        source[moving] = grid[moving] - _interpolated(extended, before, cell[moving].astype(int))
        moving[moving] = (np.abs(source[moving] - before) >= tolerance).any(axis=-1)
    last = np.array([width - 1, height - 1])
    mirrored = np.abs(np.where(source > last, 2 * last + 1 - source, source))
    x, y = np.minimum(mirrored, last).astype(int).transpose(2, 0, 1)
    return image[y, x]


def _newton_step(grid: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """x - f / (1 + f') for each axis, f' a forward difference (backward at the last pixel)."""
    slope = np.empty_like(flow)
    for axis, component in ((1, 0), (0, 1)):
        change = np.diff(flow[..., component], axis=axis)
        slope[..., component] = np.concatenate([change, change.take([-1], axis=axis)], axis=axis)
    with np.errstate(divide="ignore"):  # at a fold the point lies at infinity; the caller brings it to the border
        return grid - np.divide(flow, 1 + slope, out=np.zeros_like(flow), where=flow != 0)


def _interpolated(field: np.ndarray, at: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Bilinear in a given cell (N, 2; x, y), also for points that have left it; field (H, W, 2), at (N, 2)."""
    x, y = cell.T
    right, down = (at - cell).T[..., None]
    upper = field[y, x] * (1 - right) + field[y, x + 1] * right
    lower = field[y + 1, x] * (1 - right) + field[y + 1, x + 1] * right
    return upper * (1 - down) + lower * down


def still_seen(image: np.ndarray, moved: np.ndarray, flow: np.ndarray, limit: float = 50.0) -> np.ndarray:
    """Where `moved`, sampled back along the flow, still shows the colours of `image` (both (H, W, 3)): bool (H, W).

    The published program's mask: inside the frame, and the three channels differ by at most `limit` levels in sum.
    """
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[:height, :width] + flow.astype(np.float64).transpose(2, 0, 1)[::-1]
    inside = (rows >= 0) & (rows <= height - 1) & (columns >= 0) & (columns <= width - 1)
    channels = moved.astype(np.float64).transpose(2, 0, 1)
    sampled = np.stack([map_coordinates(channel, [rows, columns], order=3) for channel in channels], axis=-1)
    return inside & (np.abs(sampled - image).sum(axis=-1) <= limit)
