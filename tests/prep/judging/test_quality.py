"""Statistics with known answers, and the order of the verdicts."""

import numpy as np
import pytest

from media.color import rgb_from_lab
from prep.judging.quality import ColorStatistics, Filters, color_statistics, judge_color, judge_length, judge_size

FILTERS = Filters(min_mean_l=15, min_mean_chroma=6, min_chroma_spread=0.5, min_side=96)


def test_statistics_of_known_colours():
    lab = np.full((10, 20, 3), (60, 30, 40))
    lab[:, 10:] = (40, -30, 40)
    found = color_statistics([rgb_from_lab(lab)] * 2)
    assert found.mean_l == pytest.approx(50, abs=0.5)
    assert found.mean_chroma == pytest.approx(50, abs=0.5)
    assert found.chroma_spread == pytest.approx(30, abs=0.5)  # a is +-30, b is constant


def test_spread_is_taken_over_all_frames():
    frames = [rgb_from_lab(np.full((8, 8, 3), (60, a, 0))) for a in (-20, 20)]
    assert color_statistics(frames).chroma_spread == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (ColorStatistics(50, 20, 10), None),
        (ColorStatistics(2, 0, 0), "too_dark"),
        (ColorStatistics(50, 2, 0.2), "grayscale"),  # a constant tint
        (ColorStatistics(50, 2, 1.1), "low_chroma"),  # faded
        (ColorStatistics(15, 6, 0.5), None),  # a threshold itself is good enough
    ],
)
def test_verdict_on_colour(found, reason):
    verdict = judge_color(found, FILTERS)
    assert (verdict and verdict.reason) == reason


def test_verdicts_carry_the_number_that_decided():
    assert "mean chroma is 2.00, below 6" in judge_color(ColorStatistics(50, 2, 1), FILTERS).detail
    assert "64x48" in judge_size(48, 64, FILTERS).detail
    assert judge_size(96, 96, FILTERS) is None


def test_length_counts_the_source_frames_that_a_clip_spans():
    assert judge_length(121, 25, 5) is None
    assert judge_length(120, 25, 5).detail == "the shot is 120 long; 25 frames at stride 5 span 121"
