"""Finishing a frame: the smoother against a dense solution, the boost, the 8-bit result."""

import numpy as np
import pytest

from colorize.inference import finish


def dense_rows(values, coupling):
    """(I + L) x = values along each row, with a matrix for each."""
    solved = np.empty(values.shape)
    for row, (line, weights) in enumerate(zip(values, coupling, strict=True)):
        matrix = np.eye(len(line))
        for i, weight in enumerate(weights):
            matrix[i : i + 2, i : i + 2] += weight * np.array([[1, -1], [-1, 1]])
        solved[row] = np.linalg.solve(matrix, line)
    return solved


def test_rows_are_solved_each_for_itself():
    rng = np.random.default_rng(0)
    values, coupling = rng.normal(size=(4, 6, 2)), rng.uniform(0, 300, (4, 5))
    np.testing.assert_allclose(finish.smoothed_rows(values, coupling), dense_rows(values, coupling), atol=1e-10)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (5, 1)])
def test_a_frame_of_few_pixels_is_finished(size):
    ab = np.random.default_rng(0).normal(0, 20, (*size, 2)).astype(np.float32)
    finished = finish.finished(np.zeros(size, np.float32), ab)
    assert finished.shape == ab.shape and finished.dtype == np.float32
    np.testing.assert_allclose(finished.mean(axis=(0, 1)), 1.25 * ab.mean(axis=(0, 1)), rtol=1e-4)


def test_an_even_colour_stays_and_the_mean_is_kept():
    rng = np.random.default_rng(0)
    guide = rng.integers(0, 256, (20, 30), dtype=np.uint8)
    np.testing.assert_allclose(finish.smoothed(np.full((20, 30, 2), 7.0), guide), 7, atol=1e-4)
    values = rng.normal(size=(20, 30, 2))
    np.testing.assert_allclose(finish.smoothed(values, guide).mean(axis=(0, 1)), values.mean(axis=(0, 1)), atol=1e-5)


def test_colours_mix_inside_an_object_and_not_across_its_edge():
    guide = np.zeros((32, 32), np.uint8)
    guide[:, 16:] = 200
    noise = np.random.default_rng(0).normal(0, 5, (32, 32, 1))
    smoothed = finish.smoothed(noise + np.where(guide > 0, 40.0, -40.0)[..., None], guide)
    left, right = smoothed[:, :16], smoothed[:, 16:]
    assert left.std() < 1 and right.std() < 1
    assert right.mean() - left.mean() == pytest.approx(80, abs=2)


def test_a_finished_frame_is_a_quarter_more_saturated():
    ab = np.full((16, 16, 2), (20.0, -8.0), np.float32)
    finished = finish.finished(np.full((16, 16), 50, np.float32), ab)
    assert finished.dtype == np.float32
    np.testing.assert_allclose(finished, 1.25 * ab, rtol=1e-5)
