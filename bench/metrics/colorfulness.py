"""Colourfulness of Hasler and Suesstrunk (2003) in CIELAB, their M1: the form behind the paper's Table 1.

Later papers report the RGB form M3, about twice this scale: the two must never share a column.
"""

import numpy as np

from media.color import lab_from_rgb

UNIT = "Lab units"
DIRECTION = "near ground truth"
SCOPE = "frame"


def colorfulness(rgb: np.ndarray) -> float:
    """M1 = sqrt(var a + var b) + 0.37 sqrt(mean(a)^2 + mean(b)^2) of a saved 8-bit picture, uint8 RGB (H, W, 3).

    Sample variances, as in the paper's code. It is measured after the 8-bit file, because colours outside
    the sRGB gamut, which no screen shows, would inflate it. Neutral grey is up to 0.005, not 0 (matrix rounding).
    """
    return colorfulness_of_ab(lab_from_rgb(rgb)[..., 1:])


def colorfulness_of_ab(ab: np.ndarray) -> float:
    """The same from the picture's a and b, (H, W, 2) Lab units."""
    ab = ab.reshape(-1, 2).astype(np.float64)
    spread = np.sqrt(ab.var(axis=0, ddof=1).sum())
    return float(spread + 0.37 * np.linalg.norm(ab.mean(axis=0)))
