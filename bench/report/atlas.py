"""What pictures are shown as: one video for all tiles of a clip, one strip for all tiles of a photograph.

A page draws its tiles out of the one video, so they cannot run apart. Tiles shrink where a grid would be larger than
H.264 level 5.1 allows (4096 x 2304), which is as much as browsers play.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from media.decoding import TimedFrame
from media.encoding import VideoWriter

LARGEST = (2304, 4096)  # height and width of a level 5.1 picture
FRAMES_A_SECOND = 10
# Browsers round the time that is sought to the file's ticks: with one a frame, the middle of a frame is the next one.
TICKS = 100  # a frame
KEYFRAME_EVERY = 5  # a step back decodes no more than these
# Pixels around each tile that repeat its border: 4:2:0 colours are interpolated over the borders of tiles.
GUTTER = 4
STRIP_HEIGHT = 160


@dataclass(frozen=True)
class Grid:
    """Where the tiles lie, in pixels: row by row, `columns` in each."""

    columns: int
    rows: int
    height: int  # of a tile, even
    width: int
    gutter: int = GUTTER  # on each side of a tile

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.rows * (self.height + 2 * self.gutter), self.columns * (self.width + 2 * self.gutter), 3)

    def corner(self, index: int) -> tuple[int, int]:
        """Top and left of tile `index`."""
        row, column = divmod(index, self.columns)
        return row * (self.height + 2 * self.gutter) + self.gutter, column * (
            self.width + 2 * self.gutter
        ) + self.gutter


def grid_for(n_tiles: int, size: tuple[int, int], largest: tuple[int, int] = LARGEST) -> Grid:
    """The grid for n tiles of `size` (height, width): nearly square in tiles, shrunk to fit, with even sides."""
    columns = math.ceil(math.sqrt(n_tiles))
    rows = math.ceil(n_tiles / columns)
    room = (largest[0] // rows - 2 * GUTTER, largest[1] // columns - 2 * GUTTER)
    scale = min(1, room[0] / size[0], room[1] / size[1])
    height, width = (max(2, int(side * scale) // 2 * 2) for side in size)
    return Grid(columns, rows, height, width)


def write_atlas(path: Path, frames: Iterable[Sequence[np.ndarray]], grid: Grid) -> None:
    """Encode tiles as one video. frames: for each moment the tiles, uint8 RGB (H, W, 3), in the order of the grid."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tick = Fraction(1, TICKS * FRAMES_A_SECOND)
    with VideoWriter(path, tick, Fraction(FRAMES_A_SECOND), keyframe_every=KEYFRAME_EVERY) as video:
        for moment, tiles in enumerate(frames):
            video.add(TimedFrame(arranged(tiles, grid), pts=moment * TICKS, duration=TICKS))


def arranged(tiles: Sequence[np.ndarray], grid: Grid) -> np.ndarray:
    """The tiles on one black picture, uint8 RGB."""
    picture = np.zeros(grid.shape, np.uint8)
    gutter = grid.gutter
    for index, tile in enumerate(tiles):
        top, left = grid.corner(index)
        cell = np.pad(scaled_to(tile, (grid.height, grid.width)), [(gutter, gutter), (gutter, gutter), (0, 0)], "edge")
        picture[top - gutter : top + grid.height + gutter, left - gutter : left + grid.width + gutter] = cell
    return picture


def scaled_to(tile: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scaled to a size that is no larger; areas are averaged."""
    return tile if tile.shape[:2] == size else cv2.resize(tile, size[::-1], interpolation=cv2.INTER_AREA)


def write_strip(path: Path, tiles: Sequence[np.ndarray]) -> tuple[int, int]:
    """Write tiles of one shape side by side as WebP, no higher than STRIP_HEIGHT; returns a tile's height and width."""
    height, width = tiles[0].shape[:2]
    scale = min(1, STRIP_HEIGHT / height)
    size = (round(height * scale), round(width * scale))
    path.parent.mkdir(parents=True, exist_ok=True)
    strip = np.concatenate([scaled_to(tile, size) for tile in tiles], axis=1)
    Image.fromarray(strip).save(path, "WEBP", quality=88)
    return size
