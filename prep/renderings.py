"""Stage: renderings of our own, clips of layers cut out of photographs that move over each other.

A handful of photographs becomes any number of clips with what pseudo-video lacks: things that cover and uncover each
other, motion that goes on for many frames, changing light, noise and compression. Everything follows from the seed and
the clip's number. Motion is measured on the finished frames like on real ones, so its errors are real errors too.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import tyro

from media.color import lab_from_rgb, rgb_from_lab
from media.faults import ending_plainly
from media.image import read_frames
from media.jobs import Task, key_of, run_tasks
from media.tables import CLIPS, folder_of, kept, read_table, write_table
from media.versions import version_of
from media.whole import remove_all_but
from prep.judging.quality import Filters
from prep.judging.verdicts import frames_of, judged, summary
from vision.distortion import smooth_field

# Largest speeds of a layer, a frame: pixels, radians, share of its size. Most layers are much slower.
SPEED, TURN, ZOOM = 7.0, 0.015, 0.012
# Largest strength of the bending that a layer has gone through at the clip's end (vision.distortion.smooth_field).
BENDING = 6.0


@dataclass(frozen=True)
class Layer:
    """A picture that moves: what is drawn at frame t is sampled from it by `sampled_at`."""

    picture: np.ndarray  # float32 (h, w, 3), RGB 0..255
    opacity: np.ndarray | None  # float32 (h, w) in 0..1; None for the background, which goes on beyond its border
    place: np.ndarray  # x, y of its centre in frame 0
    speed: np.ndarray  # pixels a frame
    acceleration: np.ndarray  # pixels a frame and frame
    scale: float  # picture pixels in a frame pixel
    turn: float  # radians a frame
    zoom: float  # share of its size a frame
    bending: np.ndarray  # float32 (H, W, 2), pixels at the clip's end

    def sampled_at(self, t: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """x and y in the picture of every pixel of frame t, each float32 (H, W)."""
        height, width = self.bending.shape[:2]
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        offset = np.stack([columns, rows], axis=-1) + self.bending * (t / length)
        offset -= self.place + self.speed * t + self.acceleration * t * t / 2
        scale, (sin, cos) = self.scale * (1 + self.zoom) ** -t, (np.sin(self.turn * t), np.cos(self.turn * t))
        x = scale * (cos * offset[..., 0] - sin * offset[..., 1]) + (self.picture.shape[1] - 1) / 2
        y = scale * (sin * offset[..., 0] + cos * offset[..., 1]) + (self.picture.shape[0] - 1) / 2
        return x.astype(np.float32), y.astype(np.float32)

    def drawn_over(self, canvas: np.ndarray, t: int, length: int) -> np.ndarray:
        """The canvas (H, W, 3) with this layer on it at frame t."""
        x, y = self.sampled_at(t, length)
        color = cv2.remap(self.picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        if self.opacity is None:
            return color
        opacity = cv2.remap(self.opacity, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)[..., None]
        return canvas + opacity * (color - canvas)


def render_clip(
    photos: list[np.ndarray], size: tuple[int, int], length: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """`length` frames, uint8 (H, W, 3), of a background and one to four layers, all cut out of `photos` (uint8)."""

    def pick() -> np.ndarray:
        return recolored(photos[rng.integers(len(photos))], rng)

    layers = [moving(pick(), None, size, rng)]
    for _ in range(rng.integers(1, 5)):
        picture = piece_of(pick(), size, rng)
        layers.append(moving(picture, blob(picture.shape[:2], rng), size, rng))
    light, drift = smooth_field(size, rng.uniform(0, 0.02), rng), rng.normal(0, 0.01)
    grain, quality = abs(rng.normal(0, 2.0)), int(rng.integers(60, 98))
    frames = []
    for t in range(length):
        canvas = np.zeros((*size, 3), np.float32)
        for layer in layers:
            canvas = layer.drawn_over(canvas, t, length)
        canvas = canvas * (1 + light[..., :1] + light[..., 1:] * t / length + drift * t + rng.normal(0, 0.01))
        canvas += rng.normal(0, 1, canvas.shape) * grain
        frames.append(compressed(np.uint8(np.clip(np.rint(canvas), 0, 255)), quality))
    return frames


def recolored(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photograph with its colours turned in the ab plane and made stronger or weaker; the luminance stays."""
    lab, angle, strength = lab_from_rgb(photo), rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.5)
    turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    lab[..., 1:] = strength * lab[..., 1:] @ turned + rng.normal(0, 6, 2)
    return rgb_from_lab(lab)


def piece_of(photo: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A piece of the photograph between a sixth and nine tenths of the frame on each side."""
    sides = [
        min(int(rng.uniform(0.16, 0.9) * side), available)
        for side, available in zip(size, photo.shape[:2], strict=True)
    ]
    top, left = (int(rng.integers(a - s + 1)) for a, s in zip(photo.shape[:2], sides, strict=True))
    return photo[top : top + sides[0], left : left + sides[1]]


def blob(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """The opacity of a layer, float32 (h, w): an ellipse or a box with a ragged outline and a soft edge."""
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in shape)
    power = rng.choice([2.0, 8.0])  # 2: an ellipse; 8: nearly a box
    distance = np.abs(rows[:, None]) ** power + np.abs(columns[None]) ** power
    ragged = cv2.resize(rng.normal(0, 1, (6, 6)).astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    inside = np.float32(distance + rng.uniform(0, 0.3) * ragged < 0.85)
    inside[[0, -1]], inside[:, [0, -1]] = 0, 0
    return cv2.GaussianBlur(inside, (0, 0), rng.uniform(0.5, 1.2))


def moving(picture: np.ndarray, opacity: np.ndarray | None, size: tuple[int, int], rng: np.random.Generator) -> Layer:
    """The picture with a random place, scale and motion in frames of `size`."""
    frame = np.array(size[::-1], np.float64)
    direction, pace = rng.uniform(0, 2 * np.pi), SPEED * rng.uniform() ** 2
    speed = pace * np.array([np.cos(direction), np.sin(direction)])
    if opacity is None:  # the background fills the frame
        place, scale = frame / 2, rng.uniform(0.6, 1.0) * min(np.array(picture.shape[1::-1]) / frame)
        speed = speed / 2
    else:
        place, scale = rng.uniform(0.1, 0.9, 2) * frame, rng.uniform(0.7, 1.2)
    return Layer(
        picture.astype(np.float32),
        opacity,
        place,
        speed,
        rng.normal(0, 0.15, 2),
        float(scale),
        TURN * rng.uniform(-1, 1) ** 3,
        ZOOM * rng.uniform(-1, 1) ** 3,
        smooth_field(size, BENDING * rng.uniform() ** 2, rng),
    )


def compressed(frame: np.ndarray, quality: int) -> np.ndarray:
    """The frame after a JPEG round trip: the chroma of real clips is coarse and blocky."""
    _, stored = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1])


@dataclass(frozen=True)
class RenderingRecipe:
    """What every rendering of a set is made by."""

    photos: list[Path]  # folders of their one frame
    size: tuple[int, int]  # height, width
    length: int
    seed: int
    filters: Filters
    frames_dir: Path


def rendered_clip(number: int, name: str, recipe: RenderingRecipe) -> list[dict]:
    """Render clip `number`; its row, judged like that of a filmed one, and its frames if it is kept."""
    photos = [next(read_frames(folder, 1)) for folder in recipe.photos]
    frames = render_clip(photos, recipe.size, recipe.length, np.random.default_rng((recipe.seed, number)))
    row = {"clip": name, "dataset": "renderings", "shot": 0, "first_frame": 0, "stride": 1}
    return [judged(row, frames, recipe.filters, recipe.frames_dir)]


def main(
    *,
    photos: Path,
    size: tuple[int, int],
    length: int,
    count: int,
    seed: int,
    filters: str,
    receipts: Path,
    table: Path,
    workers: int = 1,
    scheduler: str = "threads",
) -> None:
    """Render a set of clips.

    Args:
        photos: table of the prepared photographs that the layers are cut out of; at least as large as `size`.
        size: height and width of the frames.
        length: frames a clip.
        count: clips.
        seed: with the clip's number it decides the clip.
        filters: JSON of the thresholds (prep.judging.quality.Filters).
        receipts: folder of the receipts of finished clips.
        table: the table of clips to write; their frames go into the folder of its name.
        workers: clips rendered at the same time.
        scheduler: threads, or the address of a dask.distributed scheduler.
    """
    rows = kept(read_table(photos, CLIPS))
    if not len(rows):
        raise ValueError(f"{photos}: there is no photograph to cut layers out of; see its column `reason`")
    pictures = [folder_of(photos).resolve() / name for name in rows["clip"]]
    recipe = RenderingRecipe(
        pictures, size, length, seed, Filters.model_validate_json(filters), folder_of(table).resolve()
    )
    names = [f"rendering_{number:05d}" for number in range(count)]
    tasks = [
        Task(
            name,
            key_of(version_of(__name__), size, length, seed, recipe.filters, list(rows["sha256"]), number),
            (number, name, recipe),
        )
        for number, name in enumerate(names)
    ]
    outputs, desc = partial(frames_of, frames_dir=recipe.frames_dir), f"renderings {table.stem}"
    made = run_tasks(rendered_clip, tasks, receipts, outputs, workers, scheduler, desc)
    remove_all_but({row["clip"] for row in made if row["n_frames"]}, recipe.frames_dir)
    write_table(made, table, CLIPS)
    print(f"{desc}: {summary(made)}")


if __name__ == "__main__":
    from prep import renderings  # under its name: what is sent to a cluster must not lie in `__main__`

    with ending_plainly():
        tyro.cli(renderings.main)
