"""fusion: who is believed where."""

import numpy as np
import pytest

from bench.methods.contract.rows import load
from bench.methods.fusion import matched_share


def test_share_of_the_matched_colour():
    difference = np.array([[0.0, 4.0, 40.0, 0.0]], np.float32)
    visible = np.array([[True, True, True, False]])
    assert matched_share(difference, visible)[0] == pytest.approx([0.1, 1 - 0.9 / np.e, 1, 1], rel=1e-6)


def test_follows_exact_flow_and_matches_what_it_uncovers(setting, toy_lab, toy_given):
    found = list(load("fusion", {}, setting).colorize(iter(toy_lab[..., 0]), toy_given))
    np.testing.assert_array_equal(found[0], toy_lab[0][..., 1:])
    matched = list(load("nn_match", {}, setting).colorize(iter(toy_lab[..., 0]), toy_given))
    # Flow is exact and visible but for the last two columns, so 0.9 of the true colour is kept there.
    expected = 0.9 * toy_lab[1][:, :-2, 1:] + 0.1 * matched[1][:, :-2]
    np.testing.assert_allclose(found[1][:, :-2], expected, atol=1e-3)
    np.testing.assert_allclose(found[1][:, -2:], matched[1][:, -2:], atol=1e-3)
