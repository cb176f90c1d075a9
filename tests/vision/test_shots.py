"""Shots: cuts in colour and in grey, near the ends, and none where there is only motion."""

import cv2
import numpy as np
import pytest

from vision.shots import find_shots


def grey(frames):
    return [np.repeat(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=-1) for frame in frames]


@pytest.mark.parametrize("compared", ["color", "brightness"])
@pytest.mark.parametrize("at", [1, 2, 5, 18, 19])
def test_cuts_are_found_near_the_ends_too(moving, at, compared):
    frames = moving(1, at) + moving(2, 20 - at)
    assert find_shots(iter(frames), compared) == [range(at), range(at, 20)]


@pytest.mark.parametrize("compared", ["color", "brightness"])
def test_fast_motion_is_no_cut(moving, compared):
    assert find_shots(iter(moving(4, 30, step=12, height=90, width=160)), compared) == [range(30)]


def test_a_cut_between_grey_frames_shows_in_their_brightness(moving):
    """Averaged with hue and saturation, which do not change, the same cut stays below the detector's threshold."""
    frames = grey([frame // 4 + 90 for frame in moving(3, 12)] + [frame // 4 + 115 for frame in moving(4, 8)])
    assert find_shots(iter(frames), compared="brightness") == [range(12), range(12, 20)]
    assert find_shots(iter(frames)) == [range(20)]


def test_one_frame_is_one_shot(picture):
    assert find_shots(iter([picture(0)])) == [range(1)]
