"""Every metric, each in a line, and one pass over decoded frames that computes them all.

The pipeline's stage (bench.score) and the command for frames from anywhere (`score_folders`, below) both measure here.
A frame's Lab, its network features and the motion of the ground truth are computed once for all metrics and rows.
"""

import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType

import dask
import numpy as np
import pandas as pd
from tqdm import tqdm

from bench.folders import Clip, MisfitFolders, check
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
from media.color import grey8, lab_from_rgb, luminance_from_rgb, with_luminance
from media.image import read_rgb
from media.tables import SCORES
from vision.flow import Estimator, load_estimator
from vision.occlusion import ruder_mask
from vision.weights import MissingWeights


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
class Moment:
    """One frame of the ground truth, and the same frame of each row that is measured."""

    truth: Frame
    rows: dict[str, Frame]


@dataclass(frozen=True)
class Motion:
    """How the ground truth moves from frame t to t+1, on the grid of t."""

    flow: np.ndarray  # (H, W, 2), pixels
    reliable: np.ndarray  # bool (H, W), by Ruder's rule
    occluded: np.ndarray  # bool (H, W), by Lai's rule


Motions = Callable[[int, Frame, Frame], Motion]  # of t and the ground truth at t and t+1


# A metric is one line, under its name in the table. The networks that LPIPS and Top-k need are loaded by
# `load_networks`.
FRAMES = {  # (frame, that of the truth)
    "psnr": Metric(psnr, lambda frame, truth: psnr.psnr(frame.rgb, truth.rgb)),
    "psnr_ab": Metric(psnr_ab, lambda frame, truth: psnr_ab.psnr_of_ab(frame.ab, truth.ab)),
    "ssim": Metric(ssim, lambda frame, truth: ssim.ssim(frame.rgb, truth.rgb)),
}
PICTURES = {  # (frame); the distance to the truth's value is a metric of its own
    "colorful": Metric(colorfulness, lambda frame: colorfulness.colorfulness_of_ab(frame.ab)),
    "colorful_rgb": Metric(colorfulness_rgb, lambda frame: colorfulness_rgb.colorfulness_rgb(frame.rgb)),
}
DELTAS = {"colorful": "delta_cf_per_image", "colorful_rgb": "delta_cf_rgb_per_image"}  # |value - that of the truth|
PAIRS = {  # (frame, the next one, motion): a value, or values by the names of its readings
    "flicker": Metric(
        flicker, lambda now, after, motion: flicker.flicker(now.ab, after.ab, motion.flow, motion.reliable)
    ),
    "warp_error": Metric(
        warp_error, lambda now, after, motion: warp_error.warp_error(now.rgb, after.rgb, motion.flow, motion.occluded)
    ),
}
CLIPS = {"cdc": Metric(cdc, cdc.Running)}  # (): takes frame by frame with `add`, then has a `value` or None
SETS = {  # (features, features of the truth)
    "fid": Metric(fid, fid.fid),
    "kid": Metric(kid, lambda features, truth: kid.kid(features, truth).mean),
}
ACCURACY = {"top1": Metric(accuracy, accuracy.topk), "top5": Metric(accuracy, accuracy.topk)}
LPIPS = Metric(lpips, lpips.lpips)

# All of them, in the order in which they are shown.
METRICS = {
    **FRAMES,
    "lpips": LPIPS,
    **PICTURES,
    **{name: Metric(delta_colorfulness, abs) for name in DELTAS.values()},
    **PAIRS,
    **CLIPS,
    **SETS,
    **ACCURACY,
}

TRUTH, GREY = "ground_truth", "grey"

# Half of the pixels may be so far from the truth's luminance: a grey level is 0.39 apart from the next, so rounding
# stays below, and colours outside sRGB, whose luminance cannot be kept, are seldom half of a frame.
MAX_LUMINANCE_GAP = 0.25


@dataclass(frozen=True)
class Networks:
    """What measures beside arithmetic; what is None is not measured, and without `flow` motion is read from files."""

    flow: Estimator | None = None
    features: object = None
    classifier: object = None
    labels: dict[str, int] = field(default_factory=dict)
    lpips: object = None
    left_out: tuple[str, ...] = ()  # what is not measured, and why

    @property
    def frames(self) -> dict[str, Metric]:
        """The metrics of a frame and its truth that can be measured."""
        if self.lpips is None:
            return FRAMES
        distance = Metric(LPIPS.module, lambda frame, truth: LPIPS.measure(frame.rgb, truth.rgb, self.lpips))
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
    kind: str, item: str, moments: Iterable[Moment], motions: Motions, networks: Networks, first_counted: int = 0
) -> Measured:
    """All metrics of one clip or image (kind: clips or images) for all its rows; two moments are in memory at a time.

    Frames before first_counted are in no value of a frame, but pairs and the clip's own metrics have them.
    """
    found, running = Measured(), {}
    values: list[tuple] = []  # (frame, row, metric, value)
    before = None
    for index, now in enumerate(moments):
        if before is not None:
            motion = motions(index - 1, before.truth, now.truth)
            values += [(index - 1, *value) for value in _of_pair(before, now, motion)]
        if index >= first_counted:
            values += [(index, *value) for value in _of_frame(now, networks, networks.labels.get(item))]
            if networks.features is not None:
                for row, frame in ({TRUTH: now.truth} | now.rows).items():
                    found.features[row].append(_pooled(frame.rgb, networks.features))
        for row, frame in now.rows.items():
            for metric in running.setdefault(row, {name: metric.measure() for name, metric in CLIPS.items()}).values():
                metric.add(frame.rgb)
        before = now
    values += [(None, row, name, metric.value()) for row, own in running.items() for name, metric in own.items()]
    found.lines = [
        {"row": row, "metric": metric, "kind": kind, "item": item, "frame": frame, "value": value}
        for frame, row, metric, value in values
        if value is not None
    ]
    return found


def _of_frame(now: Moment, networks: Networks, label: int | None) -> Iterator[tuple[str, str, float]]:
    """(row, metric, value) of one frame."""
    of_truth = {name: metric.measure(now.truth) for name, metric in PICTURES.items()}
    for row, frame in now.rows.items():
        yield from ((row, name, metric.measure(frame, now.truth)) for name, metric in networks.frames.items())
        for name, metric in PICTURES.items():
            value = metric.measure(frame)
            yield row, name, value
            yield row, DELTAS[name], abs(value - of_truth[name])
        if label is not None:
            logits = _logits(frame.rgb, networks.classifier)
            for name, metric in ACCURACY.items():
                yield row, name, metric.measure(logits, [label], int(name.removeprefix("top")))[0]


def _of_pair(before: Moment, now: Moment, motion: Motion) -> Iterator[tuple[str, str, float]]:
    """(row, reading, value) of two frames of each row."""
    for row, frame in before.rows.items():
        for name, metric in PAIRS.items():
            value = metric.measure(frame, now.rows[row], motion)
            readings = {} if value is None else value if isinstance(value, dict) else {name: value}
            yield from ((row, reading, found) for reading, found in readings.items())


def _logits(rgb: np.ndarray, classifier) -> np.ndarray:
    import torch

    from vision.backbones import classifier_crop

    with torch.inference_mode():
        return classifier.logits(classifier_crop(rgb)[None]).numpy()  # (1, classes)


def _pooled(rgb: np.ndarray, features) -> np.ndarray:
    import torch

    from vision.backbones import rgb_tensor

    with torch.inference_mode():
        return features.pooled(rgb_tensor(rgb)[None])[0].numpy()


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


def score_folders(
    results: list[Path], truth: Path, networks: Networks, *, first_counted: int = 0, jobs: int = 1
) -> pd.DataFrame:
    """Score each folder of results, columns SCORES; rows are called after the folders, and ground_truth and grey:
    several metrics only mean something between those two.

    Frames before first_counted were given to the methods: they are in no mean, but pairs with them are. jobs: clips
    measured at a time, each with one frame of every folder and the one before in memory.
    Warns of results that do not have the truth's luminance. Raises MisfitFolders before anything is measured.
    """
    clips, rows = check(results, truth, first_counted), row_names(results)
    with tqdm(total=sum(len(clip.frames) for clip in clips), desc="score frames", mininterval=5) as bar:
        advance = _advance(bar)
        tasks = [dask.delayed(_of_clip)(clip, rows, networks, first_counted, advance) for clip in clips]
        measured = dask.compute(*tasks, scheduler="threads", num_workers=jobs)
    for warning in _luminance_warnings(clips, measured):
        print(f"warning: {warning}", file=sys.stderr)
    lines = [line for of_clip in measured for line in of_clip.lines]
    kind = lines[0]["kind"]  # `check` refuses a mixture
    lines += [{"kind": kind} | line for line in set_metrics(measured, [TRUTH, GREY, *rows])]
    return pd.DataFrame(lines).reindex(columns=list(SCORES)).astype(SCORES)


def _advance(bar: tqdm) -> Callable[[], None]:
    lock = threading.Lock()

    def advance() -> None:
        with lock:
            bar.update()

    return advance


def row_names(results: list[Path]) -> dict[str, Path]:
    """What each folder of results is called: by its own name, or by its path where that would be two rows' name.

    Raises MisfitFolders for a folder that is given twice.
    """
    if len({folder.resolve() for folder in results}) < len(results):
        raise MisfitFolders(f"a folder of results is given twice: {', '.join(map(str, results))}")
    names = [folder.resolve().name for folder in results]
    shared = {name for name in names if names.count(name) > 1} | {TRUTH, GREY}
    return {str(folder) if name in shared else name: folder for name, folder in zip(names, results, strict=True)}


def _of_clip(
    clip: Clip, rows: dict[str, Path], networks: Networks, first_counted: int, advance: Callable[[], None]
) -> Measured:
    """All metrics of one clip, of the ground truth, of grey and of each folder in `rows`."""
    gaps = defaultdict(list)

    def moments() -> Iterator[Moment]:
        for index, moment in enumerate(_moments(clip, rows)):
            if index >= first_counted:
                for row in rows:
                    difference = moment.rows[row].lab[..., 0] - moment.truth.lab[..., 0]
                    gaps[row].append(np.median(np.abs(difference)))
            yield moment
            advance()

    kind = "clips" if len(clip.frames) > 1 else "images"
    found = measure(kind, clip.name, moments(), estimated(networks.flow), networks, first_counted)
    found.luminance_gaps = {row: float(max(of_row)) for row, of_row in gaps.items()}
    return found


def _moments(clip: Clip, rows: dict[str, Path]) -> Iterator[Moment]:
    """Frame by frame the 8-bit pictures of all rows."""
    for truth_path, *paths in zip(clip.frames, *(clip.of(folder) for folder in rows.values()), strict=True):
        truth = Frame(read_rgb(truth_path))
        luminance = luminance_from_rgb(truth.rgb)
        grey = Frame(with_luminance(luminance, np.zeros((*luminance.shape, 2), np.float32)))
        results = (Frame(read_rgb(path)) for path in paths)
        yield Moment(truth, {TRUTH: truth, GREY: grey, **dict(zip(rows, results, strict=True))})


def estimated(estimator: Estimator) -> Motions:
    """The motion of the truth's grey frames."""

    def motion(index: int, truth: Frame, truth_next: Frame) -> Motion:
        grey, grey_next = (grey8(frame.lab[..., 0]) for frame in (truth, truth_next))
        flow, back = estimator(grey, grey_next), estimator(grey_next, grey)
        return Motion(flow, ruder_mask(flow, back), warp_error.lai_occluded(flow, back))

    return motion


def _luminance_warnings(clips: list[Clip], measured: Iterable[Measured]) -> Iterator[str]:
    off = defaultdict(list)
    for clip, of_clip in zip(clips, measured, strict=True):
        for row, gap in of_clip.luminance_gaps.items():
            if gap > MAX_LUMINANCE_GAP:
                off[row].append((gap, clip.name))
    for row, found in off.items():
        gap, clip = max(found)
        yield (
            f"{row} does not have the ground truth's luminance in {len(found)} of {len(clips)} clips (worst: {clip}, "
            f"half of a frame's pixels are off by more than {gap:.2f} L; rounding stays below {MAX_LUMINANCE_GAP}). "
            "Its PSNR, SSIM and LPIPS then measure more than colour: join the method's a and b with the input's L at "
            "full size, and round to 8 bits"
        )


def load_networks(flow: str, fid_features: str, classifier: str, labels: Path | None, weights: Path) -> Networks:
    """What measures, by name; `none` for no features, without `labels` no classifier, without its weights no LPIPS.

    labels: CSV with the columns item and label, the ImageNet class index of pictures. Raises MissingWeights.
    """
    distance, left_out = load_distance(weights)
    if labels is None:
        left_out.append("Top-1 and Top-5 are left out: they need pictures and the class of each (`--labels`).")
    if fid_features == "none":
        left_out.append("Distances between sets are left out, as `--fid-features none` asks.")
    return Networks(
        flow=load_estimator(flow, weights),
        features=None if fid_features == "none" else load_backbone(fid_features, weights),
        classifier=None if labels is None else load_backbone(classifier, weights),
        labels={} if labels is None else read_labels(labels),
        lpips=distance,
        left_out=tuple(left_out),
    )


def load_distance(weights: Path) -> tuple[object | None, list[str]]:
    """LPIPS' network; without its file None, and the message that says where the file comes from."""
    try:
        return lpips.load_lpips(weights), []
    except (MissingWeights, ImportError) as error:
        return None, [f"LPIPS is left out: {error}"]


def load_backbone(name: str, weights: Path):
    """A network of vision.backbones, which imports torch."""
    from vision import backbones

    return backbones.load_backbone(name, weights)


def read_labels(path: Path) -> dict[str, int]:
    """Class index by item. Raises ValueError naming the columns that are expected."""
    table = pd.read_csv(path, dtype={"item": str})
    if not {"item", "label"} <= set(table.columns):
        raise ValueError(f"{path}: expected the columns item and label, found {', '.join(table.columns)}")
    return dict(zip(table["item"], table["label"].astype(int), strict=True))
