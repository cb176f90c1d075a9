"""bonneel2015: the exact solution, and the flicker that it takes out of a row."""

from pathlib import Path

import numpy as np
import pytest

from bench.methods.bonneel2015 import grey, laplacian, solve, weights
from bench.methods.contract.method import Given
from bench.methods.contract.rows import load
from media.flow_files import warp


@pytest.fixture(scope="module")
def vectors():
    with np.load(Path(__file__).parents[1] / "parity/baselines.npz") as arrays:
        yield arrays


def smoothed(toy_lab, steps, processed):
    given = Given("clips", "toy", flow=iter(steps), processed=iter(processed))
    return list(load("bonneel2015", {}).colorize(iter(toy_lab[..., 0]), given))


def test_equals_the_exact_solution(vectors):
    current, previous, processed, last, flow = (
        vectors[f"bonneel2015.{name}"] for name in ("V_cur", "V_prev", "P_cur", "O_prev", "flow_cur_to_prev")
    )
    weight = weights(current, previous, flow)
    expected = vectors["bonneel2015.weight"]
    assert np.abs(weight - expected).max() <= 1e-4 * expected.std()
    np.testing.assert_allclose(solve(processed, warp(last, flow), weight), vectors["bonneel2015.O_cur"], atol=1e-3)


def test_weight_falls_with_the_difference_and_ends_near_the_border():
    previous = np.zeros((8, 9, 3))
    current = previous + 0.05 / 3**0.5  # a distance of s
    weight = weights(current, previous, np.zeros((8, 9, 2)))
    assert (weight > 0).sum() == 4 * 5
    assert weight[4, 4] == pytest.approx(np.exp(-0.5), rel=1e-6)
    assert weights(current, previous, np.full((8, 9, 2), (20, 0))).max() == 0


def test_laplacian_sums_differences_to_the_neighbours():
    picture = np.random.default_rng(0).random((4, 5))
    found = (laplacian((4, 5)) @ picture.ravel()).reshape(4, 5)
    padded = np.pad(picture, 1, mode="edge")
    expected = 4 * picture - padded[:-2, 1:-1] - padded[2:, 1:-1] - padded[1:-1, :-2] - padded[1:-1, 2:]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("weight", [0, 1e-30, 1e-16])
def test_without_a_match_the_processed_frame_stays(weight):
    """The Laplacian alone is singular, and a weight of a rounding error must not decide either."""
    processed = np.random.default_rng(0).random((4, 4, 2))
    np.testing.assert_allclose(solve(processed, processed + 1, np.full((4, 4), weight)), processed, atol=1e-6)


def test_one_believed_pixel_moves_the_whole_frame():
    """Gradients are kept, so a frame that is off by a constant moves as a whole."""
    processed, weight = np.random.default_rng(0).random((6, 7, 2)), np.zeros((6, 7))
    weight[3, 3] = 1
    np.testing.assert_allclose(solve(processed, processed + 0.5, weight), processed + 0.5, atol=1e-5)


def test_a_row_that_flickers_becomes_constant(toy_lab, toy_given):
    """The true colours, shifted on every other frame: the first frame's shift is kept on all of them."""
    steps = list(toy_given.flow)
    shift = np.float32([8, 0, 8, 0, 8])
    processed = [lab[..., 1:] + s for lab, s in zip(toy_lab, shift, strict=True)]
    found = smoothed(toy_lab, steps, processed)
    assert all(ab.dtype == np.float32 for ab in found)
    np.testing.assert_array_equal(found[0], processed[0])
    for ab, lab in zip(found, toy_lab, strict=True):
        np.testing.assert_allclose(ab - lab[..., 1:], 8, atol=1)


def test_each_frame_is_held_to_the_result_and_the_input_before_it(toy_lab, toy_given):
    steps = list(toy_given.flow)
    processed = np.random.default_rng(0).normal(0, 20, (5, 48, 64, 2)).astype(np.float32)
    found = smoothed(toy_lab, steps, processed)
    for t, step in enumerate(steps, start=1):
        weight = weights(grey(toy_lab[t][..., 0]), grey(toy_lab[t - 1][..., 0]), step.flow)
        expected = solve(processed[t], warp(found[t - 1], step.flow), weight)
        np.testing.assert_allclose(found[t], expected, atol=1e-4)


def test_a_steady_row_is_left_alone(toy_lab, toy_given):
    found = smoothed(toy_lab, list(toy_given.flow), [lab[..., 1:] for lab in toy_lab])
    np.testing.assert_allclose(np.stack(found), toy_lab[..., 1:], atol=0.5)
