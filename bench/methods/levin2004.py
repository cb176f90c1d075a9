"""Colorization using optimization (reference [1]): colours spread from marked pixels to those of like luminance."""

from collections.abc import Iterator

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from bench.methods.contract.method import Given, Method
from media.flow_files import warp

NEIGHBORS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]
FLATTEST = 2e-6  # least variance of a window


class Levin2004(Method):
    """Flow propagation with a colour for what flow cannot carry: visible pixels are the marks of each frame's solve.

    The marks of frame t are the result of frame t-1, warped, where they are visible from t. Marks that go
    back to frame 0 without a gap get fewer with every occlusion: after 20 frames of three training clips a third of
    the pixels and less had one. A chain keeps what it once filled in, mistakes included. A frame without a visible
    pixel keeps the warped colours. ab and L / 100 stand in for the original's IQ and Y.
    """

    name = "levin2004"
    citation = "Levin, Lischinski, Weiss: Colorization using Optimization, SIGGRAPH 2004"
    given = {"clips": ("first_frame", "flow")}
    uses_torch = False

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        next(frames)
        ab = given.first_frame[..., 1:].copy()
        yield ab
        for luminance, step in zip(frames, given.flow, strict=True):
            ab = warp(ab, step.flow)
            if step.visible.any():
                ab = solve(luminance / 100, ab, step.visible).astype(np.float32)
            yield ab


def solve(luminance: np.ndarray, chroma: np.ndarray, marked: np.ndarray) -> np.ndarray:
    """The chroma (H, W, 2) in which every unmarked pixel is the weighted mean of its neighbours; exact.

    luminance: (H, W) in 0..1. chroma: (H, W, 2) in any unit, read where marked (H, W, bool) is True and kept there.
    Raises ValueError if nothing is marked.
    """
    if not marked.any():
        raise ValueError(f"{marked.shape}: no pixel is marked, so there is no colour to spread; mark at least one")
    solution = chroma.astype(np.float64)
    flat = marked.ravel()
    unknown = np.flatnonzero(~flat)
    if not len(unknown):
        return solution
    shares = neighbor_shares(luminance)[unknown]
    known = shares[:, flat] @ solution[marked]
    system = sparse.eye_array(len(unknown)) - shares[:, unknown]
    # Rows sum to 0 or more, so the diagonal may be the pivot, and the order can be chosen for the symmetric pattern.
    factors = splu(system.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    solution[~marked] = factors.solve(known)
    return solution


def neighbor_shares(luminance: np.ndarray) -> sparse.csr_array:
    """What each neighbour counts in a pixel's mean: rows sum to 1, (H W, H W), eight entries in a row or fewer.

    A share is exp(-(Y_r - Y_s)^2 / c), where c follows the variance in the 3x3 window. That holds the difference too,
    so no share vanishes, and one mark anywhere is enough for a solution.
    """
    height, width = luminance.shape
    values = windows(luminance)  # (H, W, 8), nan outside
    squared = (values - luminance[..., None]) ** 2
    own = np.concatenate([values, luminance[..., None]], axis=-1)
    spread = np.maximum(0.6 * np.nanvar(own, axis=-1), np.nanmin(squared, axis=-1) / -np.log(0.01))
    spread = np.maximum(spread, FLATTEST)
    shares = np.exp(-squared / spread[..., None])
    shares /= np.nansum(shares, axis=-1, keepdims=True)
    rows = np.arange(height * width).reshape(height, width, 1)
    columns = rows + [dy * width + dx for dy, dx in NEIGHBORS]
    inside = np.isfinite(shares)
    return sparse.csr_array(
        (shares[inside], (np.broadcast_to(rows, inside.shape)[inside], columns[inside])),
        shape=(height * width, height * width),
    )


def windows(luminance: np.ndarray) -> np.ndarray:
    """The eight neighbours of every pixel, (H, W, 8) float64; nan outside the picture."""
    height, width = luminance.shape
    padded = np.pad(luminance.astype(np.float64), 1, constant_values=np.nan)
    return np.stack([padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in NEIGHBORS], axis=-1)
