"""Stage: measure what one row of the table has coloured. One tidy table: row, metric, kind, item, frame, value.

Pictures are measured as saved, in 8 bits, with every metric of measure.py in one pass; distances between sets are of
the images. An item that failed has no values; why stands in the row's table of results. What is dear and of the ground
truth alone is read from what the stage `truth` has stored.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import tyro

from bench.scoring.measure import (
    Frame,
    Known,
    Measured,
    Moment,
    Networks,
    backbone_of,
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
    results, frames = kept(read_table(colorized, COLORIZED)), folder_of(colorized)
    of_clips, of_images = (results[results["kind"] == kind] for kind in ("clips", "images"))
    stored = Truth.read(truth, images, scoring_flow)
    distance, left_out = load_distance(weights)
    if len(of_images) or distance is not None:
        import torch

        torch.set_num_threads(1)
    lines = []
    for item in Bar(of_clips.itertuples(), desc=f"score {row}: clips"):
        result, true = (read_frames(of / item.item, item.n_frames) for of in (frames / "clips", folder_of(clips)))
        lines += score_clip(item.item, result, true, stored, Networks(lpips=distance)).lines
    if len(of_images):
        networks = Networks(
            features=backbone_of(fid_features, weights),
            classifier=backbone_of(classifier, weights),
            labels=labels_of(read_table(images, CLIPS)),
            lpips=distance,
        )
        names = Bar(of_images["item"].tolist(), desc=f"score {row}: images")
        lines += score_images(names, frames / "images", folder_of(images), stored, networks)
    write_table([line | {"row": row} for line in lines], table, SCORES)
    return {"left_out": left_out}


def score_clip(
    item: str, result: Iterable[np.ndarray], truth: Iterable[np.ndarray], stored: Truth, networks: Networks
) -> Measured:
    """Every metric of a clip, from its frames uint8 RGB and what is stored of the truth."""
    frames = enumerate(zip(result, truth, strict=True))
    moments = (
        Moment(Frame(true), {RESULT: Frame(rgb)}, stored.known("clips", item, index)) for index, (rgb, true) in frames
    )
    return measure("clips", item, moments, stored.motions(item), networks)


def score_images(
    names: Iterable[str], result_dir: Path, truth_dir: Path, stored: Truth, networks: Networks
) -> list[dict]:
    """The lines of every metric of pictures, and of their set."""
    measured = [score_image(name, result_dir, truth_dir, stored.known("images", name), networks) for name in names]
    of_set = [line | {"kind": "images"} for line in set_metrics(measured, [RESULT])]
    return [line for of_image in measured for line in of_image.lines] + of_set


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
