"""Stage: measure what one row of the table has coloured. One tidy table: row, metric, kind, item, frame, value.

Pictures are measured as saved, in 8 bits, with every metric of measure.py in one pass; distances between sets are of
the images. An item that failed has no values; why stands in the row's table of results. What is dear and of the ground
truth alone is read from what the stage `truth` has stored. What is measured has a receipt, by content.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import tyro

from bench.scoring.measure import (
    TRUTH,
    Frame,
    Known,
    Measured,
    Moment,
    Networks,
    backbone_of,
    distance_left_out,
    load_distance,
    measure,
    set_metrics,
)
from bench.scoring.truth import Truth
from media.image import read_frames
from media.jobs import Task, content_of, key_of, run_tasks
from media.provenance import recorded
from media.tables import CLIPS, COLORIZED, SCORES, folder_of, kept, read_table, records, write_table
from media.versions import version_of
from media.whole import remove, write_whole
from vision.network_files import OF_BACKBONE, contents
from vision.weights import ALEXNET

STAGE = "bench.scoring.score"
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
    results = kept(read_table(colorized, COLORIZED)).sort_values("kind", kind="stable")  # clips, then images
    scorer = Scorer(
        folder_of(colorized),
        {"clips": folder_of(clips), "images": folder_of(images)},
        labels_of(read_table(images, CLIPS)),
        Truth.read(truth, images, scoring_flow),
        folder_of(table) / "features",
        classifier,
        fid_features,
        weights,
    )
    items = [(item["kind"], item["item"], item["n_frames"]) for item in records(results)]
    tasks = [
        Task(f"{kind}-{item}", scorer.key(kind, item, n_frames), (kind, item, n_frames))
        for kind, item, n_frames in items
    ]
    lines = run_tasks(scorer.lines, tasks, folder_of(table) / "receipts", scorer.files, 1, "here", f"score {row}")
    lines += scorer.distances([item for kind, item, _ in items if kind == "images"])
    write_table([line | {"row": row} for line in lines], table, SCORES)
    return {"left_out": scorer.left_out}


@dataclass(frozen=True)
class Scorer:
    """Measures the items of one row, one after the other; networks are loaded when the first item needs them."""

    results: Path  # folder of the row's frames
    truths: dict[str, Path]  # folder of the true frames, by kind
    labels: dict[str, int]  # of the images
    stored: Truth
    features: Path  # folder: of each image the features of the result and of the truth, float32 (2, C)
    classifier: str
    fid_features: str
    weights: Path

    @cached_property
    def left_out(self) -> list[str]:
        """What cannot be measured here, and why."""
        return distance_left_out(self.weights)

    @cached_property
    def of_clips(self) -> Networks:
        return Networks(lpips=None if self.left_out else load_distance(self.weights)[0])

    @cached_property
    def of_images(self) -> Networks:
        features, classifier = (backbone_of(name, self.weights) for name in (self.fid_features, self.classifier))
        return replace(self.of_clips, features=features, classifier=classifier, labels=self.labels)

    @cached_property
    def decided(self) -> list:
        """What all values follow from besides the items: the code and the networks."""
        names = self.classifier, self.fid_features
        files = [file for name in names for file in OF_BACKBONE.get(name, ())]
        return [version_of(STAGE), names, contents((*files, ALEXNET), self.weights), self.left_out == []]

    def key(self, kind: str, item: str, n_frames: int) -> str:
        """Over the content of all that an item's values follow from. Raises MachineFault."""
        frames = [content_of(folder / item) for folder in (self.results / kind, self.truths[kind])]
        known = [self.stored.known(kind, item, index) for index in range(n_frames)]
        values = [each and [each.values, each.features is not None and each.features.tobytes().hex()] for each in known]
        moves = kind == "clips" and n_frames > 1
        motion = [content_of(folder) for folder in self.stored.folders_of_motion(item)] if moves else []
        return key_of(self.decided, kind, item, self.labels.get(item), frames, values, motion)

    def lines(self, kind: str, item: str, n_frames: int) -> list[dict]:
        """The lines of every metric of an item; the features of an image are written."""
        if kind == "images" or not self.left_out:
            import torch

            torch.set_num_threads(1)
        if kind == "clips":
            result, true = (read_frames(of / item, n_frames) for of in (self.results / kind, self.truths[kind]))
            measured = score_clip(item, result, true, self.stored, self.of_clips)
        else:
            known = self.stored.known(kind, item)
            measured = score_image(item, self.results / kind, self.truths[kind], known, self.of_images)
            coded = BytesIO()
            np.save(coded, np.stack([measured.features[row][0] for row in (RESULT, TRUTH)]))
            write_whole(self._features_of(item), coded.getvalue())
        return [line | {"value": float(line["value"])} for line in measured.lines]

    def files(self, line: dict) -> list[Path]:
        """The file that the item of a line has beside its lines."""
        return [self._features_of(line["item"])] if line["kind"] == "images" else []

    def distances(self, images: list[str]) -> list[dict]:
        """The lines of the metrics of the set of these images; features of others are removed."""
        pairs = [np.load(self._features_of(image)) for image in images]
        measured = [Measured(features={RESULT: [result], TRUTH: [true]}) for result, true in pairs]
        wanted = {self._features_of(image) for image in images}
        for path in self.features.iterdir() if self.features.is_dir() else ():
            if path not in wanted:
                remove(path)
        return [line | {"kind": "images"} for line in set_metrics(measured, [RESULT])]

    def _features_of(self, image: str) -> Path:
        return self.features / f"{image}.npy"


def score_clip(
    item: str, result: Iterable[np.ndarray], truth: Iterable[np.ndarray], stored: Truth, networks: Networks
) -> Measured:
    """Every metric of a clip, from its frames uint8 RGB and what is stored of the truth."""
    frames = enumerate(zip(result, truth, strict=True))
    moments = (
        Moment(Frame(true), {RESULT: Frame(rgb)}, stored.known("clips", item, index)) for index, (rgb, true) in frames
    )
    return measure("clips", item, moments, stored.motions(item), networks)


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
