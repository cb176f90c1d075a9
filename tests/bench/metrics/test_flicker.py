"""Flicker: known answers."""

import numpy as np
import pytest

from bench.metrics.flicker import flicker, ratio_to_truth, readings


def test_known_difference():
    ab, still = np.zeros((10, 20, 2), np.float32), np.zeros((10, 20, 2), np.float32)
    ab_next = ab.copy()
    ab_next[..., 0] = 3
    half = np.zeros((10, 20), bool)
    half[:5] = True
    found = flicker(ab, ab_next, still, half)  # S = 100 pixels x 9
    assert found == pytest.approx(
        {
            "flicker_rms": np.sqrt(4.5),
            "flicker_mse_all": 2.25,
            "flicker_mse_masked": 4.5,
            "flicker_fro128": 30 / 128,
            "flicker_l1_masked": 1.5,
            "flicker_l1_all": 0.75,
        }
    )


def test_colour_that_moves_with_the_flow_does_not_flicker():
    texture = np.random.default_rng(0).normal(size=(12, 30, 2)).astype(np.float32) * 20
    flow = np.zeros((12, 24, 2), np.float32)
    flow[..., 0] = -3  # the later frame is cut 3 pixels further right
    mask = np.ones((12, 24), bool)
    mask[:, :3] = False
    assert flicker(texture[:, :24], texture[:, 3:27], flow, mask)["flicker_rms"] == pytest.approx(0, abs=1e-5)
    assert flicker(texture[:, :24], texture[:, 3:27], -flow, mask)["flicker_rms"] > 5


def test_outside_the_frame_is_zero():
    ab = np.full((4, 4, 2), 10, np.float32)
    flow = np.full((4, 4, 2), 100, np.float32)
    assert flicker(ab, ab, flow, np.ones((4, 4), bool))["flicker_rms"] == pytest.approx(10)


def test_pair_without_valid_pixels_is_skipped():
    ab, flow = np.zeros((20, 20, 2), np.float32), np.zeros((20, 20, 2), np.float32)
    mask = np.zeros((20, 20), bool)
    mask[0, :3] = True  # 3 of 400
    assert flicker(ab, ab, flow, mask) is None
    mask[0, 3] = True
    assert flicker(ab, ab, flow, mask) is not None


def test_readings_without_a_valid_pixel():
    ab, flow = np.ones((4, 4, 2), np.float32), np.zeros((4, 4, 2), np.float32)
    found = readings(ab, 2 * ab, flow, np.zeros((4, 4), bool))
    assert found["flicker_mse_all"] == 0 and np.isnan(found["flicker_rms"])


def test_ratio_to_the_truth():
    assert ratio_to_truth(5.84, 5.22) == pytest.approx(1.119, abs=5e-4)  # the paper's row "ours"
    with pytest.raises(ValueError, match="ground truth's flicker is 0"):
        ratio_to_truth(1, 0)
