"""Colourfulness M3: known answers."""

import numpy as np
import pytest

from bench.metrics.colorfulness_rgb import colorfulness_rgb


def test_one_colour_has_no_spread():
    assert colorfulness_rgb(np.full((6, 9, 3), (255, 0, 0), np.uint8)) == pytest.approx(0.3 * np.hypot(255, 127.5))


def test_signs_are_kept():
    """Red and cyan are opposite: their mean is grey and all is spread. Without signs there would be no spread."""
    halves = np.zeros((4, 6, 3), np.uint8)
    halves[:2], halves[2:] = (255, 0, 0), (0, 255, 255)
    assert colorfulness_rgb(halves) == pytest.approx(np.hypot(255, 127.5))


def test_grey_is_zero():
    assert colorfulness_rgb(np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)) == 0
