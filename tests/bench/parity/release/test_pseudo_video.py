"""The published program's pseudo-video: pictures go where the flow says, and what is lost is no longer seen."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bench.parity.release.pseudo_video import forward_warp, still_seen


@pytest.fixture
def photo():
    noise = np.random.default_rng(0).normal(size=(160, 240, 3))
    smooth = gaussian_filter(noise, (4, 4, 0))
    return np.uint8(255 * (smooth - smooth.min()) / np.ptp(smooth))


def test_forward_warp_moves_the_picture_along_the_flow(photo):
    flow = np.full((*photo.shape[:2], 2), (5.0, -3.0))
    moved = forward_warp(photo, flow)
    assert np.array_equal(moved[:-3, 5:], photo[3:, :-5])
    mirrored = photo[::-1][:3]  # below the border
    assert np.array_equal(moved[-3:, 5:], mirrored[:, :-5])


def test_what_left_the_frame_or_changed_is_no_longer_seen(photo):
    flow = np.full((*photo.shape[:2], 2), (5.0, -3.0))
    moved = forward_warp(photo, flow)
    moved[40:50, 60:80] = 255 - moved[40:50, 60:80]
    seen = still_seen(photo, moved, flow)
    assert not seen[:3].any() and not seen[:, -5:].any()  # it left above and to the right
    assert seen[60:, :50].all() and seen[45:51, 60:70].mean() < 0.5


def test_forward_warp_survives_a_flow_that_folds_and_leaves(photo):
    flow = np.random.default_rng(0).integers(-300, 300, (*photo.shape[:2], 2)).astype(np.float32)
    assert forward_warp(photo, flow).shape == photo.shape
