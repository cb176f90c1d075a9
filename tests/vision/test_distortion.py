"""Pseudo-video: the flow that comes with a pair is the motion that made it."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from media.flow_files import warp
from vision.distortion import inverse_flow, pseudo_pair, smooth_field


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
