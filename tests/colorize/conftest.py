"""A tiny prepared world for training: photographs and one clip with flow, written in the pipeline's own formats."""

import multiprocessing
from multiprocessing import forkserver

import numpy as np
import pytest

from colorize.settings import TrainSettings
from colorize.training.pairs import PreparedSet, TrainingData
from media.flow_files import write_kitti
from media.image import content_hash, frame_path, write_png
from media.tables import CLIPS, FLOW, REFERENCES, folder_of, write_table


def picture(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    """Large soft patches of colour: something that a network can match and learn."""
    import cv2

    coarse = np.random.default_rng(seed).uniform(0, 255, (5, 7, 3)).astype(np.float32)
    return np.uint8(np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255))


def write_items(table, names, frames_of):
    rows = []
    for name in names:
        frames = frames_of(name)
        for index, frame in enumerate(frames):
            write_png(frame_path(folder_of(table) / name, index), frame)
        rows.append({"clip": name, "n_frames": len(frames), "sha256": content_hash(frames)})
    write_table(rows, table, CLIPS)
    return table


@pytest.fixture(scope="session")
def processes():
    """Makes processes of one thread, each forked from one that has imported what they run: importing takes longest."""
    context = multiprocessing.get_context("forkserver")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        context.set_forkserver_preload(["timm", "colorize.inference.video", "colorize.training.exemplar"])
        forkserver.ensure_running()
    return context


@pytest.fixture
def settings():
    return TrainSettings(
        width=0.125,
        frame=(64, 96),
        crop=(64, 96),
        steps=4,
        batch=2,
        learning_rate=2e-3,
        adversarial_from=2,
        validate_every=2,
        validation_pairs=2,
        threads=1,
        accelerator="cpu",  # where equal trainings are equal bit for bit
    )


@pytest.fixture
def data(tmp_path):
    photos = write_items(tmp_path / "photos.parquet", ["a", "b", "c"], lambda name: [picture(ord(name))])
    validation = write_items(tmp_path / "validation.parquet", ["v"], lambda name: [picture(7)])

    def moving(name):
        wide = picture(11, width=140)
        return [np.ascontiguousarray(wide[:, 3 * t : 3 * t + 128]) for t in range(3)]

    clips = write_items(tmp_path / "clips.parquet", ["m"], moving)
    flow = tmp_path / "flow.parquet"
    for direction, first, motion in (("forward", 0, (-3, 0)), ("backward", 1, (3, 0))):
        for t in (first, first + 1):
            moved = np.zeros((96, 128, 2), np.float32) + motion
            write_kitti(frame_path(folder_of(flow) / "m" / direction, t), moved, np.ones((96, 128), bool))
    write_table([{"clip": "m", "n_pairs": 2, "visible": 1.0, "estimator": "known"}], flow, FLOW)
    reference = str(frame_path(folder_of(photos) / "b", 0))
    references = tmp_path / "references.parquet"
    rows = [{"item": name, "rank": 1, "reference": "b", "path": reference, "similarity": 0.5} for name in ("a", "m")]
    write_table(rows, references, REFERENCES)
    return TrainingData(PreparedSet(clips, references, flow), PreparedSet(photos, references), PreparedSet(validation))
