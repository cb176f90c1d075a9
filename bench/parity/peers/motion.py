"""Rules for what is computed between frames: CDC, occlusion, warping error, flicker."""

from collections.abc import Callable

import numpy as np

from bench.metrics.cdc import divergences, histograms
from bench.metrics.flicker import readings
from bench.metrics.warp_error import lai_occluded, unit_rgb, warp_error
from bench.parity.peers import others
from bench.parity.peers.manifest import Case
from media.flow_files import warp
from vision.occlusion import VISIBLE_FROM, ruder_map, ruder_visible


def shares(case: Case, argument: str) -> np.ndarray:
    """Histograms of the frames of one clip, (T, 3, 256)."""
    return np.stack([histograms(rgb) for rgb in case.array(argument)])


def clip_cdc(case: Case) -> np.ndarray:
    """CDC of each clip in each channel, (clips, 3): every input is a clip."""
    return np.stack([others.cdc_or_nan(shares(case, argument)) for argument in case.entry.inputs])


def step_cdc(case: Case, step: str) -> float:
    """CDC of one step alone, of the whole set."""
    clips = [divergences(shares(case, argument), int(step)).mean(axis=1) for argument in case.entry.inputs]
    return np.mean(clips)


def clip_divergences(case: Case, clip: str, step: str) -> np.ndarray:
    """The divergences of one clip, (3, T - step)."""
    named = [argument for argument in case.entry.inputs if argument == clip or argument.startswith(f"{clip}_")]
    if len(named) != 1:
        raise KeyError(f"expected one input of clip {clip}, got {', '.join(named) or 'none'}")
    return divergences(shares(case, named[0]), int(step))


def each_flow(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[[Case], np.ndarray]:
    """A rule: the function of flow and flow back, of one pair (H, W, 2) or of all pairs of a clip (T-1, H, W, 2)."""

    def rule(case: Case) -> np.ndarray:
        forward, backward = case.array("flow_fw"), case.array("flow_bw")
        if forward.ndim == 3:
            return function(forward, backward)
        return np.stack([function(*both) for both in zip(forward, backward, strict=True)])

    return rule


def from_level(case: Case, level: str) -> np.ndarray:
    """What is visible: Ruder's map from a grey level on."""
    if int(level) == VISIBLE_FROM:
        return each_flow(ruder_visible)(case)
    return each_flow(ruder_map)(case) >= int(level)


def clip_warp_error(case: Case, clip: str) -> float:
    """Lai's warping error of one clip, the mean of its pairs."""
    frames = case.array(case.clips("result_rgb")[clip])
    occluded = case.mask(case.clips("occluded").get(clip, "occluded"), clip, (len(frames) - 1, *frames.shape[1:3]))
    if occluded.all():  # no flow is read, and an entry that shows this may have none
        flow = np.zeros((*occluded.shape, 2), np.float32)
    else:
        flow = case.array(case.clips("flow_fw")[clip])
    pairs = zip(frames[:-1], frames[1:], flow, occluded, strict=True)
    return np.mean([warp_error(*pair) for pair in pairs])


def clip_warp_errors(case: Case) -> list[float]:
    """Those of all clips."""
    return [clip_warp_error(case, clip) for clip in case.clips("result_rgb")]


def warped_rgb(case: Case, clip: str | None, later: str, earlier: str) -> np.ndarray:
    """A frame in 0..1 as it is warped to the one before."""
    clip = clip or ""
    frames, flow = (case.array(case.clips(kind)[clip]) for kind in ("result_rgb", "flow_fw"))
    return warp(unit_rgb(frames[adjacent(later, earlier) + 1]), flow[int(earlier)])


def warped_ab(case: Case, later: str, earlier: str) -> np.ndarray:
    """The colours of a frame as they are warped to the one before."""
    return warp(case.array("ab")[adjacent(later, earlier) + 1], case.array("flow_fw")[int(earlier)], outside="zeros")


def adjacent(later: str, earlier: str) -> int:
    """The earlier one's index. Raises ValueError where flow does not lead from one to the other."""
    if int(later) != int(earlier) + 1:
        raise ValueError(f"flow leads from frame t to t + 1, not from {earlier} to {later}")
    return int(earlier)


def reading(name: str) -> Callable[[Case], list[float]]:
    """A rule: one reading of Eq. 13 for each pair of a clip."""

    def rule(case: Case) -> list[float]:
        ab, flow, visible = case.array("ab"), case.array("flow_fw"), case.array("mask").astype(bool)
        return [readings(*pair)[name] for pair in zip(ab[:-1], ab[1:], flow, visible, strict=True)]

    return rule


CDC = {
    "cdc": lambda case: clip_cdc(case).mean(),
    "per_clip_rgb": clip_cdc,
    r"cdc_t(\d+)": step_cdc,
    r"js_(.+)_d(\d+)": clip_divergences,
}
OCCLUSION = {
    "(?:lai_)?occluded": each_flow(lai_occluded),
    "(?:ruder_)?reliability_pgm": each_flow(ruder_map),
    "reliability_pgm_without_smoothing|ruder_without_smoothing": each_flow(others.ruder_without_smoothing),
    r"(?:ruder_)?mask_ge_(\d+)": from_level,
}
WARP_ERROR = {
    "per_clip": clip_warp_errors,
    "dataset_mean|value": lambda case: np.mean(clip_warp_errors(case)),
    r"warped(?:_(.+))?_frame(\d+)_to_(\d+)": warped_rgb,
}
FLICKER = {
    "masked_mse_over_all": reading("flicker_mse_all"),
    "masked_l1_over_all": reading("flicker_l1_all"),
    "mse_over_mask": reading("flicker_mse_masked"),
    "l1_over_mask": reading("flicker_l1_masked"),
    "frobenius_ab_over_128": reading("flicker_fro128"),
    r"warped_ab_frame(\d+)_to_(\d+)": warped_ab,
}
