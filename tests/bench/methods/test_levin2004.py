"""levin2004: the exact solution, and what it does for a clip."""

from pathlib import Path

import numpy as np
import pytest

from bench.methods.contract.method import Given
from bench.methods.contract.rows import load
from bench.methods.levin2004 import neighbor_shares, solve
from media.flow_files import FlowBack, warp


@pytest.fixture(scope="module")
def vectors():
    with np.load(Path(__file__).parents[1] / "parity/baselines.npz") as arrays:
        yield arrays


def color(toy_lab, first_frame, steps):
    given = Given("clips", "toy", first_frame=first_frame, flow=iter(steps))
    return list(load("levin2004", {}).colorize(iter(toy_lab[..., 0]), given))


def test_equals_the_exact_solution(vectors):
    luminance, marks, mask = (vectors[f"levin2004.{name}"] for name in ("Y", "IQ_scribble", "mask"))
    np.testing.assert_allclose(solve(luminance, marks, mask), vectors["levin2004.IQ_solution"], atol=1e-4)


def two_regions() -> tuple[np.ndarray, np.ndarray]:
    """Luminance of a dark left and a light right half with a little texture, and their colours."""
    luminance = np.full((30, 40), 0.2) + np.random.default_rng(0).normal(0, 0.01, (30, 40))
    luminance[:, 20:] += 0.5
    chroma = np.zeros((30, 40, 2))
    chroma[:, :20], chroma[:, 20:] = (30, -20), (-40, 10)
    return luminance, chroma


def test_a_stroke_in_each_region_colours_it():
    luminance, chroma = two_regions()
    mask = np.zeros(luminance.shape, bool)
    mask[10:20, [5, 35]] = True
    found = solve(luminance, np.where(mask[..., None], chroma, 0), mask)
    np.testing.assert_allclose(found, chroma, atol=3)


def test_marked_pixels_keep_their_colours():
    luminance, chroma = two_regions()
    np.testing.assert_array_equal(solve(luminance, chroma, np.ones(luminance.shape, bool)), chroma)
    mask = np.random.default_rng(1).random(luminance.shape) < 0.3
    np.testing.assert_array_equal(solve(luminance, chroma, mask)[mask], chroma[mask])


def test_a_flat_region_without_a_mark_takes_the_colours_around_it():
    """However sharp its edge: a single black pixel is the hardest case."""
    luminance = np.ones((12, 12))
    luminance[5, 5], luminance[8:, 8:] = 0, 0
    mask = np.zeros(luminance.shape, bool)
    mask[0] = True
    found = solve(luminance, np.full((12, 12, 2), (20.0, -10.0)), mask)
    np.testing.assert_allclose(found, np.broadcast_to((20, -10), found.shape), atol=1e-3)


def test_no_mark_is_an_error():
    with pytest.raises(ValueError, match="no pixel is marked"):
        solve(np.zeros((4, 4)), np.zeros((4, 4, 2)), np.zeros((4, 4), bool))


def test_shares_follow_likeness():
    luminance = np.full((3, 3), 0.5)
    luminance[1, 2] = 0.9
    shares = neighbor_shares(luminance).toarray()
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert shares[4, 5] < 0.02 * shares[4, 3]
    assert (shares[0] > 0).sum() == 3  # a corner


def test_reliable_pixels_follow_the_flow_and_the_rest_is_solved(toy_lab, toy_given):
    steps = list(toy_given.flow)
    found = color(toy_lab, toy_lab[0], steps)
    assert len(found) == len(toy_lab) and all(ab.dtype == np.float32 for ab in found)
    np.testing.assert_array_equal(found[0], toy_lab[0][..., 1:])
    for t, step in enumerate(steps, start=1):
        carried = warp(found[t - 1], step.flow)
        np.testing.assert_array_equal(found[t][step.visible], carried[step.visible])
        expected = solve(toy_lab[t][..., 0] / 100, carried, step.visible)
        np.testing.assert_allclose(found[t], expected, atol=1e-4)
        assert not np.allclose(found[t][~step.visible], carried[~step.visible])


def test_a_frame_without_reliable_flow_keeps_the_warped_colours(toy_lab, toy_given):
    flow = next(toy_given.flow).flow
    lost = FlowBack(flow, np.zeros(flow.shape[:2], bool))
    found = color(toy_lab[:2], toy_lab[0], [lost])
    np.testing.assert_array_equal(found[1], warp(found[0], flow))
