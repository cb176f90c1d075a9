"""What makes a clip or photograph unfit as colour ground truth: the named reasons, the statistics, the verdicts.

Chroma is sqrt(a^2 + b^2) in Lab units. Faded material is found by its mean. A tint, sepia or a toning in two colours
has chroma, but one that follows from the lightness, so grey material is found by the spread of a and b beside that.
"""

from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel

from media.color import lab_from_rgb
from media.image import MAX_PIXELS

# The one list of reasons. Tables and messages use no other.
REASONS = (
    "unreadable_file",
    "empty_file",
    "not_a_video",
    "unreadable_video",
    "truncated_video",
    "corrupt_video",
    "corrupt_image",
    "too_large",
    "many_pictures",
    "missing_frames",
    "ambiguous_frames",
    "hdr",
    "interlaced",
    "too_short",
    "too_small",
    "too_dark",
    "low_chroma",
    "grayscale",
    "inconsistent_resolution",
    "duplicate",
    "surplus",
)


class Filters(BaseModel, extra="forbid"):
    """The thresholds; what lies below is rejected."""

    min_mean_l: float  # too_dark
    min_mean_chroma: float  # low_chroma
    min_chroma_spread: float  # grayscale
    min_side: int  # too_small: pixels of the source's shorter side
    max_pixels: int = MAX_PIXELS  # too_large: pixels that a photograph or a frame declares; what lies above is rejected
    duplicates: Literal["off", "exact", "near"] = "near"  # duplicate: equal pixels, or prep.judging.fingerprint as well


COLOR_THRESHOLDS = ("min_mean_l", "min_mean_chroma", "min_chroma_spread")


class ColorStatistics(NamedTuple):
    """Of every second pixel, in both directions, of an item's prepared frames."""

    mean_l: float
    mean_chroma: float
    chroma_spread: float  # sqrt(var a + var b) of what lightness does not explain


class Verdict(NamedTuple):
    """Why an item is rejected: a reason of REASONS, and the sentence with the number that decided."""

    reason: str
    detail: str


# The scale on which a picture is coloured: the squares into which its shorter side is divided, the values of L between
# which a tone is interpolated, and the frames whose colours are taken together. docs/filters.md has the measurements.
SQUARES, TONES, TOGETHER = 13, 16, 5


def color_statistics(frames: list[np.ndarray]) -> ColorStatistics:
    """Lightness and chroma of uint8 RGB frames (H, W, 3) of one size."""
    lab = np.stack([lab_from_rgb(frame[::2, ::2]) for frame in frames])  # (T, H/2, W/2, 3)
    ab = lab[..., 1:]
    unexplained = [variance_beside_tone(lab[start : start + TOGETHER]) for start in range(0, len(lab), TOGETHER)]
    return ColorStatistics(
        mean_l=float(lab[..., 0].mean(dtype=np.float64)),
        mean_chroma=float(np.hypot(ab[..., 0], ab[..., 1]).mean(dtype=np.float64)),
        chroma_spread=float(np.sqrt(np.mean(unexplained))),
    )


def variance_beside_tone(lab: np.ndarray) -> float:
    """Variance of a and b, summed, that no toning makes: about ab as a function of L, found by least squares.

    lab: (T, H, W, 3). Both sides of the fit are means over squares of the picture and over the frames, because video
    and JPEG keep colours coarsely: at an edge the colours are mixed, and so are the tones of its two sides.
    """
    lightness = lab[..., 0]
    squares = _squares(*lightness.shape[1:])  # (H, W)
    of_pixel = np.broadcast_to(squares, lightness.shape).ravel()
    count = np.bincount(of_pixel)
    tones = np.unique(np.quantile(lightness, np.linspace(0, 1, TONES)))
    place = np.interp(lightness.ravel(), tones, np.arange(len(tones)))  # among the tones
    below = np.minimum(place.astype(int), max(0, len(tones) - 2))
    share = np.zeros((len(count), len(tones) + 1))  # of each tone in each square; the last stays empty
    for tone, weight in ((below, 1 - place + below), (below + 1, place - below)):
        np.add(share, np.bincount(of_pixel * share.shape[1] + tone, weight, share.size).reshape(share.shape), out=share)
    share /= count[:, None]
    ab = np.stack([np.bincount(of_pixel, lab[..., axis].ravel()) / count for axis in (1, 2)], axis=-1)
    curves, _, rank, _ = np.linalg.lstsq(share, ab, rcond=1e-6)
    return float(((ab - share @ curves) ** 2).sum() / max(1, len(count) - rank))


def _squares(height: int, width: int) -> np.ndarray:
    """The number of the square in which each pixel (height, width) lies."""
    side = max(1.0, min(height, width) / SQUARES)
    rows, columns = (np.arange(length) // side for length in (height, width))
    return (rows[:, None] * (columns[-1] + 1) + columns).astype(int)


def judge_size(height: int, width: int, filters: Filters) -> Verdict | None:
    """too_small, or None."""
    if min(height, width) >= filters.min_side:
        return None
    return Verdict("too_small", f"the source is {width}x{height}; its shorter side must be at least {filters.min_side}")


def judge_length(available: int, length: int, stride: int) -> Verdict | None:
    """too_short, or None: whether a shot of `available` source frames holds `length` frames, `stride` apart."""
    needed = (length - 1) * stride + 1
    if available >= needed:
        return None
    return Verdict("too_short", f"the shot is {available} long; {length} frames at stride {stride} span {needed}")


def judge_color(measured: ColorStatistics, filters: Filters) -> Verdict | None:
    """too_dark, grayscale, low_chroma (tested in this order), or None."""
    if measured.mean_l < filters.min_mean_l:
        return Verdict("too_dark", f"mean L is {measured.mean_l:.2f}, below {filters.min_mean_l:g}")
    if measured.chroma_spread < filters.min_chroma_spread:
        return Verdict(
            "grayscale",
            f"chroma spread beside what lightness explains is {measured.chroma_spread:.2f}, below "
            f"{filters.min_chroma_spread:g}: grey, or toned in sepia or the like",
        )
    if measured.mean_chroma < filters.min_mean_chroma:
        return Verdict("low_chroma", f"mean chroma is {measured.mean_chroma:.2f}, below {filters.min_mean_chroma:g}")
    return None
