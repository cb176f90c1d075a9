"""What a search asks for: of each clip or photograph the features of its grey first frame, and its likeliest classes.

A task for each; its features lie in a file of their own until all are there, so that a search that was stopped asks
no network twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from media.color import grey8, luminance_from_rgb
from media.faults import prepared
from media.image import frame_path, read_rgb
from media.jobs import Task, key_of, run_tasks
from media.receipts import Outputs
from media.whole import named_after, remove
from prep.gallery import digest_of_network, grey_features, network_of
from vision.backbones import Backbone, classifier_crop
from vision.placing import device_of
from vision.retrieval import write_features

JUDGED = 5  # frames of a clip that the classifier sees, spread over it


@dataclass(frozen=True)
class QueryNetworks:
    """The networks that queries are seen by, for whatever worker loads them."""

    backbone: str
    classifier: str
    classes: int | None  # of an item are asked for; None: none
    weights: Path
    device: str

    @property
    def settings(self) -> list:
        """All that an answer depends on."""
        digest = digest_of_network(network_of(self.backbone, self.weights, self.device))
        if not self.classes:
            return [self.backbone, digest]
        return [self.backbone, digest, self.classifier, digest_of_network(self.judge()), self.classes, JUDGED]

    def judge(self) -> Backbone:
        """The network that predicts classes."""
        return network_of(self.classifier, self.weights, self.device)


@dataclass(frozen=True)
class ShardWork:
    """How the tasks of a shard are done, and where their files lie."""

    receipts: Path  # folder of the receipts, and of the features of the queries
    pictures: Path  # folder of the pictures of the whole set
    version: int | str  # of the code that the tasks follow from
    workers: int
    scheduler: str

    def rows(self, function: Callable[..., list[dict]], tasks: list[Task], outputs: Outputs, name: str) -> list[dict]:
        """The rows of some tasks; their receipts go into the folder `name`."""
        desc = f"references: {name}"
        return run_tasks(function, tasks, self.receipts / name, outputs, self.workers, self.scheduler, desc)


def ask(clip: str, n_frames: int, frames_dir: Path, networks: QueryNetworks, path: Path) -> list[dict]:
    """Write the features (1, C) of an item's first frame; returns its name, `file` and likeliest `classes`."""
    network = network_of(networks.backbone, networks.weights, networks.device)
    write_features(path, [grey_features(prepared_frame(frames_dir / clip, 0), network)[None]], 1)
    classes = []
    if networks.classes:
        classes = likeliest_classes(frames_dir / clip, n_frames, networks.judge(), networks.classes).tolist()
    return [{"clip": clip, "file": path.name, "classes": classes}]


def answers(
    items: pd.DataFrame, frames_dir: Path, networks: QueryNetworks, work: ShardWork
) -> tuple[list[Path], np.ndarray | None]:
    """The files of the features of some items, in their order, and their classes (Q, k), where any are asked for."""
    settings, features = [work.version, *networks.settings], work.receipts / "features"
    features.mkdir(parents=True, exist_ok=True)
    tasks = [
        Task(
            row.clip,
            key_of(settings, row.clip, row.sha256, row.n_frames),
            (row.clip, row.n_frames, frames_dir, networks, named_after(features / row.clip, "{}.npy")),
        )
        for row in items.itertuples(index=False)
    ]
    rows = work.rows(ask, tasks, partial(features_of, features=features), "queries")
    for path in {*features.iterdir()} - {features / row["file"] for row in rows}:
        remove(path)
    classes = np.array([row["classes"] for row in rows], np.int64) if networks.classes else None
    return [features / row["file"] for row in rows], classes


def features_of(row: dict, features: Path) -> list[Path]:
    """The file of an item's features."""
    return [features / row["file"]]


def likeliest_classes(frames: Path, n_frames: int, classifier: Backbone, count: int) -> np.ndarray:
    """The `count` classes of the highest mean score over some grey frames of an item, (count,), highest first."""
    judged = np.unique(np.linspace(0, n_frames - 1, JUDGED).round().astype(int))
    pictures = [grey_picture(prepared_frame(frames, index)) for index in judged]
    crops = [classifier_crop(picture, classifier.resize).to(device_of(classifier)) for picture in pictures]
    with torch.no_grad():
        scores = torch.stack([classifier.logits(crop[None])[0] for crop in crops])
    return scores.mean(dim=0).topk(count).indices.cpu().numpy()


def prepared_frame(folder: Path, index: int) -> np.ndarray:
    """A frame of an item, uint8 RGB. Raises MachineFault if it cannot be read."""
    with prepared(frame_path(folder, index)):
        return read_rgb(frame_path(folder, index))


def grey_picture(rgb: np.ndarray) -> np.ndarray:
    """The lightness of a picture as the networks see it, as uint8 RGB."""
    return np.stack([grey8(luminance_from_rgb(rgb))] * 3, axis=-1)
