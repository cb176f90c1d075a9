"""Where a flow leads to the same point of the scene, seen by its opposite one (Ruder, Dosovitskiy, Brox 2016).

Computed in single precision, as the authors' program does.
"""

import cv2
import numpy as np

# The paper's loader takes a pixel as visible from this grey level of the smoothed map on.
VISIBLE_FROM = 240
BORDER = cv2.BORDER_REFLECT  # the edge pixel is repeated: d c b a | a b c d


def ruder_map(flow: np.ndarray, flow_back: np.ndarray) -> np.ndarray:
    """Smoothed reliability, uint8 (H, W): 0 unreliable .. 255 reliable, on the grid of `flow`.

    flow and flow_back (H, W, 2), in pixels of this resolution. Follows the authors' program: inconsistent pixels
    weigh -255 before the smoothing, so that they take their neighbours along. A flow that is not finite is unreliable.
    """
    return as_bytes(_smoothed(reliability(flow, flow_back)))


def ruder_visible(flow: np.ndarray, flow_back: np.ndarray) -> np.ndarray:
    """True (H, W) where `flow` leads to the same point: not occluded, at no motion boundary, not leaving the frame."""
    return _smoothed(reliability(flow, flow_back)) >= VISIBLE_FROM


def ruder_visible_both(forward: np.ndarray, backward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`visible` of both directions, each on the grid of its flow."""
    return ruder_visible(forward, backward), ruder_visible(backward, forward)


def as_bytes(reliability: np.ndarray) -> np.ndarray:
    """A map as the authors' program stores it, uint8: cut to 0..255, fractions dropped."""
    return np.clip(reliability, 0, 255).astype(np.uint8)


@np.errstate(invalid="ignore", over="ignore")  # a flow that is not finite
def reliability(flow: np.ndarray, flow_back: np.ndarray) -> np.ndarray:
    """The map before it is smoothed, float32 (H, W): -255 inconsistent, 0 at a boundary or outside, 255 reliable."""
    flow, flow_back = np.float32(flow), np.float32(flow_back)
    if flow.ndim != 3 or flow.shape[-1] != 2 or flow.shape != flow_back.shape:
        raise ValueError(
            f"flow of shape {flow.shape} and flow_back of shape {flow_back.shape}: expected two fields (H, W, 2) "
            "of one size"
        )
    if min(flow.shape[:2]) < 2:  # every target lies in the last row or column
        return np.zeros(flow.shape[:2], np.float32)
    right, down = np.ascontiguousarray(flow[..., 0]), np.ascontiguousarray(flow[..., 1])
    motion = right * right
    motion += down * down
    boundary = _squared_gradient(right, down) > 0.01 * motion + 0.002
    inside, back_right, back_down = _sampled_back(flow_back, right, down)
    motion += back_right * back_right
    motion += back_down * back_down
    gap = (right + back_right) ** 2
    gap += (down + back_down) ** 2
    inconsistent = gap >= 0.01 * motion + 0.5

    # In the authors' order: what leaves the frame is 0, whatever else; what is inconsistent is -255, boundary or not.
    values = np.where(boundary, np.float32(0), np.float32(255))
    values[inconsistent] = -255
    values[~inside] = 0
    return values


def _smoothed(reliability: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(reliability, (5, 5), 0.8, borderType=BORDER)


def _squared_gradient(right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """The squared gradients of both components (H, W), summed: central differences."""
    squared = np.zeros_like(right)
    for component in (right, down):
        for axis in ((1, 0), (0, 1)):
            gradient = cv2.Sobel(component, cv2.CV_32F, *axis, ksize=1, scale=0.5, borderType=BORDER)
            cv2.accumulateSquare(gradient, squared)
    return squared


def _sampled_back(flow_back: np.ndarray, right: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, ...]:
    """Where all four bilinear neighbours of the target lie in the frame (H, W), and there flow_back's two components.

    In the last row and column no target does, however still. OpenCV's remap weighs the neighbours in steps of 1/32 px,
    which the rule's thresholds notice.
    """
    height, width = right.shape
    # Whole steps and their rests apart: a position x + u in single precision loses small motions, and with them on
    # which side of the last column it lies.
    left, top = np.floor(right), np.floor(down)
    column, row = right - left, down - top
    left += np.arange(width, dtype=np.float32)
    top += np.arange(height, dtype=np.float32)[:, None]
    inside = (left >= 0) & (top >= 0) & (left < width - 1) & (top < height - 1)
    left[~inside] = top[~inside] = 0  # what is read there does not matter; it may be far away, or no number
    corner = top.astype(np.intp)
    corner *= width
    corner += left.astype(np.intp)
    return inside, *(_bilinear(flow_back[..., component], corner, column, row) for component in (0, 1))


def _bilinear(plane: np.ndarray, corner: np.ndarray, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Between the values at the flat index `corner` and its neighbours to the right and below, by the two fractions."""
    values, width = plane.ravel(), plane.shape[1]
    upper, lower = values.take(corner), values[width:].take(corner)
    upper += column * (values[1:].take(corner) - upper)
    lower += column * (values[width + 1 :].take(corner) - lower)
    lower -= upper
    lower *= row
    upper += lower
    return upper
