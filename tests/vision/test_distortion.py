"""Pseudo-video: the flow that comes with a pair is the motion that made it."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from media.flow_files import warp
from vision.distortion import forward_warp, inverse_flow, pseudo_pair, smooth_field, still_seen


@pytest.fixture
def photo():
    noise = np.random.default_rng(0).normal(size=(160, 240, 3))
    smooth = gaussian_filter(noise, (4, 4, 0))
    return np.uint8(255 * (smooth - smooth.min()) / np.ptp(smooth))


def test_current_warped_back_is_last(photo):
    pair = pseudo_pair(photo, (96, 128), 4.0, np.random.default_rng(3))
    assert np.abs(pair.flow).max() > 2  # there is motion to undo
    back = warp(pair.current.astype(np.float32), pair.flow)
    inside = pair.visible[2:-2, 2:-2]
    error = np.abs(back - pair.last)[2:-2, 2:-2][inside]
    assert error.mean() < 1.0 and np.percentile(error, 99) < 6
    still = np.abs(pair.current.astype(float) - pair.last)[2:-2, 2:-2][inside]
    assert error.mean() < still.mean() / 5


def test_last_warped_back_is_current(photo):
    """The other direction is the field that made the pair: exact but for the rounding to 8 bits."""
    pair = pseudo_pair(photo, (96, 128), 4.0, np.random.default_rng(3))
    back = warp(pair.last.astype(np.float32), pair.flow_back)
    inside = pair.visible_back[2:-2, 2:-2]
    error = np.abs(back - pair.current)[2:-2, 2:-2][inside]
    still = np.abs(pair.last.astype(float) - pair.current)[2:-2, 2:-2][inside]
    assert error.mean() < 1.0 and error.mean() < still.mean() / 5


def test_there_and_back_leads_to_where_one_was(photo):
    pair = pseudo_pair(photo, (96, 128), 4.0, np.random.default_rng(3))
    both = pair.flow + warp(pair.flow_back, pair.flow)
    assert np.abs(both[pair.visible]).max() < 0.05


@pytest.mark.parametrize("direction", ["", "_back"])
def test_what_leaves_the_frame_is_not_visible(photo, direction):
    pair = pseudo_pair(photo, (96, 128), 4.0, np.random.default_rng(3))
    flow, visible = getattr(pair, f"flow{direction}"), getattr(pair, f"visible{direction}")
    rows, columns = np.mgrid[:96, :128]
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    np.testing.assert_array_equal(visible, (x >= 0) & (x <= 127) & (y >= 0) & (y <= 95))
    assert 0.02 < (~visible).mean() < 0.5  # this pair's motion carries something out


def test_inverse_flow_undoes_the_field():
    backward = smooth_field((96, 128), 2.0, np.random.default_rng(0))
    forward = inverse_flow(backward)
    residual = np.abs(forward + warp(backward, forward))[20:-20, 20:-20]
    assert residual.max() < 0.01


def test_spread_follows_the_published_strength():
    """Interior spread about 3.3 px for strength 1, proportional to it."""
    spread = np.mean([smooth_field((216, 384), 1.0, np.random.default_rng(k)).std() for k in range(60)])
    assert spread == pytest.approx(3.3, rel=0.15)
    strong = smooth_field((216, 384), 4.0, np.random.default_rng(1))
    np.testing.assert_allclose(
        strong, 4 * smooth_field((216, 384), 1.0, np.random.default_rng(1)), rtol=1e-4, atol=1e-5
    )


def test_a_seed_makes_the_same_pair(photo):
    first, second = (pseudo_pair(photo, (64, 96), 4.0, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first.current, second.current)
    np.testing.assert_array_equal(first.flow, second.flow)


def test_a_small_photograph_is_refused(photo):
    with pytest.raises(ValueError, match="smaller than the frame"):
        pseudo_pair(photo, (200, 300), 1.0, np.random.default_rng(0))


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
