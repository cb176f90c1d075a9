"""PSNR against the index of the frame (Fig. 7): how fast the quality falls behind the given first frame."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

UNIT = "dB"
DIRECTION = "up"
SCOPE = "set"

Clips = Literal["shortest", "alive"]


class Summary(NamedTuple):
    """A curve in three numbers. `slope`: dB a frame, least squares; `mean`; `drop`: first less last, dB."""

    slope: float
    mean: float
    drop: float


def by_frame(clips: Sequence[Sequence[float]]) -> np.ndarray:
    """The PSNR of each frame of each clip as one array (clips, longest), NaN where a clip has ended."""
    table = np.full((len(clips), max(map(len, clips))), np.nan)
    for row, values in zip(table, clips, strict=True):
        row[: len(values)] = values
    return table


def curve(table: np.ndarray, clips: Clips = "shortest") -> np.ndarray:
    """The mean over clips for each frame, of a table as `by_frame` makes it.

    `shortest` stops where the first clip ends. `alive` averages those that go on, so that the curve also steps where
    a clip drops out; peers draw it this way.
    """
    if clips == "shortest":
        return table[:, ~np.isnan(table).any(axis=0)].mean(axis=0)
    return np.nanmean(table, axis=0)


def summary(values: np.ndarray) -> Summary:
    """Three numbers of a curve whose frame 0 is the given one: from frame 1 on. Raises ValueError under 3 frames."""
    if len(values) < 3:
        raise ValueError(f"expected a curve of at least 3 frames, the given one among them, got {len(values)}")
    frames = np.arange(1, len(values))
    slope = np.polynomial.Polynomial.fit(frames, values[1:], 1).convert().coef[-1]
    return Summary(float(slope), float(np.mean(values[1:])), float(values[1] - values[-1]))
