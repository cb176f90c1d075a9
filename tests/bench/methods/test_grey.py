"""grey: no colour."""

import numpy as np

from bench.methods.contract.rows import load


def test_no_colour(setting, toy_lab, toy_given):
    found = list(load("grey", {}, setting).colorize(iter(toy_lab[..., 0]), toy_given))
    assert len(found) == 5 and not np.any(found)
