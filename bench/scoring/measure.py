"""Every metric, each in a line, and one pass over decoded frames that computes them all.

The pipeline's stage (score.py) and the scoring of frames from anywhere (measure_folders.py) both measure here.
A frame's Lab is computed once for all metrics. What is of the ground truth alone is computed once for all rows that are
measured in one call; what the stage `truth` has stored of it comes with a Moment and is not computed again.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np

from bench.metrics import (
    accuracy,
    cdc,
    colorfulness,
    colorfulness_rgb,
    delta_colorfulness,
    fid,
    flicker,
    kid,
    lpips,
    psnr,
    psnr_ab,
    ssim,
    warp_error,
)
from media.color import lab_from_rgb
from vision.flow_estimators import Estimator
from vision.weights import ALEXNET, MissingWeights, is_present, locate


@dataclass(frozen=True)
class Metric:
    """A module of bench.metrics, which says what its numbers are, and how it is called here."""

    module: ModuleType
    measure: Callable


@dataclass(frozen=True)
class Frame:
    """A saved picture, uint8 RGB (H, W, 3), and its Lab (media.color), computed once."""

    rgb: np.ndarray

    @cached_property
    def lab(self) -> np.ndarray:
        return lab_from_rgb(self.rgb)

    @property
    def ab(self) -> np.ndarray:
        return self.lab[..., 1:]


@dataclass(frozen=True)
class Known:
    """What metrics take of a frame of the ground truth alone, whatever the rows are."""

    values: dict[str, float]  # of PICTURES, by name
    features: np.ndarray | None  # (C,), of Networks.features; None without that network


@dataclass(frozen=True)
class Moment:
    """One frame of the ground truth, and the same frame of each row that is measured."""

    truth: Frame
    rows: dict[str, Frame]
    known: Known | None = None  # None: not stored, so it is computed


@dataclass(frozen=True)
class TruthMotion:
    """How the ground truth moves from frame t to t+1, on the grid of t."""

    flow: np.ndarray  # (H, W, 2), pixels
    visible: np.ndarray  # bool (H, W), by Ruder's rule
    occluded: np.ndarray  # bool (H, W), by Lai's rule


Motions = Callable[[int, Frame, Frame], TruthMotion]  # of t and the ground truth at t and t+1


def _of_pixels(measure_rgb: Callable[[np.ndarray], float]) -> Callable[[Frame], float]:
    return lambda frame: measure_rgb(frame.rgb)


# A metric is one line, under its name in the table. The networks that LPIPS and Top-k need are in
# `Networks`.
FRAMES = {  # (frame of the truth): a function of the frame; what is of the truth alone is done once for all rows
    "psnr": Metric(psnr, lambda truth: lambda frame: psnr.psnr(frame.rgb, truth.rgb)),
    "psnr_ab": Metric(psnr_ab, lambda truth: lambda frame: psnr_ab.psnr_of_ab(frame.ab, truth.ab)),
    "ssim": Metric(ssim, lambda truth: _of_pixels(ssim.beside(truth.rgb))),
}
PICTURES = {  # (frame); the distance to the truth's value is a metric of its own
    "colorful": Metric(colorfulness, lambda frame: colorfulness.colorfulness_of_ab(frame.ab)),
    "colorful_rgb": Metric(colorfulness_rgb, lambda frame: colorfulness_rgb.colorfulness_rgb(frame.rgb)),
}
DELTAS = {"colorful": "delta_cf_per_image", "colorful_rgb": "delta_cf_rgb_per_image"}
DELTA = Metric(delta_colorfulness, delta_colorfulness.delta_cf_per_image)  # (value, that of the truth)
PAIRS = {  # (frame, the next one, motion): a value, or values by the names of its readings
    "flicker": Metric(
        flicker, lambda now, after, motion: flicker.flicker(now.ab, after.ab, motion.flow, motion.visible)
    ),
    "warp_error": Metric(
        warp_error, lambda now, after, motion: warp_error.warp_error(now.rgb, after.rgb, motion.flow, motion.occluded)
    ),
}
CLIPS = {"cdc": Metric(cdc, cdc.RunningCdc)}  # (): takes frame by frame with `add`, then has a `value` or None
SETS = {  # (features, features of the truth)
    "fid": Metric(fid, fid.fid),
    "kid": Metric(kid, lambda features, truth: kid.kid(features, truth).mean),
}
ACCURACY = {"top1": Metric(accuracy, accuracy.topk), "top5": Metric(accuracy, accuracy.topk)}
LPIPS = Metric(lpips, lambda truth, network: _of_pixels(lpips.beside(truth.rgb, network)))

# All of them, in the order in which they are shown.
METRICS = {
    **FRAMES,
    "lpips": LPIPS,
    **PICTURES,
    **dict.fromkeys(DELTAS.values(), DELTA),
    **PAIRS,
    **CLIPS,
    **SETS,
    **ACCURACY,
}

TRUTH = "ground_truth"


@dataclass(frozen=True)
class Networks:
    """What measures beside arithmetic; what is None is not measured, and without scoring_flow motion is stored.

    Networks of vision.backbones lie on `device`, a name for vision.placing.device_called.
    """

    scoring_flow: Estimator | None = None
    features: object = None
    classifier: object = None
    labels: dict[str, int] = field(default_factory=dict)
    lpips: object = None
    left_out: tuple[str, ...] = ()  # what is not measured, and why
    device: str = "cpu"

    @property
    def frames(self) -> dict[str, Metric]:
        """The metrics of a frame and its truth that can be measured."""
        if self.lpips is None:
            return FRAMES
        distance = Metric(LPIPS.module, lambda truth: LPIPS.measure(truth, self.lpips))
        return FRAMES | {"lpips": distance}


@dataclass
class Measured:
    """What one item gave: lines of the table, and the features of its frames by row and of the TRUTH."""

    lines: list[dict] = field(default_factory=list)
    features: dict[str, list[np.ndarray]] = field(default_factory=lambda: defaultdict(list))
    luminance_gaps: dict[str, float] = field(default_factory=dict)  # of folders: the largest median difference in L


def declared_as(column: str) -> str:
    """The name in METRICS of what a column holds: of a reading of a metric, such as flicker_rms, the metric's."""
    return column if column in METRICS else column.partition("_")[0]


def module_of(column: str) -> ModuleType:
    """The module that says the unit of a column's values and which side is better."""
    return METRICS[declared_as(column)].module


def measure(
    kind: str,
    item: str,
    moments: Iterable[Moment],
    motions: Motions | None,
    networks: Networks,
    first_counted: int = 0,
) -> Measured:
    """All metrics of one clip or image (kind: clips or images) for all its rows; two moments are in memory at a time.

    motions: how the ground truth moves; an image needs none.
    Frames before first_counted are in no value of a frame, but pairs and the clip's own metrics have them.
    """
    measured, running = Measured(), {}
    values: list[tuple] = []  # (frame, row, metric, value)
    before = None
    for index, now in enumerate(moments):
        if before is not None:
            motion = motions(index - 1, before.truth, now.truth)
            values += [(index - 1, *value) for value in _of_pair(before, now, motion)]
        if index >= first_counted:
            known = now.known or known_of(now.truth, networks.features, networks.device)
            values += [(index, *value) for value in _of_frame(now, known, networks, networks.labels.get(item))]
            if networks.features is not None:
                measured.features[TRUTH].append(known.features)
                for row, frame in now.rows.items():
                    if row != TRUTH:
                        measured.features[row].append(_pooled(frame.rgb, networks.features, networks.device))
        for row, frame in now.rows.items():
            for metric in running.setdefault(row, {name: metric.measure() for name, metric in CLIPS.items()}).values():
                metric.add(frame.rgb)
        before = now
    values += [(None, row, name, metric.value()) for row, own in running.items() for name, metric in own.items()]
    measured.lines = [
        {"row": row, "metric": metric, "kind": kind, "item": item, "frame": frame, "value": value}
        for frame, row, metric, value in values
        if value is not None
    ]
    return measured


def known_of(truth: Frame, features, device: str = "cpu") -> Known:
    """What is known of a frame of the ground truth; features: a network on the device, or None."""
    values = {name: metric.measure(truth) for name, metric in PICTURES.items()}
    return Known(values, None if features is None else _pooled(truth.rgb, features, device))


def _of_frame(now: Moment, known: Known, networks: Networks, label: int | None) -> Iterator[tuple[str, str, float]]:
    """(row, metric, value) of one frame."""
    beside_truth = {name: metric.measure(now.truth) for name, metric in networks.frames.items()}
    for row, frame in now.rows.items():
        yield from ((row, name, measured(frame)) for name, measured in beside_truth.items())
        for name, metric in PICTURES.items():
            value = metric.measure(frame)
            yield row, name, value
            yield row, DELTAS[name], DELTA.measure(value, known.values[name])
        if label is not None:
            logits = _logits(frame.rgb, networks.classifier, networks.device)
            for name, metric in ACCURACY.items():
                yield row, name, metric.measure(logits, [label], int(name.removeprefix("top")))[0]


def _of_pair(before: Moment, now: Moment, motion: TruthMotion) -> Iterator[tuple[str, str, float]]:
    """(row, reading, value) of two frames of each row."""
    for row, frame in before.rows.items():
        for name, metric in PAIRS.items():
            value = metric.measure(frame, now.rows[row], motion)
            readings = {} if value is None else value if isinstance(value, dict) else {name: value}
            yield from ((row, reading, number) for reading, number in readings.items())


def _logits(rgb: np.ndarray, classifier, device: str) -> np.ndarray:
    import torch

    from vision.backbones import classifier_crop
    from vision.placing import device_called

    with torch.inference_mode():
        crop = classifier_crop(rgb, classifier.resize)[None].to(device_called(device))
        return classifier.logits(crop).cpu().numpy()  # (1, classes)


def _pooled(rgb: np.ndarray, features, device: str) -> np.ndarray:
    import torch

    from vision.backbones import rgb_tensor
    from vision.placing import device_called

    with torch.inference_mode():
        return features.pooled(rgb_tensor(rgb)[None].to(device_called(device)))[0].cpu().numpy()


def set_metrics(measured: Iterable[Measured], rows: Iterable[str]) -> Iterator[dict]:
    """Lines (row, metric, value) of the distances between the features of `rows` and the TRUTH's; needs two frames."""
    pooled: dict[str, list[np.ndarray]] = defaultdict(list)
    for of_item in measured:
        for row, features in of_item.features.items():
            pooled[row] += features
    if len(pooled[TRUTH]) < 2:
        return
    truth = np.stack(pooled[TRUTH])
    for row in rows:
        features = np.stack(pooled[row])
        yield from ({"row": row, "metric": name, "value": each.measure(features, truth)} for name, each in SETS.items())


def distance_left_out(weights: Path) -> list[str]:
    """Why LPIPS cannot be measured here, with where its file comes from; empty if it can. Nothing is loaded."""
    if find_spec("lpips") is None:
        return ["LPIPS is left out: the package lpips is not installed"]
    try:
        is_present(ALEXNET, weights) or locate(ALEXNET, weights)
    except MissingWeights as error:
        return [f"LPIPS is left out: {error}"]
    return []


def load_distance(weights: Path, device: str = "cpu") -> tuple[object | None, list[str]]:
    """LPIPS' network on a device; where it cannot be measured None, and why."""
    left_out = distance_left_out(weights)
    return (None if left_out else _placed(lpips.load_lpips(weights), device)), left_out


def backbone_of(name: str, weights: Path, device: str = "cpu"):
    """A network of vision.backbones, which imports torch, on a device."""
    from vision import backbones

    return _placed(backbones.load_backbone(name, weights), device)


def _placed(network, device: str):
    from vision.placing import device_called

    return network if device == "cpu" else network.to(device_called(device))
