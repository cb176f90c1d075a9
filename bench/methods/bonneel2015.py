"""Blind temporal consistency without learning (reference [21]): a row's gradients are kept, its flicker is not."""

from collections.abc import Iterator

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from bench.methods.contract.method import Given, Method
from media.flow_files import warp

STRENGTH = 1.0  # lambda
SCALE = 0.05  # s, of pictures in 0..1
MARGIN = 2  # pixels: a match that lies this close to the border is not believed
# Pull towards the processed frame. It decides only where no match is believed, and keeps the system regular there.
ANCHOR = 1e-8


class Bonneel2015(Method):
    """Makes the ab of another row consistent; the luminance is the input's anyway.

    Each frame is solved to convergence; the authors' program stops after 50 Jacobi sweeps at each of six scales. The
    flow is the one given, where the original matches patches. The input is compared as a grey picture with three
    equal channels of L / 100.
    """

    name = "bonneel2015"
    citation = "Bonneel et al.: Blind Video Temporal Consistency, SIGGRAPH Asia 2015"
    given = {"clips": ("flow", "processed")}
    uses_torch = False

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        previous, result = grey(next(frames)), next(given.processed)
        yield result
        for luminance, processed, step in zip(frames, given.processed, given.flow, strict=True):
            current = grey(luminance)
            weight = weights(current, previous, step.flow)
            result = solve(processed, warp(result, step.flow), weight).astype(np.float32)
            previous = current
            yield result


def grey(luminance: np.ndarray) -> np.ndarray:
    """L (H, W) in 0..100 as a picture (H, W, 3) in 0..1."""
    return np.repeat(luminance[..., None] / 100, 3, axis=-1)


def weights(current: np.ndarray, previous: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """How far each pixel is held to the last result: exp(-|V_t - warp(V_{t-1})|^2 / (2 s^2)), (H, W) in 0..1.

    current, previous: the input V, (H, W, 3) in 0..1. flow: (H, W, 2), pixels, from t to t-1. 0 where the match lies
    outside the picture or within two pixels of its border.
    """
    height, width = flow.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    inside = (x >= MARGIN) & (x < width - MARGIN) & (y >= MARGIN) & (y < height - MARGIN)
    distance = ((current - warp(previous, flow)) ** 2).sum(axis=-1)
    return np.where(inside, STRENGTH * np.exp(-distance / (2 * SCALE**2)), 0)


def solve(processed: np.ndarray, carried: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The picture with the gradients of `processed` that stays near `carried` where `weight` says so: exact.

    processed, carried: P_t and the last result on the grid of t, (H, W, C) in any unit, RGB or ab alone. weight: (H, W)
    of `weights`. Minimises sum |grad O - grad P|^2 + weight |O - carried|^2. Solved for O - P, whose equation is
    (Laplacian + weight) (O - P) = weight (carried - P): one factorisation for all channels.
    """
    pull = weight.ravel().astype(np.float64)
    system = laplacian(weight.shape) + sparse.diags_array(pull + ANCHOR)
    # Symmetric and positive definite: no pivoting is needed.
    factors = splu(system.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    wanted = pull[:, None] * (carried - processed).reshape(len(pull), -1)
    return processed + factors.solve(wanted).reshape(processed.shape)


def laplacian(shape: tuple[int, int]) -> sparse.csr_array:
    """Graph Laplacian of the four-neighbour grid (H, W), rows first: (H W, H W); nothing flows over the border."""
    vertical, horizontal = (_path(side) for side in shape)
    rows, columns = (sparse.eye_array(side) for side in shape)
    return (sparse.kron(vertical, columns) + sparse.kron(rows, horizontal)).tocsr()


def _path(side: int) -> sparse.csr_array:
    """Graph Laplacian of `side` pixels in a line."""
    step = sparse.diags_array([-np.ones(side - 1), np.ones(side - 1)], offsets=[0, 1], shape=(side - 1, side))
    return (step.T @ step).tocsr()
