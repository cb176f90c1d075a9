"""Footage for the speed of prep: textured things that move over a moving textured ground, with fresh grain."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import av
import cv2
import numpy as np

SIZE, LENGTH = (216, 384), 25  # of a prepared clip: height and width, frames
DISTINCT = 4  # files that are encoded; the others are the same under other names
# x264's macroblock tree is off: it reads memory that it did not write, so that files would differ from run to run.
ENCODER = {"crf": "22", "preset": "veryfast", "x264-params": "no-mbtree=1"}


@dataclass(frozen=True)
class Footage:
    """What the generated files are like, and what is made of each."""

    height: int
    width: int
    frames: int
    size: tuple[int, int] = SIZE
    length: int = LENGTH

    def __str__(self) -> str:
        made = f"{self.length} of them prepared at {self.size[1]}x{self.size[0]}"
        return f"{self.frames} frames of {self.width}x{self.height}, {made}"


# For the cost of many clips: so small that what a clip costs beside its pixels shows.
SMALL = Footage(180, 320, 12, (108, 192), 10)


def texture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Coloured noise at all scales around a random colour, float32 (H, W, 3)."""
    picture = np.full((height, width, 3), rng.uniform(70, 180, 3), np.float32)
    for step, contrast in ((256, 60), (64, 35), (16, 20), (4, 14), (2, 8)):
        noise = rng.normal(size=(height // step + 2, width // step + 2, 3)).astype(np.float32)
        noise += noise.mean(axis=2, keepdims=True)  # more light and dark than colour
        picture += contrast / 2 * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return picture


def scene(seed: int, footage: Footage) -> Iterator[np.ndarray]:
    """The frames of one shot, uint8 RGB (H, W, 3)."""
    rng = np.random.default_rng(seed)
    height, width = footage.height, footage.width
    ground = texture(rng, height + 200, width + 400)
    things = [texture(rng, side, side) for side in rng.integers(height // 6, height // 3, 4)]
    starts, speeds = rng.uniform(0, height, (4, 2)), rng.uniform(-4, 4, (4, 2))
    grain = rng.normal(scale=6, size=(height + 64, width + 64, 1)).astype(np.float32)
    for time_ in range(footage.frames):
        right, down = 200 * (1 - np.cos(time_ / 60)), 100 * (1 + np.sin(time_ / 40))
        frame = cv2.warpAffine(ground, np.float32([[1, 0, -right], [0, 1, -down]]), (width, height))
        for thing, start, speed in zip(things, starts, speeds, strict=True):
            side = len(thing)
            top, left = np.round(start + time_ * speed).astype(int) % (height - side, width - side)
            frame[top : top + side, left : left + side] = thing
        top, left = rng.integers(0, 64, 2)
        yield (frame + grain[top : top + height, left : left + width]).clip(0, 255).astype(np.uint8)


def encode(path: Path, frames: Iterable[np.ndarray]) -> None:
    """Write them as H.264 at 25 frames a second."""
    frames = iter(frames)
    first = next(frames)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25, options=ENCODER, pix_fmt="yuv420p")
        stream.height, stream.width = first.shape[:2]
        for frame in chain([first], frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def generate(folder: Path, count: int, footage: Footage) -> list[Path]:
    """So many files; those that are there from an earlier run stay."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"clip{index:05d}.mp4" for index in range(count)]
    for index, path in enumerate(paths):
        if path.exists():
            continue
        if index < DISTINCT:
            encode(path, scene(index, footage))
        else:
            os.link(paths[index % DISTINCT], path)
    return paths
