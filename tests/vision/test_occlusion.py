"""The Ruder mask against the maps of the authors' own program."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.ndimage import correlate1d, gaussian_filter1d

from media.flow_files import warp
from vision.flow_estimators import dis
from vision.occlusion import ruder_map, ruder_visible, ruder_visible_both

VECTORS = np.load(Path(__file__).with_name("ruder2016.npz"))
MORE_VECTORS = np.load(Path(__file__).with_name("flow_vectors.npz"))


def in_double_precision(flow: np.ndarray, flow_back: np.ndarray) -> np.ndarray:
    """The rule of section 3 written down step by step, the mask in float64."""
    flow = flow.astype(np.float64)
    back = warp(flow_back, flow).astype(np.float64)
    motion, back_motion = (flow**2).sum(-1), (back**2).sum(-1)
    inconsistent = ((flow + back) ** 2).sum(-1) >= 0.01 * (motion + back_motion) + 0.5
    gradients = [correlate1d(flow, [-0.5, 0, 0.5], axis=axis, mode="reflect") for axis in (0, 1)]
    boundary = sum((gradient**2).sum(-1) for gradient in gradients) > 0.01 * motion + 0.002
    at = np.floor(np.moveaxis(np.mgrid[: flow.shape[0], : flow.shape[1]], 0, -1) + flow[..., ::-1])
    outside = ((at < 0) | (at + 1 >= flow.shape[:2])).any(-1)
    reliability = np.select([outside, inconsistent, boundary], [0.0, -255.0, 0.0], 255.0)
    for axis in (0, 1):
        reliability = gaussian_filter1d(reliability, 0.8, axis=axis, mode="reflect", radius=2)
    return reliability >= 240


@pytest.mark.parametrize("case", ["clipA", "clipB", "zero_flow", "constant_translation", "ruder2016"])
def test_equals_the_authors_program(case):
    vectors = MORE_VECTORS if case == "ruder2016" else VECTORS
    forward, backward, expected = (vectors[f"{case}/{name}"] for name in ("fw", "bw", "map"))
    pairs = list(zip(forward, backward, strict=True)) if forward.ndim == 4 else [(forward, backward)]
    got = np.stack([ruder_map(fw, bw) for fw, bw in pairs]).reshape(expected.shape)
    assert np.abs(got.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(got >= 240, expected >= 240)
    masks = np.stack([ruder_visible(fw, bw) for fw, bw in pairs]).reshape(expected.shape)
    np.testing.assert_array_equal(masks, expected >= 240)


def test_single_precision_decides_as_double(moving):
    """On measured flows, and on flows in quarters of a pixel, where many comparisons are ties."""
    frames = [frame[..., 0].copy() for frame in moving(0, 6, step=3, height=136, width=200)]
    frames[3] = frames[3][::-1].copy()  # a cut
    pairs = [(dis(a, b), dis(b, a)) for a, b in pairwise(frames)]
    rng = np.random.default_rng(0)
    for height, width in rng.integers(2, 60, (60, 2)):
        flow = cv2.resize(rng.normal(size=(8, 8, 2)) * rng.uniform(0.1, 8), (int(width), int(height)))
        back = rng.normal(size=flow.shape) * 0.3 - flow
        pairs += [(flow, back), (np.rint(4 * flow) / 4, np.rint(4 * back) / 4)]
    for flow, back in pairs:
        flow, back = np.float32(flow), np.float32(back)
        np.testing.assert_array_equal(ruder_visible(flow, back), in_double_precision(flow, back))


def test_both_directions_are_each_on_their_own_grid():
    forward, backward = VECTORS["clipA/fw"][0], VECTORS["clipA/bw"][0]
    masks = ruder_visible_both(forward, backward)
    np.testing.assert_array_equal(masks, [ruder_visible(forward, backward), ruder_visible(backward, forward)])


@pytest.mark.parametrize("motion", [-1e-6, 0.0, 1e-6])
def test_the_last_row_and_column_need_a_neighbour(motion):
    """However little something moves: towards the frame's inside it has one, otherwise none."""
    flow = np.full((9, 9, 2), motion, np.float32)
    visible = ruder_visible(flow, -flow)
    assert visible[4, 4] and visible[-1, -1] == (motion < 0)


@pytest.mark.filterwarnings("error")
def test_along_a_flow_that_is_no_number_nothing_is_visible():
    flow = np.zeros((20, 30, 2), np.float32)
    flow[8, 9], flow[12, 20] = np.nan, np.inf
    visible = ruder_visible(flow, np.zeros_like(flow))
    assert not visible[8, 9] and not visible[12, 20] and visible[4, 4]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_frames_without_an_inside(size):
    flow = np.zeros((*size, 2), np.float32)
    assert ruder_map(flow, flow).shape == size and not ruder_visible(flow, flow)[-1, -1]


def test_flows_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match=r"\(4, 5, 2\) and flow_back of shape \(4, 6, 2\)"):
        ruder_visible(np.zeros((4, 5, 2), np.float32), np.zeros((4, 6, 2), np.float32))


def test_a_covered_object_is_not_visible():
    """A square moves over a still background: what it covers has no counterpart in the next frame."""
    forward, backward = np.zeros((40, 60, 2), np.float32), np.zeros((40, 60, 2), np.float32)
    forward[10:30, 10:30, 0] = 8
    backward[10:30, 18:38, 0] = -8
    visible = ruder_visible(forward, backward)
    assert not visible[12:28, 31:37].any()  # covered next
    assert visible[14:26, 14:26].all()  # inside the square
    assert visible[34:38, 4:50].all()  # still background
