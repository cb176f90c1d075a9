"""copy_first: the first frame's colours on every frame."""

import numpy as np

from bench.methods.contract.rows import load


def test_colours_stay_in_place(setting, toy_lab, toy_given):
    found = list(load("copy_first", {}, setting).colorize(iter(toy_lab[..., 0]), toy_given))
    np.testing.assert_array_equal(found, np.broadcast_to(toy_lab[0][..., 1:], (5, 48, 64, 2)))
