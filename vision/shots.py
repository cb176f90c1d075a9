"""Where a clip is cut: its shots, found by a pass over the frames that keeps a few small ones in memory."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
from scenedetect import AdaptiveDetector, FrameTimecode

# Cuts are searched on frames whose longer side is at most this.
DETECTION_SIDE = 160
# Frames that the detector looks at on either side of a cut. The ends are repeated as often, else it could not see a
# cut just after the first frame or just before the last.
WINDOW = 2

Compared = Literal["colour", "brightness"]


def find_shots(frames: Iterator[np.ndarray], compared: Compared = "colour") -> list[range]:
    """Split frames, uint8 RGB (H, W, 3), at hard cuts: the frame indices of each shot, in order. Expects one frame.

    A cut is a frame whose difference from the one before is large and at least three times that of its neighbours, so
    that fast motion is not taken for one (PySceneDetect's adaptive detector). compared: `colour` averages the
    differences of hue, saturation and brightness; of grey frames the first two say nothing, and the average would be a
    third of the difference in `brightness`, which is therefore theirs.
    """
    detector = AdaptiveDetector(min_scene_len=1, window_width=WINDOW, luma_only=compared == "brightness")
    cuts, count = [], 0
    for index, frame in enumerate(_with_repeated_ends(map(_small_bgr, frames))):
        cuts += detector.process_frame(FrameTimecode(index, fps=25.0), frame)
        count = index + 1 - 2 * WINDOW
    edges = [0, *(cut.frame_num - WINDOW for cut in cuts), count]
    return [range(first, end) for first, end in pairwise(edges)]


def _small_bgr(rgb: np.ndarray) -> np.ndarray:
    scale = min(1.0, DETECTION_SIDE / max(rgb.shape[:2]))
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return cv2.cvtColor(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)


def _with_repeated_ends(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    frame = next(frames)
    yield from [frame] * (WINDOW + 1)
    for frame in frames:
        yield frame
    yield from [frame] * WINDOW
