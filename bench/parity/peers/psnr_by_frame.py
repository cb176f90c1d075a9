"""The curve of Figure 7 as peers draw it, for comparison; ours is bench/figures/figure7.py."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

Clips = Literal["shortest", "alive"]


def by_frame(clips: Sequence[Sequence[float]]) -> np.ndarray:
    """The PSNR of each frame of each clip as one array (clips, longest), NaN where a clip has ended."""
    table = np.full((len(clips), max(map(len, clips))), np.nan)
    for row, values in zip(table, clips, strict=True):
        row[: len(values)] = values
    return table


def curve(table: np.ndarray, clips: Clips) -> np.ndarray:
    """The mean over clips for each frame, of a table as `by_frame` makes it.

    `shortest` stops where the first clip ends. `alive` averages those that go on, so that the curve also steps where
    a clip drops out.
    """
    if clips == "shortest":
        return table[:, ~np.isnan(table).any(axis=0)].mean(axis=0)
    return np.nanmean(table, axis=0)
