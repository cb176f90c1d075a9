"""Colourfulness M1: known answers."""

import numpy as np
import pytest

from bench.metrics.colorfulness import colorfulness
from media.color import lab_from_rgb


def test_one_colour_has_no_spread():
    red = np.full((8, 8, 3), (255, 0, 0), np.uint8)
    a, b = lab_from_rgb(red)[0, 0, 1:]
    assert colorfulness(red) == pytest.approx(0.37 * np.hypot(a, b), rel=1e-5)


def test_grey_is_almost_zero():
    grey = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    assert colorfulness(grey) < 0.01
