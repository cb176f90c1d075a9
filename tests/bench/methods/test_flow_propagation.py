"""flow_propagation: exact flow carries colours exactly."""

import numpy as np
import pytest

from bench.methods.contract.method import Given
from bench.methods.contract.rows import load


def test_exact_flow_carries_the_colours(setting, toy_lab, toy_given):
    found = list(load("flow_propagation", {}, setting).colorize(iter(toy_lab[..., 0]), toy_given))
    np.testing.assert_array_equal(found[0], toy_lab[0][..., 1:])
    # Four steps of 2 px uncover the last 8 columns; everything else was in frame 0.
    np.testing.assert_allclose(found[4][:, :-8], toy_lab[4][:, :-8, 1:], atol=1e-4)


def test_flow_that_ends_early_is_an_error(setting, toy_lab):
    given = Given("clips", "a", first_frame=toy_lab[0], flow=iter(()))
    with pytest.raises(ValueError, match="shorter"):
        list(load("flow_propagation", {}, setting).colorize(iter(toy_lab[..., 0]), given))
