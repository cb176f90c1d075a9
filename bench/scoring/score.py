"""Stage: measure what one row of the table has coloured. One tidy table: row, metric, kind, item, frame, value.

Pictures are measured as saved, in 8 bits, with every metric of measure.py in one pass; distances between sets are of
the images. An item that failed has no values; why stands in the row's table of results. What is of the ground truth
alone is not computed here but by the stage `truth`.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import tyro

from bench.scoring.measure import (
    Frame,
    Known,
    Measured,
    Moment,
    Motions,
    Networks,
    load_backbone,
    load_distance,
    measure,
    set_metrics,
)
from bench.scoring.truth import Truth
from media.bar import Bar
from media.image import read_frames
from media.provenance import recorded
from media.tables import CLIPS, COLORIZED, SCORES, folder_of, kept, read_table, write_table

RESULT = "result"  # what the row is called while it is measured: a row may be called like the ground truth


def main(
    *,
    row: str,
    colorized: Path,
    clips: Path,
    images: Path,
    scoring_flow: Path,
    truth: Path,
    classifier: str,
    fid_features: str,
    weights: Path,
    table: Path,
) -> dict:
    """Score one row. Returns for the sidecar what could not be measured, and why.

    Args:
        row: name of the row in `methods:`.
        colorized: its table of results; the frames lie in the folder of its name, as for every table here.
        clips: table of the test clips, the ground truth.
        images: table of the test images, with their labels.
        scoring_flow: table of the clips' flow, of an estimator that no row uses.
        truth: the table of bench.scoring.truth, made of the same clips, images, flow and network of features.
        classifier: network of Top-1 and Top-5.
        fid_features: network of the Frechet and kernel distances.
        weights: folder of weight files.
        table: the table to write.
    """
    results = kept(read_table(colorized, COLORIZED))
    of_clips, of_images = (results[results["kind"] == kind] for kind in ("clips", "images"))
    stored = Truth.read(truth, images, scoring_flow)
    distance, left_out = load_distance(weights)
    if len(of_images) or distance is not None:
        import torch

        torch.set_num_threads(1)
    lines = []
    for item in Bar(of_clips.itertuples(), desc=f"score {row}: clips"):
        result = read_frames(folder_of(colorized) / "clips" / item.item, item.n_frames)
        true = read_frames(folder_of(clips) / item.item, item.n_frames)
        known = [stored.known("clips", item.item, index) for index in range(item.n_frames)]
        lines += score_clip(item.item, result, true, known, stored.motions(item.item), Networks(lpips=distance)).lines
    if len(of_images):
        networks = Networks(
            features=load_backbone(fid_features, weights),
            classifier=load_backbone(classifier, weights),
            labels=labels_of(read_table(images, CLIPS)),
            lpips=distance,
        )
        folders = folder_of(colorized) / "images", folder_of(images)
        names = Bar(of_images["item"].tolist(), desc=f"score {row}: images")
        measured = [score_image(name, *folders, stored.known("images", name), networks) for name in names]
        lines += [line for of_image in measured for line in of_image.lines]
        lines += [line | {"kind": "images"} for line in set_metrics(measured, [RESULT])]
    write_table([line | {"row": row} for line in lines], table, SCORES)
    return {"left_out": left_out}


def score_clip(
    item: str,
    result: Iterator[np.ndarray],
    truth: Iterator[np.ndarray],
    known: Iterable[Known | None],
    motions: Motions,
    networks: Networks,
) -> Measured:
    """Every metric of a clip, from its frames uint8 RGB, and what is known of the truth's frames and motion."""
    frames = zip(result, truth, known, strict=True)
    moments = (Moment(Frame(true), {RESULT: Frame(rgb)}, of_frame) for rgb, true, of_frame in frames)
    return measure("clips", item, moments, motions, networks)


def score_image(item: str, result_dir: Path, truth_dir: Path, known: Known | None, networks: Networks) -> Measured:
    """Every metric of a picture, whose values are of the item and no frame."""
    rgb, true = (next(read_frames(folder / item, 1)) for folder in (result_dir, truth_dir))
    measured = measure("images", item, [Moment(Frame(true), {RESULT: Frame(rgb)}, known)], None, networks)
    measured.lines = [line | {"frame": None} for line in measured.lines]
    return measured


def labels_of(images: pd.DataFrame) -> dict[str, int]:
    """ImageNet class by image, of those that have one."""
    return images.dropna(subset="label").set_index("clip")["label"].astype(int).to_dict()


if __name__ == "__main__":
    tyro.cli(recorded(main, "table"))
