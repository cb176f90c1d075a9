"""Warping error and Lai's occlusion rule: known answers."""

import numpy as np
import pytest

from bench.metrics.warp_error import lai_occluded, warp_error


def field(right: float = 0, down: float = 0, size=(12, 16)) -> np.ndarray:
    return np.full((*size, 2), (right, down), np.float32)


def test_known_difference():
    frame = np.zeros((12, 16, 3), np.uint8)
    later = frame.copy()
    later[..., 1] = 51  # 0.2 in one of three channels
    nothing = np.zeros((12, 16), bool)
    assert warp_error(frame, later, field(), nothing) == pytest.approx(0.04 / 3)
    later[:, 8:, 1] = 0
    half = nothing.copy()
    half[:, :8] = True
    assert warp_error(frame, later, field(), half) == 0
    assert warp_error(frame, later, field(), ~half) == pytest.approx(0.04 / 3)


def test_all_occluded_is_zero():
    black, white = np.zeros((12, 16, 3), np.uint8), np.full((12, 16, 3), 255, np.uint8)
    assert warp_error(black, white, field(), np.ones((12, 16), bool)) == 0


def test_what_moves_with_the_flow_has_no_error():
    texture = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    border = np.zeros((12, 16), bool)
    border[:, :2] = True
    assert warp_error(texture[:, :16], texture[:, 2:18], field(-2), border) == pytest.approx(0, abs=1e-9)
    assert warp_error(texture[:, :16], texture[:, 2:18], field(2), border) > 0.05


def test_consistent_motion_is_not_occluded_even_where_it_leaves_the_frame():
    assert not lai_occluded(field(), field()).any()
    assert not lai_occluded(field(5, -3), field(-5, 3)).any()


def test_inconsistent_motion_is_occluded():
    back = field(-4)
    back[3, 9] = 0  # reached from (3, 5)
    found = lai_occluded(field(4), back)
    assert np.argwhere(found).tolist() == [[3, 5]]
    # |w + w'|^2 = 0.49 is below 0.5 + 0.01 |w|^2, 0.72 above
    assert not lai_occluded(field(0.7), field()).any() and lai_occluded(field(0.85), field()).all()


def test_gradient_is_taken_forwards():
    flow = field()
    flow[:, 8:] = (0.2, 0)
    flow[6:, :, 1] += 0.2
    column, row = np.zeros((2, 12, 16), bool)
    column[:, 7], row[5] = True, True
    assert (lai_occluded(flow, -flow) == (column | row)).all()
