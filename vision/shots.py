"""Where a clip is cut: its shots, found in one pass over the frames that keeps a few of them in memory."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import accumulate, groupby, pairwise
from typing import Literal, Protocol, TypeVar

import cv2
import numpy as np
from scenedetect import AdaptiveDetector, FrameTimecode

from media.image import Picture

# Cuts are searched on frames whose longer side is at most this.
DETECTION_SIDE = 160
# Frames that the detector looks at on either side of a cut. The ends are repeated as often, else it could not see a
# cut just after the first frame or just before the last.
WINDOW = 2

Compared = Literal["color", "brightness"]


def find_shots(frames: Iterable[np.ndarray], compared: Compared = "color") -> list[range]:
    """Split frames at hard cuts, as `split_into_shots`: the frame indices of each shot, in order."""
    pictures = map(Picture, frames)
    lengths = [
        sum(1 for _ in shot) for _, shot in groupby(split_into_shots(pictures, compared), key=lambda pair: pair[0])
    ]
    return [range(first, end) for first, end in pairwise(accumulate(lengths, initial=0))]


class Thinnable(Protocol):
    """What is needed of a frame: media.image.Picture or media.decoding.DecodedPicture."""

    shape: tuple[int, ...]

    def thinned(self, step: int) -> np.ndarray: ...


Frame = TypeVar("Frame", bound=Thinnable)


def split_into_shots(frames: Iterable[Frame], compared: Compared = "color") -> Iterator[tuple[int, Frame]]:
    """Each frame with the number of its shot, a few frames late.

    A cut is a frame whose difference from the one before is large and at least three times that of its neighbours, so
    that fast motion is not taken for one (PySceneDetect's adaptive detector). compared: `color` averages the
    differences of hue, saturation and brightness; of grey frames the first two say nothing, and the average would be a
    third of the difference in `brightness`, which is therefore theirs.
    """
    detector = AdaptiveDetector(min_scene_len=1, window_width=WINDOW, luma_only=compared == "brightness")
    waiting: deque[tuple[int, Frame]] = deque()
    shot = 0
    for index, (frame, small) in enumerate(_with_repeated_ends(frames)):
        cuts = {cut.frame_num for cut in detector.process_frame(FrameTimecode(index, fps=25.0), small)}
        if frame is not None:
            waiting.append((index, frame))
        # The detector speaks about the frame that it saw WINDOW frames ago.
        while waiting and waiting[0][0] <= index - WINDOW:
            number, decided = waiting.popleft()
            shot += number in cuts
            yield shot, decided


def _with_repeated_ends(frames: Iterable[Frame]) -> Iterator[tuple[Frame | None, np.ndarray]]:
    """Each frame with its small form; before the first and after the last, WINDOW times the small form alone."""
    small = None
    for frame in frames:
        before, small = small, _small_bgr(frame)
        if before is None:
            yield from [(None, small)] * WINDOW
        yield frame, small
    if small is not None:
        yield from [(None, small)] * WINDOW


def _small_bgr(frame: Thinnable) -> np.ndarray:
    height, width = frame.shape[:2]
    longer = max(height, width)
    step = max(1, longer // (2 * DETECTION_SIDE))  # averaging every pixel of a large frame costs as much as decoding it
    scale = min(1.0, DETECTION_SIDE / longer)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.cvtColor(cv2.resize(frame.thinned(step), size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR)
