"""Scoring folders of frames against a folder of the ground truth (folders.py), with every metric of measure.py.

Ground truth itself and grey are measured beside the results: several metrics only mean something between those two.
"""

import csv
import re
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from pathlib import Path

import dask
import numpy as np
import pandas as pd

from bench.metrics.warp_error import lai_occluded
from bench.scoring.folders import Clip, MisfitFolders, check
from bench.scoring.measure import (
    TRUTH,
    Frame,
    Measured,
    Moment,
    Motions,
    Networks,
    TruthMotion,
    backbone_of,
    load_distance,
    measure,
    set_metrics,
)
from media.bar import Bar
from media.color import grey8, luminance_from_rgb, with_luminance
from media.image import read_rgb
from media.tables import SCORES
from media.text import read_text
from vision.flow_estimators import Estimator, load_estimator
from vision.occlusion import ruder_visible

GREY = "grey"

# Half of the pixels may be so far from the truth's luminance: a grey level is 0.39 apart from the next, so rounding
# stays below, and colours outside sRGB, whose luminance cannot be kept, are seldom half of a frame.
MAX_LUMINANCE_GAP = 0.25
CLASSES = 1000  # of ImageNet


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
    with Bar(total=sum(len(clip.frames) for clip in clips), desc="score frames") as bar:
        advance = _advance(bar)
        tasks = [dask.delayed(_of_clip)(clip, rows, networks, first_counted, advance) for clip in clips]
        measured = dask.compute(*tasks, scheduler="threads", num_workers=jobs)
    for warning in _luminance_warnings(clips, measured):
        print(f"warning: {warning}", file=sys.stderr)
    lines = [line for of_clip in measured for line in of_clip.lines]
    kind = lines[0]["kind"]  # `check` refuses a mixture
    lines += [{"kind": kind} | line for line in set_metrics(measured, [TRUTH, GREY, *rows])]
    return pd.DataFrame(lines).reindex(columns=list(SCORES)).astype(SCORES)


def _advance(bar: Bar) -> Callable[[], None]:
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
    measured = measure(kind, clip.name, moments(), estimated(networks.scoring_flow), networks, first_counted)
    measured.luminance_gaps = {row: float(max(of_row)) for row, of_row in gaps.items()}
    return measured


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

    def motion(index: int, truth: Frame, truth_next: Frame) -> TruthMotion:
        grey, grey_next = (grey8(frame.lab[..., 0]) for frame in (truth, truth_next))
        flow, back = estimator(grey, grey_next), estimator(grey_next, grey)
        return TruthMotion(flow, ruder_visible(flow, back), lai_occluded(flow, back))

    return motion


def _luminance_warnings(clips: list[Clip], measured: Iterable[Measured]) -> Iterator[str]:
    off = defaultdict(list)
    for clip, of_clip in zip(clips, measured, strict=True):
        for row, gap in of_clip.luminance_gaps.items():
            if gap > MAX_LUMINANCE_GAP:
                off[row].append((gap, clip.name))
    for row, gaps in off.items():
        gap, clip = max(gaps)
        yield (
            f"{row} does not have the ground truth's luminance in {len(gaps)} of {len(clips)} clips (worst: {clip}, "
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
        scoring_flow=load_estimator(flow, weights),
        features=None if fid_features == "none" else backbone_of(fid_features, weights),
        classifier=None if labels is None else backbone_of(classifier, weights),
        labels={} if labels is None else read_labels(labels),
        lpips=distance,
        left_out=tuple(left_out),
    )


def read_labels(path: Path) -> dict[str, int]:
    """Class index by item. Raises ValueError naming the columns that are expected, or the line that makes no sense."""
    reader = csv.DictReader(StringIO(read_text(path)), restval="", skipinitialspace=True)
    reader.fieldnames = [column.strip() for column in reader.fieldnames or []]
    if not {"item", "label"} <= set(reader.fieldnames):
        raise ValueError(f"{path}: expected the columns item and label, found {', '.join(reader.fieldnames)}")
    labels: dict[str, int] = {}
    for row in reader:
        item, label = row["item"].strip(), row["label"].strip()
        place = f"{path}, line {reader.line_num}"
        if not item:
            raise ValueError(f"{place}: the label {label!r} has no item; expected the name of a picture")
        # A spreadsheet may write 7 as 7.0.
        if not re.fullmatch(r"[0-9]{1,9}(\.0+)?", label) or int(float(label)) >= CLASSES:
            raise ValueError(
                f"{place}: the item {item!r} has the label {label!r}; expected an ImageNet class index, "
                f"0 to {CLASSES - 1} (a picture without one has no line)"
            )
        if labels.setdefault(item, int(float(label))) != int(float(label)):
            raise ValueError(
                f"{place}: the item {item!r} has the label {label}, and {labels[item]} in a line above; keep one"
            )
    return labels
