"""Pseudo-video: a photograph moved by a random smooth distortion whose flow is known exactly (section 4, Figure 3)."""

from dataclasses import dataclass

import cv2
import numpy as np

from media.flow_files import warp

# The published program blurs uniform noise in -1..1 with a Gaussian of 50 px and scales it by 1000 * strength,
# strength uniform in 0..4. We blur on a grid GRID times coarser and enlarge: same spread, 64 times less work.
BLUR = 50.0
GAIN = 1000.0
GRID = 8


@dataclass
class PseudoPair:
    """Two adjacent frames of pseudo-video and the motion between them (media.flow_files has the convention)."""

    last: np.ndarray  # uint8 (H, W, 3)
    current: np.ndarray  # uint8 (H, W, 3)
    flow: np.ndarray  # float32 (H, W, 2), last -> current, on the grid of last
    visible: np.ndarray  # bool (H, W): the point of last is inside current
    flow_back: np.ndarray  # float32 (H, W, 2), current -> last, on the grid of current
    visible_back: np.ndarray  # bool (H, W): the point of current is inside last


def smooth_field(size: tuple[int, int], strength: float, rng: np.random.Generator) -> np.ndarray:
    """A random smooth displacement, float32 (H, W, 2) in pixels; its spread is about 3.3 px for strength 1."""
    height, width = size
    margin = int(3 * BLUR / GRID)  # so that the field is as strong at the border as inside
    coarse = (height // GRID + 2 + 2 * margin, width // GRID + 2 + 2 * margin)
    noise = rng.uniform(-1, 1, (*coarse, 2)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), BLUR / GRID, borderType=cv2.BORDER_CONSTANT)
    inside = blurred[margin : coarse[0] - margin, margin : coarse[1] - margin]
    # Blurred white noise spreads as 1/sigma: GRID times wider here, where sigma is counted in coarse pixels.
    return cv2.resize(inside, (width, height), interpolation=cv2.INTER_CUBIC) * (GAIN * strength / GRID)


def inverse_flow(backward: np.ndarray, iterations: int = 12) -> np.ndarray:
    """The flow f with f(y) = -backward(y + f(y)): the same motion seen from the other frame.

    `backward` must be smooth (its slope below 1), as `smooth_field` is; the fixed point then converges.
    """
    forward = -backward
    for _ in range(iterations):
        forward = -warp(backward, forward)
    return forward


def pseudo_pair(photo: np.ndarray, size: tuple[int, int], max_strength: float, rng: np.random.Generator) -> PseudoPair:
    """Cut a frame of `size` out of a photograph (uint8, at least that large) and move it by a random distortion.

    The current frame samples the whole photograph, so that colour flows in over the border as in real video;
    beyond the photograph its border is mirrored.
    """
    height, width = size
    if photo.shape[0] < height or photo.shape[1] < width:
        raise ValueError(f"a photograph of {photo.shape[:2]} is smaller than the frame {size} to be cut out of it")
    top = rng.integers(photo.shape[0] - height + 1)
    left = rng.integers(photo.shape[1] - width + 1)
    backward = smooth_field(size, max_strength * rng.uniform(), rng)  # current -> last
    rows, columns = np.mgrid[top : top + height, left : left + width].astype(np.float32)
    current = cv2.remap(
        photo, columns + backward[..., 0], rows + backward[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    forward = inverse_flow(backward)
    last = np.ascontiguousarray(photo[top : top + height, left : left + width])
    return PseudoPair(last, current, forward, lands_inside(forward), backward, lands_inside(backward))


def lands_inside(flow: np.ndarray) -> np.ndarray:
    """Where position + flow (H, W, 2) is still inside the frame: bool (H, W)."""
    height, width = flow.shape[:2]
    at = np.mgrid[:height, :width].transpose(1, 2, 0)[..., ::-1] + flow  # x, y in the other frame
    return ((at >= 0) & (at <= (width - 1, height - 1))).all(axis=-1)
