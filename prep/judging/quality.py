"""What makes a clip or photograph unfit as colour ground truth: the named reasons, the statistics, the verdicts.

Chroma is sqrt(a^2 + b^2) in Lab units. A constant tint has chroma but no spread, so grey material is found by the
spread of a and b, and faded material by the mean chroma.
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
)


class Filters(BaseModel, extra="forbid"):
    """The thresholds; what lies below is rejected."""

    min_mean_l: float  # too_dark
    min_mean_chroma: float  # low_chroma
    min_chroma_spread: float  # grayscale
    min_side: int  # too_small: pixels of the source's shorter side
    max_pixels: int = MAX_PIXELS  # too_large: pixels that a photograph or a frame declares; what lies above is rejected
    duplicates: Literal["off", "exact", "near"] = "near"  # duplicate: equal pixels, or prep.judging.fingerprint as well


class ColorStatistics(NamedTuple):
    """Of every second pixel, in both directions, of an item's prepared frames."""

    mean_l: float
    mean_chroma: float
    chroma_spread: float  # sqrt(var a + var b)


class Verdict(NamedTuple):
    """Why an item is rejected: a reason of REASONS, and the sentence with the number that decided."""

    reason: str
    detail: str


def color_statistics(frames: list[np.ndarray]) -> ColorStatistics:
    """Lightness and chroma of uint8 RGB frames (H, W, 3) of one size."""
    lab = np.stack([lab_from_rgb(frame[::2, ::2]) for frame in frames])  # (T, H/2, W/2, 3)
    ab = lab[..., 1:]
    return ColorStatistics(
        mean_l=float(lab[..., 0].mean(dtype=np.float64)),
        mean_chroma=float(np.hypot(ab[..., 0], ab[..., 1]).mean(dtype=np.float64)),
        chroma_spread=float(np.sqrt(ab.var(axis=(0, 1, 2), dtype=np.float64).sum())),
    )


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
            "grayscale", f"chroma spread is {measured.chroma_spread:.2f}, below {filters.min_chroma_spread:g}"
        )
    if measured.mean_chroma < filters.min_mean_chroma:
        return Verdict("low_chroma", f"mean chroma is {measured.mean_chroma:.2f}, below {filters.min_mean_chroma:g}")
    return None
