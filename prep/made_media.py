"""Generated media of any number, to measure on: filmed clips of moving textured things, and photographs.

python -m prep.made_media --folder made --names test train --clips 10 --photos 4
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import tyro

from media.decoding import TimedFrame
from media.encoding import VideoWriter
from media.image import write_png

SIZE = (360, 640)  # of the files: height and width
RATE = 25


def main(*, folder: Path, names: list[str], clips: int = 2, photos: int = 2, frames: int = 25) -> None:
    """Write `videos/<name>_<number>.mp4` and `photographs/<name>_<number>.png`, so many for each name.

    Args:
        folder: in which both folders will lie.
        names: what the files are called by.
        clips: videos a name.
        photos: photographs a name.
        frames: of each video.
    """
    for kind in ("videos", "photographs"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(names):
        for number in range(clips):
            seed = 1000 * place + number
            with VideoWriter(folder / f"videos/{name}_{number:04d}.mp4", Fraction(1, RATE), Fraction(RATE)) as file:
                for time, rgb in enumerate(moving_scene(seed, frames)):
                    file.add(TimedFrame(rgb, time, 1))
        for number in range(photos):
            picture = next(moving_scene(1000 * place + 500_000 + number, 1))
            write_png(folder / f"photographs/{name}_{number:04d}.png", picture)


def moving_scene(seed: int, frames: int) -> Iterator[np.ndarray]:
    """Frames of a textured thing that moves over a moving textured ground, uint8 RGB (H, W, 3)."""
    rng = np.random.default_rng(seed)
    height, width = SIZE
    ground, thing = texture(rng, height + 2 * frames, width + 4 * frames), texture(rng, height // 3, height // 3)
    down, right = rng.integers(1, 3), rng.integers(1, 5)
    for time in range(frames):
        frame = ground[down * time :, right * time :][:height, :width].copy()
        top, left = (20 + 2 * time) % (height - len(thing)), (40 + 5 * time) % (width - len(thing))
        frame[top : top + len(thing), left : left + len(thing)] = thing
        yield frame


def texture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Coloured noise at several scales around a random colour, uint8 (H, W, 3)."""
    picture = np.full((height, width, 3), rng.uniform(70, 180, 3), np.float32)
    for step, contrast in ((128, 40), (32, 20), (8, 10), (3, 6)):
        noise = rng.normal(size=(height // step + 2, width // step + 2, 3)).astype(np.float32)
        picture += contrast * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return picture.clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    tyro.cli(main)
