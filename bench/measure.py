"""Every metric of frames from anywhere: folders of results against a folder of the ground truth (bench.folders).

Ground truth itself and grey are measured beside the results, because several metrics only mean something between the
two. Metrics are listed here, each in a line.
"""

import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
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
class Pair:
    """Frames t and t+1 of one row, and how the ground truth moves between them."""

    rgb: np.ndarray
    rgb_next: np.ndarray
    ab: np.ndarray
    ab_next: np.ndarray
    flow: np.ndarray
    flow_back: np.ndarray
    reliable: np.ndarray  # by Ruder's rule
    occluded: np.ndarray  # by Lai's rule


# A metric is one line, under its name in the table. The networks that LPIPS and Top-k need are loaded by
# `load_networks`.
FRAMES = {  # (rgb, truth)
    "psnr": Metric(psnr, psnr.psnr),
    "psnr_ab": Metric(psnr_ab, psnr_ab.psnr_ab),
    "ssim": Metric(ssim, ssim.ssim),
}
PICTURES = {  # (rgb); the distance to the truth's value is a metric of its own
    "colorful": Metric(colorfulness, colorfulness.colorfulness),
    "colorful_rgb": Metric(colorfulness_rgb, colorfulness_rgb.colorfulness_rgb),
}
DELTAS = {"colorful": "delta_cf_per_image", "colorful_rgb": "delta_cf_rgb_per_image"}  # |value - that of the truth|
PAIRS = {  # (pair): a value, or values by the names of its readings
    "flicker": Metric(flicker, lambda pair: flicker.flicker(pair.ab, pair.ab_next, pair.flow, pair.reliable)),
    "warp_error": Metric(
        warp_error, lambda pair: warp_error.warp_error(pair.rgb, pair.rgb_next, pair.flow, pair.occluded)
    ),
}
CLIPS = {"cdc": Metric(cdc, lambda shares: float(cdc.cdc(shares).mean()))}  # (histograms of all frames)
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
    """What measures: flow for pairs of frames, networks of vision.backbones for sets and labels, and LPIPS, or None."""

    flow: Estimator
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
        return FRAMES | {"lpips": Metric(LPIPS.module, partial(LPIPS.measure, network=self.lpips))}


@dataclass
class Measured:
    """What one clip gave: lines of the table, features of its frames and median differences in luminance by row."""

    lines: list[dict] = field(default_factory=list)
    features: dict[str, list[np.ndarray]] = field(default_factory=lambda: defaultdict(list))
    luminance_gaps: dict[str, float] = field(default_factory=dict)


def declared_as(column: str) -> str:
    """The name in METRICS of what a column holds: of a reading of a metric, such as flicker_rms, the metric's."""
    return column if column in METRICS else column.partition("_")[0]


def module_of(column: str) -> ModuleType:
    """The module that says the unit of a column's values and which side is better."""
    return METRICS[declared_as(column)].module


def score_folders(
    results: list[Path], truth: Path, networks: Networks, *, first_counted: int = 0, jobs: int = 1
) -> pd.DataFrame:
    """Score each folder of results, columns SCORES; rows are called after the folders, and ground_truth and grey.

    Frames before first_counted were given to the methods: they are in no mean, but pairs with them are. jobs: clips
    measured at a time, each with one frame of every folder and the one before in memory.
    Warns of results that do not have the truth's luminance. Raises MisfitFolders before anything is measured.
    """
    clips, rows = check(results, truth, first_counted), row_names(results)
    with tqdm(total=sum(len(clip.frames) for clip in clips), desc="score frames", mininterval=5) as bar:
        advance = _advance(bar)
        tasks = [dask.delayed(measure)(clip, rows, networks, first_counted, advance) for clip in clips]
        measured = dask.compute(*tasks, scheduler="threads", num_workers=jobs)
    for warning in _luminance_warnings(clips, measured):
        print(f"warning: {warning}", file=sys.stderr)
    lines = [line for of_clip in measured for line in of_clip.lines]
    kind = lines[0]["kind"]  # `check` refuses a mixture
    lines += [{"kind": kind} | line for line in _set_metrics(measured)]
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


def measure(
    clip: Clip, rows: dict[str, Path], networks: Networks, first_counted: int, advance: Callable[[], None]
) -> Measured:
    """All metrics of one clip, of the ground truth, of grey and of each folder in `rows`."""
    found, gaps, shares = Measured(), defaultdict(list), defaultdict(list)
    kind = "clips" if len(clip.frames) > 1 else "images"
    values: list[tuple] = []  # (frame, row, metric, value)
    before: tuple = ()
    for index, frames in enumerate(_frames(clip, rows)):
        now = frames, {row: lab_from_rgb(rgb) for row, rgb in frames.items()}
        if before:
            values += [(index - 1, *value) for value in _of_pair(before, now, networks.flow)]
        if index >= first_counted:
            values += [(index, *value) for value in _of_frame(frames, networks, clip.name)]
            for row in rows:
                gaps[row].append(np.median(np.abs(now[1][row][..., 0] - now[1][TRUTH][..., 0])))
            if networks.features is not None:
                for row, rgb in frames.items():
                    found.features[row].append(_pooled(rgb, networks.features))
        for row, rgb in frames.items():
            shares[row].append(cdc.histograms(rgb))
        before = now
        advance()
    values += _of_clip(shares)
    found.lines = [
        {"row": row, "metric": metric, "kind": kind, "item": clip.name, "frame": frame, "value": value}
        for frame, row, metric, value in values
    ]
    found.luminance_gaps = {row: float(max(of_row)) for row, of_row in gaps.items()}
    return found


def _frames(clip: Clip, rows: dict[str, Path]) -> Iterator[dict[str, np.ndarray]]:
    """Frame by frame the 8-bit pictures of all rows."""
    for truth_path, *paths in zip(clip.frames, *(clip.of(folder) for folder in rows.values()), strict=True):
        truth = read_rgb(truth_path)
        luminance = luminance_from_rgb(truth)
        grey = with_luminance(luminance, np.zeros((*luminance.shape, 2), np.float32))
        yield {TRUTH: truth, GREY: grey, **dict(zip(rows, map(read_rgb, paths), strict=True))}


def _of_frame(frames: dict[str, np.ndarray], networks: Networks, item: str) -> Iterator[tuple[str, str, float]]:
    """(row, metric, value) of one frame."""
    truth = frames[TRUTH]
    of_truth = {name: metric.measure(truth) for name, metric in PICTURES.items()}
    for row, rgb in frames.items():
        yield from ((row, name, metric.measure(rgb, truth)) for name, metric in networks.frames.items())
        for name, metric in PICTURES.items():
            value = metric.measure(rgb)
            yield row, name, value
            yield row, DELTAS[name], abs(value - of_truth[name])
        if item in networks.labels:
            logits = _logits(rgb, networks.classifier)
            for name, metric in ACCURACY.items():
                yield row, name, metric.measure(logits, [networks.labels[item]], int(name.removeprefix("top")))[0]


def _of_pair(before: tuple, now: tuple, estimator: Estimator) -> Iterator[tuple[str, str, float]]:
    """(row, reading, value) of two frames, each (RGB by row, Lab by row): by the motion of the truth's grey frames."""
    (rgb, lab), (rgb_next, lab_next) = before, now
    grey, grey_next = (grey8(of_rows[TRUTH][..., 0]) for of_rows in (lab, lab_next))
    flow, back = estimator(grey, grey_next), estimator(grey_next, grey)
    motion = flow, back, ruder_mask(flow, back), warp_error.lai_occluded(flow, back)
    for row in rgb:
        pair = Pair(rgb[row], rgb_next[row], lab[row][..., 1:], lab_next[row][..., 1:], *motion)
        for name, metric in PAIRS.items():
            value = metric.measure(pair)
            readings = value if isinstance(value, dict) else {name: value}
            yield from ((row, reading, found) for reading, found in readings.items() if found is not None)


def _of_clip(shares: dict[str, list[np.ndarray]]) -> Iterator[tuple[None, str, str, float]]:
    """(no frame, row, metric, value) of one clip from the histograms of its frames; nothing if it is too short."""
    for row, of_frames in shares.items():
        if len(of_frames) > max(cdc.STEPS):
            yield from ((None, row, name, metric.measure(np.stack(of_frames))) for name, metric in CLIPS.items())


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


def _set_metrics(measured: Iterable[Measured]) -> Iterator[dict]:
    pooled: dict[str, list[np.ndarray]] = defaultdict(list)
    for of_clip in measured:
        for row, features in of_clip.features.items():
            pooled[row] += features
    if len(pooled[TRUTH]) < 2:
        return
    truth = np.stack(pooled[TRUTH])
    for row, features in pooled.items():
        for name, metric in SETS.items():
            yield {"row": row, "metric": name, "value": metric.measure(np.stack(features), truth)}


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
    left_out = []
    try:
        distance = lpips.load_lpips(weights)
    except (MissingWeights, ImportError) as error:
        left_out.append(f"LPIPS is left out: {error}")
        distance = None
    if labels is None:
        left_out.append("Top-1 and Top-5 are left out: they need pictures and the class of each (`--labels`).")
    if fid_features == "none":
        left_out.append("Distances between sets are left out, as `--fid-features none` asks.")
    return Networks(
        flow=load_estimator(flow, weights),
        features=None if fid_features == "none" else _load_backbone(fid_features, weights),
        classifier=None if labels is None else _load_backbone(classifier, weights),
        labels={} if labels is None else read_labels(labels),
        lpips=distance,
        left_out=tuple(left_out),
    )


def _load_backbone(name: str, weights: Path):
    from vision.backbones import load_backbone  # torch takes seconds

    return load_backbone(name, weights)


def read_labels(path: Path) -> dict[str, int]:
    """Class index by item. Raises ValueError naming the columns that are expected."""
    table = pd.read_csv(path, dtype={"item": str})
    if not {"item", "label"} <= set(table.columns):
        raise ValueError(f"{path}: expected the columns item and label, found {', '.join(table.columns)}")
    return dict(zip(table["item"], table["label"].astype(int), strict=True))
