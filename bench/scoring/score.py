"""Stage: measure what one row of the table has coloured. One tidy table: row, metric, kind, item, frame, value.

Pictures are measured as saved, in 8 bits, with every metric of measure.py in one pass; distances between sets are of
the images. An item that failed has no values; why stands in the row's table of results.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import tyro

from bench.metrics.warp_error import lai_occluded
from bench.scoring.measure import (
    Frame,
    Measured,
    Moment,
    Motion,
    Motions,
    Networks,
    load_backbone,
    load_distance,
    measure,
    set_metrics,
)
from media.bar import Bar
from media.flow_files import read_kitti
from media.image import frame_path, read_frames
from media.provenance import recorded
from media.tables import CLIPS, COLORIZED, SCORES, folder_of, kept, read_table, write_table

RESULT = "result"  # what the row is called while it is measured: a row may be called like the ground truth


def main(
    *,
    row: str,
    colorized: Path,
    clips: Path,
    images: Path,
    clip_flow: Path,
    classifier: str,
    fid_features: str,
    weights: Path,
    table: Path,
) -> None:
    """Score one row.

    Args:
        row: name of the row in `methods:`.
        colorized: its table of results; the frames lie in the folder of its name, as for every table here.
        clips: table of the test clips, the ground truth.
        images: table of the test images, with their labels.
        clip_flow: table of the clips' flow, of an estimator that no row uses.
        classifier: network of Top-1 and Top-5.
        fid_features: network of the Frechet and kernel distances.
        weights: folder of weight files.
        table: the table to write.
    """
    done, frames = kept(read_table(colorized, COLORIZED)), folder_of(colorized)
    distance, left_out = load_distance(weights)
    for note in left_out:
        print(f"warning: {note}", file=sys.stderr)
    names = done[done["kind"] == "images"]["item"].tolist()
    if names or distance is not None:
        import torch

        torch.set_num_threads(1)
    scores = []
    for item in Bar(done[done["kind"] == "clips"].itertuples(), desc=f"score {row}: clips"):
        result = read_frames(frames / "clips" / item.item, item.n_frames)
        truth = read_frames(folder_of(clips) / item.item, item.n_frames)
        scores += score_clip(item.item, result, truth, folder_of(clip_flow) / item.item, Networks(lpips=distance)).lines
    if names:
        networks = Networks(
            features=load_backbone(fid_features, weights),
            classifier=load_backbone(classifier, weights),
            labels=labels_of(read_table(images, CLIPS)),
            lpips=distance,
        )
        names = Bar(names, desc=f"score {row}: images")
        found = [score_image(name, frames / "images", folder_of(images), networks) for name in names]
        scores += [line for of_image in found for line in of_image.lines]
        scores += [line | {"kind": "images"} for line in set_metrics(found, [RESULT])]
    write_table([line | {"row": row} for line in scores], table, SCORES)


def score_clip(
    item: str, result: Iterator[np.ndarray], truth: Iterator[np.ndarray], flow_dir: Path, networks: Networks
) -> Measured:
    """Every metric of a clip, from frames uint8 RGB and the flow of the ground truth in flow_dir (`stored`)."""
    moments = (Moment(Frame(of_truth), {RESULT: Frame(rgb)}) for rgb, of_truth in zip(result, truth, strict=True))
    return measure("clips", item, moments, stored(flow_dir), networks)


def score_image(item: str, result_dir: Path, truth_dir: Path, networks: Networks) -> Measured:
    """Every metric of a picture, whose values are of the item and no frame."""
    rgb, truth = (next(read_frames(folder / item, 1)) for folder in (result_dir, truth_dir))
    found = measure("images", item, [Moment(Frame(truth), {RESULT: Frame(rgb)})], stored(truth_dir), networks)
    found.lines = [line | {"frame": None} for line in found.lines]
    return found


def stored(flow_dir: Path) -> Motions:
    """The motion in flow_dir/forward, with its mask, and flow_dir/backward, as prep.flow writes them."""

    def motion(index: int, *_: Frame) -> Motion:
        flow, reliable = read_kitti(frame_path(flow_dir / "forward", index))
        back, _ = read_kitti(frame_path(flow_dir / "backward", index + 1))
        return Motion(flow, reliable, lai_occluded(flow, back))

    return motion


def labels_of(images: pd.DataFrame) -> dict[str, int]:
    """ImageNet class by image, of those that have one."""
    return images.dropna(subset="label").set_index("clip")["label"].astype(int).to_dict()


if __name__ == "__main__":
    tyro.cli(recorded(main, "table"))
