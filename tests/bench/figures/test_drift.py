"""Colour drift: the known drift of clips with a tint that stays, grows or comes back."""

import numpy as np
import pytest
from skimage.color import rgb2lab

from bench.figures.drift import drift, mean_colors
from media.color import with_luminance

RNG = np.random.default_rng(0)
TRUTHS = np.cumsum(RNG.normal(0, 1, (12, 2)), axis=0)  # the scene's own colours change, as a film's do


def test_a_tint_that_stays_is_no_drift():
    np.testing.assert_allclose(drift(TRUTHS + [9, -4], TRUTHS), 0, atol=1e-12)


def test_a_tint_that_grows_drifts_linearly():
    tints = np.arange(12)[:, None] * [0.3, 0.4] + [5, 5]
    np.testing.assert_allclose(drift(TRUTHS + tints, TRUTHS), 0.5 * np.arange(12), atol=1e-12)


def test_colours_that_come_back_have_drifted_in_between():
    """Red to blue and back to red, as in the paper's Figure 16."""
    angles = np.linspace(0, 2 * np.pi, 12)
    found = drift(TRUTHS + 10 * np.stack([np.cos(angles), np.sin(angles)], axis=1), TRUTHS)
    assert found[0] == 0 and found[-1] == pytest.approx(0, abs=1e-12)
    assert found.max() == pytest.approx(20, abs=0.5)


def test_a_clip_without_colours_drifts_as_the_scene_changes():
    np.testing.assert_allclose(drift(np.zeros((12, 2)), TRUTHS), np.linalg.norm(TRUTHS - TRUTHS[0], axis=1))


def test_lengths_that_differ_are_an_error():
    with pytest.raises(ValueError, match="12 and 11"):
        drift(TRUTHS, TRUTHS[:11])


def test_mean_colours_are_those_of_the_saved_frames():
    frames = RNG.integers(0, 256, (3, 8, 10, 3), dtype=np.uint8)
    expected = [rgb2lab(frame)[..., 1:].mean(axis=(0, 1)) for frame in frames]
    np.testing.assert_allclose(mean_colors(iter(frames)), expected, atol=1e-3)
    assert mean_colors([]).shape == (0, 2)


def test_drift_of_frames_with_a_growing_tint():
    luminance = RNG.uniform(40, 60, (8, 10)).astype(np.float32)
    grey, tinted = (
        [with_luminance(luminance, np.full((8, 10, 2), (t * step, 0), np.float32)) for t in range(5)] for step in (0, 2)
    )
    np.testing.assert_allclose(drift(mean_colors(tinted), mean_colors(grey)), 2 * np.arange(5), atol=0.2)
