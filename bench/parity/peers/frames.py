"""Rules for what is computed frame by frame: colour, colourfulness, PSNR, SSIM."""

from collections.abc import Callable

import numpy as np

from bench.metrics.colorfulness import colorfulness
from bench.metrics.colorfulness_rgb import colorfulness_rgb
from bench.metrics.psnr import decibels
from bench.metrics.psnr_ab import mse_ab
from bench.metrics.ssim import ssim
from bench.parity.peers import others
from bench.parity.peers.manifest import Case
from bench.parity.peers.psnr_by_frame import by_frame, curve
from media.color import lab_from_rgb, rgb_from_lab

OfPicture = Callable[[np.ndarray], object]
OfPair = Callable[[np.ndarray, np.ndarray], float]


def picture(function: OfPicture) -> Callable[[Case], object]:
    """A rule: the function of the one picture."""
    return lambda case: function(case.array("rgb"))


def pair(function: OfPair) -> Callable[..., float]:
    """A rule: the function of the result and its ground truth."""
    return lambda case, *_: function(case.array("res"), case.array("gt"))


def each_frame(case: Case, function: OfPair) -> list[list[float]]:
    """The function of all frames of all clips and of their ground truth."""
    clips, truths = case.clips("result_rgb"), case.clips("gt_rgb")
    if not clips or clips.keys() != truths.keys():
        raise KeyError(f"expected <clip>_result_rgb and <clip>_gt_rgb of each clip, got {', '.join(case.entry.inputs)}")
    return [
        [function(*both) for both in zip(case.array(name), case.array(truths[clip]), strict=True)]
        for clip, name in clips.items()
    ]


def clip_means(case: Case) -> list[float]:
    """PSNR of each clip: the mean of its frames' decibels."""
    return [np.mean(values) for values in each_frame(case, others.psnr_uncapped)]


def flat(function: OfPair) -> Callable[[Case], float]:
    """A rule: the mean over the frames of all clips at once."""
    return lambda case: np.mean(np.concatenate(each_frame(case, function)))


def flat_colorfulness_swapped(case: Case) -> float:
    """ColorMNet's colourfulness of the results, over the frames of all clips at once."""
    clips = map(case.array, case.clips("result_rgb").values())
    return np.mean([others.colorfulness_of_absolutes_swapped(rgb) for frames in clips for rgb in frames])


def table_by_frame(case: Case) -> np.ndarray:
    """VPN's PSNR of each frame of each clip, (clips, longest)."""
    return by_frame(each_frame(case, others.psnr_vpn))


COLORFULNESS = {
    "lab_M1_papercode": picture(colorfulness),
    "rgb_M3_signed_definition": picture(colorfulness_rgb),
    "rgb_abs_bgr_order": picture(others.colorfulness_of_absolutes),
    "rgb_abs_as_called_by_colormnet": picture(others.colorfulness_of_absolutes_swapped),
}
COLOR = {
    "lab": picture(lab_from_rgb),
    "rgb_back_rounded": picture(lambda rgb: rgb_from_lab(lab_from_rgb(rgb))),
    "rgb_back_papercode_truncates": picture(lambda rgb: others.rgb_truncated(lab_from_rgb(rgb))),
    "opencv_lab8": picture(others.opencv_lab8),
    "opencv_lab_float": picture(others.opencv_lab_float),
}
PSNR = {
    "(?:skimage|tcvc|basicsr)": pair(others.psnr_uncapped),
    "vpn": pair(others.psnr_vpn),
    "vpn_rmse": pair(others.rmse_vpn),
    "colormnet_uint8_wraparound": pair(others.psnr_wrapping_around),
    "mse_ab": pair(mse_ab),
    r"psnr_ab_peak(\d+)": lambda case, peak: decibels(pair(mse_ab)(case), float(peak)),
    "per_clip_mean_psnr": clip_means,
    "mean_over_clips": lambda case: np.mean(clip_means(case)),
    "flat_over_frames_psnr_definition": flat(others.psnr_uncapped),
    "flat_over_frames_psnr_uint8_wraparound": flat(others.psnr_wrapping_around),
    "flat_over_frames_ssim": flat(others.ssim_uniform),
    "flat_over_frames_colorfulness_swapped_abs": flat_colorfulness_swapped,
    "psnr_clip_by_frame": table_by_frame,
    "curve": lambda case: curve(table_by_frame(case), clips="alive"),
    "curve_all_clips_only": lambda case: curve(table_by_frame(case), clips="shortest"),
}
SSIM = {
    r"skimage_default_(\d+)x\1": lambda case, window: others.ssim_uniform(
        case.array("res"), case.array("gt"), int(window)
    ),
    "(?:skimage_gaussian|tcvc_basicsr_11x11)": pair(ssim),
}
