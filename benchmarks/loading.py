"""Whether loading keeps up with learning: samples a second of a training's loader, beside those that a step takes.

Made-up photographs and clips with flow and references, as the pipeline writes them, are read by the training's own
loader, with no worker and with some. docs/training.md says what it means for several GPUs.
"""

import sys
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
import tyro

from benchmarks.footage import texture
from benchmarks.seconds import Used, one_thread, used
from colorize.settings import TrainSettings
from colorize.training.devices import OneDevice
from colorize.training.loop import loader, training_stream
from colorize.training.pairs import PreparedSet, TrainingData
from media.flow_files import write_kitti
from media.image import frame_path, write_jpeg, write_png
from media.tables import CLIPS, FLOW, REFERENCES, folder_of, write_table

PHOTO = (375, 500)  # height and width of ImageNet's usual picture
LENGTH = 5  # frames of a clip
SOURCES = {1.0: "photographs", 0.0: "clips", 0.79: "the paper's mixture"}  # by the share of photographs


def main(
    size: tuple[int, int] = (216, 384),
    items: int = 16,
    batch: int = 8,
    batches: int = 8,
    workers: tuple[int, ...] = (0, 1, 2),
    step: float = 0.066,
) -> None:
    """Time the loader on each kind of sample.

    Args:
        size: height and width that are learned on.
        items: photographs, and clips.
        batch: samples of a batch.
        batches: that are timed.
        workers: processes that load, in turn.
        step: seconds that a GPU takes to learn from a sample; the default is an H100's.
    """
    one_thread()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        data = written(Path(folder), items, size)
        for photo_share, name in SOURCES.items():
            for number in workers:
                settings = TrainSettings(
                    frame=size, crop=size, batch=batch, steps=number + 1 + batches, photo_share=photo_share,
                    workers=number,
                )  # fmt: skip
                taken, samples = measured(data, settings, number + 1), batch * batches
                rate, cost = samples / taken.wall, f", {taken.cpu / samples:.3f} CPU s each" if number == 0 else ""
                print(f"{name}, {number} workers: {rate:.1f} samples/s, {rate * step:.2f} of such GPUs fed{cost}")


def measured(data: TrainingData, settings: TrainSettings, passed: int) -> Used:
    """What the batches take after some that pass while workers start."""
    batches = iter(loader(training_stream(data, settings, 0), settings, 0, OneDevice(torch.device("cpu"))))
    for _ in islice(batches, passed):
        pass
    return used(deque, batches, 0)


def written(root: Path, items: int, size: tuple[int, int]) -> TrainingData:
    """A set of photographs and one of clips, each item with five references of its gallery."""
    rng = np.random.default_rng(0)
    photos, clips = root / "photos.parquet", root / "clips.parquet"
    names = [f"item{k}" for k in range(items)]
    for name in names:
        write_png(frame_path(folder_of(photos) / name, 0), picture(rng, PHOTO))
        (root / "gallery").mkdir(exist_ok=True)
        write_jpeg(root / f"gallery/{name}.jpg", picture(rng, PHOTO))
        for t, frame in enumerate(moving(rng, size)):
            write_png(frame_path(folder_of(clips) / name, t), frame)
    flow = root / "flow.parquet"
    for name in names:
        for direction, first in (("forward", 0), ("backward", 1)):
            for t in range(first, first + LENGTH - 1):
                motion = rng.normal(0, 2, (*size, 2)).astype(np.float32)
                write_kitti(frame_path(folder_of(flow) / name / direction, t), motion, np.ones(size, bool))
    write_table([{"clip": name, "n_frames": 1, "sha256": name} for name in names], photos, CLIPS)
    write_table([{"clip": name, "n_frames": LENGTH, "sha256": name} for name in names], clips, CLIPS)
    write_table([{"clip": name, "n_pairs": LENGTH - 1, "visible": 1.0} for name in names], flow, FLOW)
    rows = [
        {"item": name, "rank": rank, "reference": other, "path": str(root / f"gallery/{other}.jpg"), "similarity": 0.5}
        for name in names
        for rank, other in enumerate(names[:5], start=1)
    ]
    references = root / "references.parquet"
    write_table(rows, references, REFERENCES)
    return TrainingData(PreparedSet(clips, references, flow), PreparedSet(photos, references), PreparedSet(photos))


def picture(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    return np.uint8(np.clip(texture(rng, *size), 0, 255))


def moving(rng: np.random.Generator, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """The frames of a clip: a window that slides over a picture."""
    wide = picture(rng, (size[0], size[1] + 2 * LENGTH))
    return (np.ascontiguousarray(wide[:, 2 * t : 2 * t + size[1]]) for t in range(LENGTH))


if __name__ == "__main__":
    tyro.cli(main)
