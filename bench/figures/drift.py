"""Colour drift: how far a clip's colours have moved since its first frame, where the ground truth's have not.

The paper shows it in pictures alone (Figure 16); the measure is ours.
"""

from collections.abc import Iterable

import numpy as np

from media.color import lab_from_rgb

UNIT = "Lab units"


def mean_colors(frames: Iterable[np.ndarray]) -> np.ndarray:
    """Mean a and b of each frame, float64 (T, 2), Lab units. frames: uint8 RGB (H, W, 3), one at a time."""
    return np.array([lab_from_rgb(rgb)[..., 1:].mean(axis=(0, 1), dtype=np.float64) for rgb in frames]).reshape(-1, 2)


def drift(results: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """|e(t) - e(0)| for every frame (T,), Lab units, where e(t) is the mean colour of the result minus the truth's.

    A tint that stays the same is an error, but no drift: the value is 0. A clip without colours has the truth's own
    change as its drift. Local errors that cancel in the mean are not seen.
    results, truths: mean colours (T, 2) of the frames of one clip. Raises ValueError if their shapes differ.
    """
    if results.shape != truths.shape:
        raise ValueError(f"expected as many frames in result and truth, found {len(results)} and {len(truths)}")
    errors = results - truths
    return np.linalg.norm(errors - errors[:1], axis=1)
