"""CDC, colour distribution consistency (TCVC, Liu et al. 2021; NTIRE 2023): do the histograms of a clip hold still?

It needs no reference and rewards nothing but stillness: a grey clip scores like the ground truth.
"""

from collections import deque

import numpy as np
from scipy.special import rel_entr

UNIT = "nats"
DIRECTION = "down"
SCOPE = "clip"

STEPS = (1, 2, 4)


def histograms(rgb: np.ndarray) -> np.ndarray:
    """Shares of the 256 levels in each channel of a saved 8-bit frame, uint8 RGB (H, W, 3): float64 (3, 256)."""
    channels = rgb.reshape(-1, 3).T
    return np.stack([np.bincount(levels, minlength=256) / levels.size for levels in channels])


def divergences(shares: np.ndarray, step: int) -> np.ndarray:
    """Jensen-Shannon divergence of frames i and i + step in each channel: (3, T - step) from shares (T, 3, 256).

    Natural logarithm, 0 log 0 = 0, so 0 <= JS <= ln 2; it is the divergence, not its root.
    """
    earlier, later = shares[:-step], shares[step:]
    middle = (earlier + later) / 2
    return (rel_entr(earlier, middle) + rel_entr(later, middle)).sum(axis=-1).T / 2


def cdc(shares: np.ndarray) -> np.ndarray:
    """CDC of a clip in R, G and B: (3,) from the histograms of its frames (T, 3, 256).

    The mean over all pairs of a step, then over the steps 1, 2 and 4. A set's value is the mean over its clips in
    each channel, then over the channels. Raises ValueError under 5 frames, where others go on with NaN.
    """
    if len(shares) <= max(STEPS):
        raise ValueError(f"CDC needs a clip of at least {max(STEPS) + 1} frames, got {len(shares)}: leave it out")
    return np.mean([divergences(shares, step).mean(axis=1) for step in STEPS], axis=0)


class RunningCdc:
    """`cdc` of a clip whose frames come one after the other: only the last few histograms are kept."""

    def __init__(self) -> None:
        self._latest: deque[np.ndarray] = deque(maxlen=max(STEPS) + 1)
        self._sums = np.zeros((len(STEPS), 3))
        self._n_frames = 0

    def add(self, rgb: np.ndarray) -> None:
        """The next frame, uint8 RGB (H, W, 3)."""
        self._latest.append(histograms(rgb))
        self._n_frames += 1
        for sums, step in zip(self._sums, STEPS, strict=True):
            if len(self._latest) > step:
                sums += divergences(np.stack([self._latest[-1 - step], self._latest[-1]]), 1)[:, 0]

    def value(self) -> float | None:
        """The mean over the three channels; None under 5 frames."""
        if self._n_frames <= max(STEPS):
            return None
        pairs = self._n_frames - np.array(STEPS)
        return float((self._sums / pairs[:, None]).mean())
