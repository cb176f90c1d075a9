"""Statistics with known answers, and the order of the verdicts."""

import cv2
import numpy as np
import pytest

from media.color import rgb_from_lab
from prep.judging.quality import ColorStatistics, Filters, color_statistics, judge_color, judge_length, judge_size

DEFAULT = 1.5  # of the configuration
FILTERS = Filters(min_mean_l=15, min_mean_chroma=6, min_chroma_spread=DEFAULT, min_side=96)


def smooth(seed: int, size=(108, 192)) -> np.ndarray:
    """A soft field (H, W), mean 0 and standard deviation 1."""
    field = cv2.resize(np.random.default_rng(seed).normal(size=(6, 9)), size[::-1], interpolation=cv2.INTER_CUBIC)
    return (field - field.mean()) / field.std()


def picture(*, a=0.0, b=0.0) -> np.ndarray:
    """A photograph's tones, textured, with a and b as numbers, fields or functions of L: uint8 RGB."""
    lightness = np.clip(55 + 18 * smooth(0) + 4 * np.random.default_rng(1).normal(size=(108, 192)), 2, 98)
    ab = [value(lightness) if callable(value) else np.broadcast_to(value, lightness.shape) for value in (a, b)]
    return rgb_from_lab(np.stack([lightness, *ab], axis=-1))


def as_jpeg(rgb: np.ndarray, quality: int) -> np.ndarray:
    """The picture through JPEG, which halves the colours' resolution."""
    return cv2.imdecode(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


TONED = {
    "neutral": {},
    "one tint": {"a": 4, "b": 14},
    "sepia": {"a": lambda L: 8 - 0.08 * np.abs(L - 50), "b": lambda L: 24 - 0.4 * np.abs(L - 50)},
    "duotone": {"a": lambda L: 4 + 0.05 * L, "b": lambda L: np.interp(L, [0, 30, 60, 100], [-14, -25, 18, 12])},
    "selenium": {"a": lambda L: np.interp(L, [0, 35, 100], [3, 9, 0]), "b": lambda L: L / 25},
    "cyanotype": {"a": lambda L: -0.1 * (100 - L), "b": lambda L: -0.35 * (100 - L)},
}


def test_lightness_and_chroma_of_known_colours():
    lab = np.full((10, 20, 3), (60, 30, 40))
    lab[:, 10:] = (40, -30, 40)
    found = color_statistics([rgb_from_lab(lab)] * 2)
    assert found.mean_l == pytest.approx(50, abs=0.5)
    assert found.mean_chroma == pytest.approx(50, abs=0.5)


def test_spread_is_that_beside_lightness():
    """Colours with nothing to do with the lightness keep their spread; the part that follows from it is none."""
    independent = {"a": 6 * smooth(7), "b": 8 * smooth(8)}
    assert color_statistics([picture(**independent)]).chroma_spread == pytest.approx(10, rel=0.15)
    b = 8 * smooth(8)
    both = picture(a=independent["a"], b=lambda L: b + 0.3 * (L - 50))
    assert color_statistics([both]).chroma_spread == pytest.approx(10, rel=0.15)


@pytest.mark.parametrize("name", TONED)
def test_toned_pictures_have_no_spread(name):
    toned = picture(**TONED[name])
    assert color_statistics([toned]).chroma_spread < 0.4
    assert color_statistics([toned[:, ::-1], toned, toned[::-1]]).chroma_spread < 0.5
    assert color_statistics([as_jpeg(toned, 75)]).chroma_spread < DEFAULT
    assert judge_color(color_statistics([as_jpeg(toned, 75)]), FILTERS).reason in ("grayscale", "low_chroma")


def test_a_tint_that_fades_over_the_clip_is_no_spread():
    frames = [picture(a=3 + 0.3 * time, b=12 - 0.3 * time) for time in range(20)]
    assert color_statistics(frames).chroma_spread < 0.3


def test_weak_colours_that_are_true_have_spread():
    """Faces before grey, a sunset in one hue, snow: little chroma, or much of one hue, but not all of it tone."""
    face = 14.0 * (smooth(3) > 1.2)
    assert color_statistics([as_jpeg(picture(a=face, b=face), 75)]).chroma_spread > 2 * DEFAULT
    glow = np.clip(smooth(4), -1, 2)
    sunset = picture(a=lambda L: 0.2 * L + 5 * glow, b=lambda L: 0.5 * L + 6 * glow)
    assert color_statistics([as_jpeg(sunset, 75)]).chroma_spread > 2 * DEFAULT


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 200), (64, 64)])
def test_any_size_has_statistics(size):
    found = color_statistics([np.full((*size, 3), 90, np.uint8)])
    assert found.chroma_spread == pytest.approx(0, abs=1e-3) and np.isfinite(found).all()


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (ColorStatistics(50, 20, 10), None),
        (ColorStatistics(2, 0, 0), "too_dark"),
        (ColorStatistics(50, 2, 0.2), "grayscale"),  # a constant tint
        (ColorStatistics(50, 2, 1.6), "low_chroma"),  # faded
        (ColorStatistics(15, 6, 1.5), None),  # a threshold itself is good enough
    ],
)
def test_verdict_on_colour(found, reason):
    verdict = judge_color(found, FILTERS)
    assert (verdict and verdict.reason) == reason


def test_verdicts_carry_the_number_that_decided():
    assert "mean chroma is 2.00, below 6" in judge_color(ColorStatistics(50, 2, 2), FILTERS).detail
    assert "64x48" in judge_size(48, 64, FILTERS).detail
    assert judge_size(96, 96, FILTERS) is None


def test_length_counts_the_source_frames_that_a_clip_spans():
    assert judge_length(121, 25, 5) is None
    assert judge_length(120, 25, 5).detail == "the shot is 120 long; 25 frames at stride 5 span 121"
