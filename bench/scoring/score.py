"""Stage: measure what one row of the table has coloured. One tidy table: row, metric, kind, item, frame, value.

Pictures are measured as saved, in 8 bits, with every metric of measure.py in one pass; distances between sets are of
the images. An item that failed has no values; why stands in the row's table of results. What is dear and of the ground
truth alone is read from what the stage `truth` has stored. What is measured has a receipt, by content.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from io import BytesIO
from itertools import chain
from pathlib import Path
from threading import Lock

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
from media.jobs import Task, content_of, finish_tasks, is_address, key_of, task_name
from media.places import resolved
from media.provenance import recorded
from media.tables import CLIPS, COLORIZED, SCORES, folder_of, kept, read_table, records, write_rows
from media.versions import version_of
from media.whole import remove, write_whole
from vision.network_files import OF_BACKBONE, contents
from vision.weights import ALEXNET

STAGE = "bench.scoring.score"
RESULT = "result"  # what the row is called while it is measured: a row may be called like the ground truth
# The threads of PyTorch are a process's, not a thread's.
measuring = Lock()


def main(
    *, row: str, colorized: Path, clips: Path, images: Path, scoring_flow: Path, truth: Path, classifier: str,
    fid_features: str, weights: Path, table: Path, frames: Path | None = None, pieces: Path | None = None,
    shard: int = 0, shards: int = 1, device: str = "cpu", scheduler: str = "threads",
) -> dict:  # fmt: skip
    """Score one row. Returns for the sidecar what could not be measured, and why.

    Args:
        row: name of the row in `methods:`.
        colorized: its table of results, or that of a shard of them.
        clips: table of the test clips, the ground truth; the frames lie in the folder of its name.
        images: table of the test images, with their labels.
        scoring_flow: table of the clips' flow, of an estimator that no row uses.
        truth: the table of bench.scoring.truth, made of the same clips, images, flow and network of features.
        classifier: network of Top-1 and Top-5.
        fid_features: network of the Frechet and kernel distances.
        weights: folder of weight files.
        table: the table to write.
        frames: folder of the row's frames; none: the folder of the name of `colorized`.
        pieces: folder of the row's receipts and features; none: the folder of the name of `table`.
        shard: which shard of the results `colorized` has; bench.scoring.gather_scores makes one table of all.
        shards: number of shards. The distances of sets are not those of shards, so only a single one has them.
        device: where networks run: cpu, cuda, or auto for a GPU where there is one.
        scheduler: threads or here, item after item in this process; or the address of a dask.distributed scheduler.
    """
    results = in_order(read_table(colorized, COLORIZED))
    networks = ScoringNetworks(classifier, fid_features, weights, device)
    folders = frames or folder_of(colorized), folder_of(clips), folder_of(images)
    scorer = Scorer(*folders, pieces or folder_of(table), networks)
    stored = Truth.read(truth, images, scoring_flow, None if shards == 1 else set(results["item"]))
    labels = labels_of(read_table(images, CLIPS))
    desc = f"score {row}" + (f" shard {shard}" if shards > 1 else "")
    lines = scorer.scored(records(results), labels, stored, scheduler, desc, shard, shards)
    if shards == 1:
        pictures = results.loc[results["kind"] == "images", "item"].tolist()
        lines = chain(lines, distances(pictures, scorer.features))
    write_rows((line | {"row": row} for line in lines), table, SCORES)
    return {"left_out": networks.left_out}


def in_order(results: pd.DataFrame) -> pd.DataFrame:
    """What was coloured, in the order of the scores: clips, then images."""
    return kept(results).sort_values("kind", kind="stable")


@dataclass(frozen=True)
class ScoringNetworks:
    """The networks that scores take, loaded when the first item needs them."""

    classifier: str
    fid_features: str
    weights: Path
    device: str

    @cached_property
    def left_out(self) -> list[str]:
        """What cannot be measured here, and why."""
        return distance_left_out(self.weights)

    @cached_property
    def of_clips(self) -> Networks:
        distance = None if self.left_out else load_distance(self.weights, self.device)[0]
        return Networks(lpips=distance, device=self.device)

    @cached_property
    def of_images(self) -> Networks:
        features, classifier = (
            backbone_of(name, self.weights, self.device) for name in (self.fid_features, self.classifier)
        )
        return replace(self.of_clips, features=features, classifier=classifier)

    @cached_property
    def decided(self) -> list:
        """What all values follow from besides the items: the code and the networks."""
        names = self.classifier, self.fid_features
        files = [file for name in names for file in OF_BACKBONE.get(name, ())]
        return [version_of(STAGE), names, contents((*files, ALEXNET), self.weights), self.left_out == []]


@dataclass(frozen=True)
class Scorer:
    """Measures the items of one row, one after the other."""

    results: Path  # folder of the row's frames
    clips: Path  # folders of the true frames
    images: Path
    pieces: Path
    networks: ScoringNetworks

    @property
    def features(self) -> Path:
        """Folder: of each image the features of the result and of the truth, float32 (2, C)."""
        return self.pieces / "features"

    def scored(
        self, results: Iterable[dict], labels: dict[str, int], stored: Truth, scheduler: str, desc: str, shard: int,
        shards: int,
    ) -> Iterator[dict]:  # fmt: skip
        """The lines of every metric of the results, rows of COLORIZED, in this process or on a cluster."""
        sent = is_address(scheduler)
        tasks = []
        for kind, item, n_frames in ((row["kind"], row["item"], row["n_frames"]) for row in results):
            own = kind, item, n_frames, labels.get(item)
            key = self.key(stored, *own)
            tasks.append(Task(task_name(kind, item), key, (resolved(stored.of(kind, item)) if sent else stored, *own)))
        there = resolved(self) if sent else self
        function = partial(_score_there, there, key_of(self.networks.decided)) if sent else there.lines
        outputs, receipts = partial(files_of, features=there.features), there.pieces / "receipts"
        return finish_tasks(function, tasks, receipts, outputs, 1, scheduler if sent else "here", desc, shard, shards)

    def key(self, stored: Truth, kind: str, item: str, n_frames: int, label: int | None) -> str:
        """Over the content of all that an item's values follow from. Raises MachineFault."""
        frames = [content_of(folder / item) for folder in self._folders_of(kind)]
        known = [stored.known(kind, item, index) for index in range(n_frames)]
        values = [each and [each.values, each.features is not None and each.features.tobytes().hex()] for each in known]
        moves = kind == "clips" and n_frames > 1
        motion = [content_of(folder) for folder in stored.folders_of_motion(item)] if moves else []
        return key_of(self.networks.decided, kind, item, label, frames, values, motion)

    def lines(self, stored: Truth, kind: str, item: str, n_frames: int, label: int | None) -> list[dict]:
        """The lines of every metric of an item; the features of an image are written."""
        if kind == "images" or not self.networks.left_out:
            import torch

            torch.set_num_threads(1)
        folders = self._folders_of(kind)
        if kind == "clips":
            result, true = (read_frames(folder / item, n_frames) for folder in folders)
            measured = score_clip(item, result, true, stored, self.networks.of_clips)
        else:
            networks = replace(self.networks.of_images, labels={} if label is None else {item: label})
            measured = score_image(item, *folders, stored.known(kind, item), networks)
            coded = BytesIO()
            np.save(coded, np.stack([measured.features[row][0] for row in (RESULT, TRUTH)]))
            write_whole(features_of_image(item, self.features), coded.getvalue())
        return [line | {"value": float(line["value"])} for line in measured.lines]

    def _folders_of(self, kind: str) -> tuple[Path, Path]:
        return self.results / kind, {"clips": self.clips, "images": self.images}[kind]


def _score_there(scorer: Scorer, decided: str, *item) -> list[dict]:
    """The lines of an item in a worker of a cluster: one at a time, by networks that are loaded once."""
    with measuring:
        return replace(scorer, networks=_once(scorer.networks, decided)).lines(*item)


@lru_cache(maxsize=1)
def _once(networks: ScoringNetworks, decided: str) -> ScoringNetworks:
    """The first of this process that are the same, also by the content of their files: they hold what is loaded."""
    return networks


def features_of_image(image: str, features: Path) -> Path:
    """Where the features of an image lie."""
    return features / f"{image}.npy"


def files_of(line: dict, features: Path) -> list[Path]:
    """The file that the item of a line has beside its lines."""
    return [features_of_image(line["item"], features)] if line["kind"] == "images" else []


def distances(images: list[str], features: Path) -> Iterator[dict]:
    """The lines of the metrics of the set of these images; features of others are removed."""
    pairs = (np.load(features_of_image(image, features)) for image in images)
    measured = (Measured(features={RESULT: [result], TRUTH: [true]}) for result, true in pairs)
    lines = [line | {"kind": "images"} for line in set_metrics(measured, [RESULT])]
    wanted = {features_of_image(image, features) for image in images}
    for path in features.iterdir() if features.is_dir() else ():
        if path not in wanted:
            remove(path)
    yield from lines


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
    from bench.scoring import score  # under its name: what is sent to a cluster must not lie in `__main__`

    tyro.cli(recorded(score.main, "table"))
