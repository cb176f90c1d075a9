"""PSNR against the index of the frame: known curves."""

import numpy as np
import pytest

from bench.metrics.psnr_by_frame import by_frame, curve, summary


def test_clips_of_two_lengths():
    table = by_frame([[100, 40, 38], [100, 30, 26, 20]])
    assert np.isnan(table[0, 3]) and table[1].tolist() == [100, 30, 26, 20]
    assert curve(table).tolist() == [100, 35, 32]
    assert curve(table, clips="alive").tolist() == [100, 35, 32, 20]


def test_a_straight_line_in_three_numbers():
    """The given frame's 100 dB are in none of them."""
    assert summary([100, 40, 39.5, 39, 38.5]) == pytest.approx((-0.5, 39.25, 1.5))


def test_too_short_a_curve_is_an_error():
    with pytest.raises(ValueError, match="at least 3 frames"):
        summary([100, 40])
