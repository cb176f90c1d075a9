"""Flicker: Eq. 13 of the paper over one pair of adjacent frames, in the readings that its text allows.

As in the paper's released code the later frame is warped back to the earlier one and compared on its grid. The
headline of the tables is `flicker_rms`. Ground truth is not 0, so values are compared through their ratio to it.
"""

import numpy as np

from media.flow_files import warp

UNIT = "Lab units"
DIRECTION = "down"
SCOPE = "pair"

# A pair with less visible area than this says nothing and is skipped.
MIN_VISIBLE = 0.01


def flicker(ab: np.ndarray, ab_next: np.ndarray, flow: np.ndarray, visible: np.ndarray) -> dict[str, float] | None:
    """All readings of Eq. 13 for frames t and t+1; None where under 1 % of the pixels are visible.

    ab, ab_next: (H, W, 2), Lab units. flow: (H, W, 2), from t to t+1 on the grid of t, pixels. visible: bool (H, W),
    as vision/occlusion.py judges it.
    """
    return None if visible.sum() < MIN_VISIBLE * visible.size else readings(ab, ab_next, flow, visible)


def readings(ab: np.ndarray, ab_next: np.ndarray, flow: np.ndarray, visible: np.ndarray) -> dict[str, float]:
    """The same for any mask; without a visible pixel, readings over the mask are NaN.

    With d the masked difference and S = sum d^2:
    flicker_mse_all = S / 2HW (the code's training term), flicker_mse_masked = S / 2|visible|,
    flicker_rms = sqrt(flicker_mse_masked), flicker_fro128 = sqrt(S) / 128 (grows with the frame's area),
    flicker_l1_masked = sum |d| / 2|visible|, flicker_l1_all = sum |d| / 2HW.
    """
    n_visible, area = int(visible.sum()) or np.nan, visible.size
    difference = (warp(ab_next, flow, outside="zeros") - ab)[visible].astype(np.float64)  # (|visible|, 2)
    squares, absolutes = float((difference**2).sum()), float(np.abs(difference).sum())
    return {
        "flicker_rms": np.sqrt(squares / (2 * n_visible)),
        "flicker_mse_all": squares / (2 * area),
        "flicker_mse_masked": squares / (2 * n_visible),
        "flicker_fro128": np.sqrt(squares) / 128,
        "flicker_l1_masked": absolutes / (2 * n_visible),
        "flicker_l1_all": absolutes / (2 * area),
    }


def ratio_to_truth(flicker_of_set: float, truth_of_set: float) -> float:
    """A row's flicker as a multiple of the ground truth's in the same reading, which alone compares with the paper.

    Raises ValueError where the ground truth has none, which real frames and flows never have.
    """
    if not truth_of_set > 0:
        raise ValueError(
            f"the ground truth's flicker is {truth_of_set:g}; expected more than 0: is it the ground truth?"
        )
    return flicker_of_set / truth_of_set
