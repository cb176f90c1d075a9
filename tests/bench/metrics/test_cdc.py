"""CDC: closed forms."""

import numpy as np
import pytest

from bench.metrics.cdc import STEPS, RunningCdc, cdc, divergences, histograms


def one_color(*colors) -> np.ndarray:
    """Histograms of frames that have one colour each."""
    return np.stack([histograms(np.full((4, 6, 3), color, np.uint8)) for color in colors])


def test_shares_of_levels():
    rgb = np.zeros((2, 2, 3), np.uint8)
    rgb[0, 0] = (255, 7, 0)
    shares = histograms(rgb)
    assert shares.shape == (3, 256) and shares.sum(axis=1).tolist() == [1, 1, 1]
    assert (shares[0, 255], shares[1, 7], shares[2, 0]) == (0.25, 0.25, 1)


def test_disjoint_and_overlapping_histograms():
    half = np.zeros((4, 6, 3), np.uint8)
    half[:2, :, 0] = 9
    shares = np.stack([histograms(half * 0), histograms(half)])
    # P = (1, 0), Q = (1/2, 1/2), M = (3/4, 1/4)
    expected = (np.log(4 / 3) + np.log(2 / 3) / 2 + np.log(2) / 2) / 2
    assert divergences(shares, 1) == pytest.approx(np.array([[expected], [0], [0]]))
    assert divergences(one_color((0, 0, 0), (1, 0, 0)), 1)[0] == pytest.approx(np.log(2))


def test_alternating_red_and_blue():
    """Step 1 sees ln 2 in R and B, steps 2 and 4 nothing."""
    found = cdc(one_color(*[(255, 0, 0), (0, 0, 255)] * 3))
    assert found == pytest.approx([np.log(2) / 3, 0, np.log(2) / 3])
    assert found.mean() == pytest.approx(2 * np.log(2) / 9)


def test_a_still_clip_is_zero_also_where_frames_differ_in_place_only():
    rgb = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    assert cdc(np.stack([histograms(np.roll(rgb, t, axis=1)) for t in range(5)])).tolist() == [0, 0, 0]


def test_fewer_than_five_frames_are_refused():
    with pytest.raises(ValueError, match="at least 5 frames, got 4"):
        cdc(one_color(*[(0, 0, 0)] * 4))


@pytest.mark.parametrize("n_frames", [5, 6, 17])
def test_frame_by_frame_it_is_the_same(n_frames):
    frames = np.random.default_rng(n_frames).integers(0, 256, (n_frames, 6, 7, 3), dtype=np.uint8)
    running = RunningCdc()
    for count, rgb in enumerate(frames, start=1):
        assert (running.value() is None) == (count <= max(STEPS) + 1)
        running.add(rgb)
    expected = cdc(np.stack([histograms(rgb) for rgb in frames])).mean()
    assert running.value() == pytest.approx(expected, rel=1e-12)
