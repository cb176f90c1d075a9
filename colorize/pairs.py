"""Training samples: adjacent frames, the motion between them and a reference, from clips and from photographs.

A sample is a dict of float32 tensors, T frames (the paper's pair: 2), Lab units, L in 0..100:
- frames (T, 3, H, W), and reference (3, H, W): whole, as the correspondence sees them;
- at (2,), int64: top and left of the window (h, w) that is coloured and learned on, on the matching grid;
- flow (T-1, 2, h, w), last -> current on the grid of last, in pixels; visible (T-1, 1, h, w), 1 where it is reliable;
- flow_back (T-1, 2, h, w), current -> last on the grid of current; visible_back (T-1, 1, h, w);
- own (), 1 where the reference is the sample's own true frame (then Eq. 14 applies);
- given (), 1 where the first frame is given in colour; item, the clip's or photograph's name.
Everything random comes from the generator that is passed in, so a sample depends on the seed and its index alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from colorize.settings import TrainSettings
from media.color import lab_from_rgb
from media.flow import read_kitti
from media.image import cover_crop, frame_path, read_rgb
from media.tables import CLIPS, REFERENCES, folder_of, kept, read_table
from vision.distortion import pseudo_pair

# Windows start on the matching grid, a quarter of the frame.
GRID = 4


@dataclass
class Items:
    """A prepared set of clips or photographs: its table, and the tables of its references and (clips) its flow."""

    table: Path
    references: Path | None = None
    flow: Path | None = None
    rows: list[dict] = field(init=False)
    reference_paths: dict[str, list[str]] = field(init=False)

    def __post_init__(self):
        self.rows = kept(read_table(self.table, CLIPS)).to_dict("records")
        self.reference_paths = {}
        if self.references:
            ranked = read_table(self.references, REFERENCES).sort_values("rank")
            self.reference_paths = ranked.groupby("item")["path"].agg(list).to_dict()

    def frame(self, name: str, index: int) -> np.ndarray:
        """Frame `index` of the item `name`, uint8 RGB (H, W, 3)."""
        return read_rgb(frame_path(folder_of(self.table) / name, index))

    def motion(self, name: str, direction: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The flow that starts from frame `index`, `forward` or `backward`, and where it is reliable."""
        return read_kitti(frame_path(folder_of(self.flow) / name / direction, index))


@dataclass
class TrainingData:
    """What a training reads: clips and photographs to learn from, others of each to choose the checkpoint on."""

    clips: Items
    photos: Items
    validation: Items
    validation_clips: Items | None = None


@dataclass
class Motion:
    """Between two adjacent frames, in both directions, on the whole frame: flow (H, W, 2), masks bool (H, W)."""

    flow: np.ndarray
    visible: np.ndarray
    flow_back: np.ndarray
    visible_back: np.ndarray


class PhotoPairs:
    """Pseudo-video: pairs made of photographs by a random distortion and a change of brightness (section 4)."""

    def __init__(self, photos: Items, settings: TrainSettings):
        self.photos, self.settings = photos, settings

    def __len__(self) -> int:
        return len(self.photos.rows)

    def sample(self, index: int, rng: np.random.Generator) -> dict[str, torch.Tensor | str]:
        name = self.photos.rows[index]["clip"]
        moved = pseudo_pair(self.photos.frame(name, 0), self.settings.frame, self.settings.distortion, rng)
        last, current = lab_from_rgb(moved.last), lab_from_rgb(moved.current)
        shift = rng.normal(0, self.settings.luminance_shift) if self.settings.luminance_shift else 0.0
        current[..., 0] = np.clip(current[..., 0] + shift, 0, 100)
        paths = self.photos.reference_paths.get(name, [])
        reference, own = draw_reference(current, paths, self.settings, rng)
        motion = Motion(moved.flow, moved.visible, moved.flow_back, moved.visible_back)
        at = random_window(self.settings.frame, self.settings.crop, rng)
        return as_tensors([last, current], [motion], at, self.settings.crop, reference) | labels(own, False, name)


class ClipPairs:
    """Adjacent frames of real clips with their stored flow and masks."""

    def __init__(self, clips: Items, settings: TrainSettings):
        self.clips, self.settings = clips, settings
        self.positions = [
            (row["clip"], t) for row in clips.rows for t in range(row["n_frames"] - settings.sequence + 1)
        ]

    def __len__(self) -> int:
        return len(self.positions)

    def sample(self, index: int, rng: np.random.Generator) -> dict[str, torch.Tensor | str]:
        name, start = self.positions[index]
        times = range(start, start + self.settings.sequence)
        frames = [lab_from_rgb(self.clips.frame(name, t)) for t in times]
        motions = [
            Motion(*self.clips.motion(name, "forward", t), *self.clips.motion(name, "backward", t + 1))
            for t in times[:-1]
        ]
        cut = slices(random_window(frames[0].shape[:2], self.settings.frame, rng), self.settings.frame)
        frames = [frame[cut] for frame in frames]
        motions = [Motion(*(part[cut] for part in vars(motion).values())) for motion in motions]
        given = rng.uniform() < self.settings.given_first
        if given:
            reference, own = frames[0], True
        else:
            reference, own = draw_reference(frames[-1], self.clips.reference_paths.get(name, []), self.settings, rng)
        at = random_window(self.settings.frame, self.settings.crop, rng)
        return as_tensors(frames, motions, at, self.settings.crop, reference) | labels(own, given, name)


class PairStream(Dataset):
    """A fixed sequence of samples: number k is drawn with a generator of its own, seeded with (seed, k).

    The order therefore does not depend on the number of loader processes, and any k can be made again alone.
    """

    def __init__(self, clips: ClipPairs, photos: PhotoPairs, length: int, photo_share: float, seed: int):
        self.clips, self.photos, self.length, self.seed = clips, photos, length, seed
        self.photo_share = 1.0 if not len(clips) else photo_share if len(photos) else 0.0
        if not len(clips) and (not len(photos) or photos.settings.sequence > 2):
            raise ValueError(
                f"there is nothing to train on: neither clips.sets.train nor images.sets.train holds an item that "
                f"passes the filter and gives {photos.settings.sequence} frames; see the column `reason` of "
                f"{clips.clips.table} and {photos.photos.table}"
            )

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, k: int) -> dict[str, torch.Tensor | str]:
        rng = np.random.default_rng((self.seed, k))
        source = self.photos if rng.uniform() < self.photo_share else self.clips
        return source.sample(int(rng.integers(len(source))), rng)


def draw_reference(
    true: np.ndarray, paths: Sequence[str], settings: TrainSettings, rng: np.random.Generator
) -> tuple[np.ndarray, bool]:
    """A retrieved reference, or the sample's own frame with noise: Lab (H, W, 3), and whether it is its own."""
    if paths and rng.uniform() >= settings.own_reference:
        size = true.shape[:2]
        return lab_from_rgb(cover_crop(read_rgb(paths[rng.integers(len(paths))]), size)), False
    noisy = true + rng.normal(0, 1, true.shape).astype(np.float32) * settings.reference_noise
    noisy[..., 0] = np.clip(noisy[..., 0], 0, 100)
    return noisy, True


def random_window(size: tuple[int, int], window: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """Top and left of a random place for `window` in `size`, on the matching grid; ValueError if it does not fit."""
    if size[0] < window[0] or size[1] < window[1]:
        raise ValueError(
            f"frames of {window} are to be cut out of {size}: lower training.<name>.frame and crop, or raise clips.size"
        )
    return tuple(GRID * int(rng.integers((s - w) // GRID + 1)) for s, w in zip(size, window, strict=True))


def slices(at: tuple[int, int], window: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the window (height, width) whose top left corner is `at`."""
    return slice(at[0], at[0] + window[0]), slice(at[1], at[1] + window[1])


def as_tensors(frames, motions, at: tuple[int, int], window: tuple[int, int], reference) -> dict[str, torch.Tensor]:
    """Arrays (H, W, C) to the tensors of a sample, the motions cut to the window."""
    cut = slices(at, window)
    tensors = {"frames": _stacked(frames), "reference": _stacked([reference])[0], "at": torch.tensor(at)}
    for name in ("flow", "flow_back", "visible", "visible_back"):
        tensors[name] = _stacked([getattr(motion, name)[cut] for motion in motions])
    return tensors


def labels(own: bool, given: bool, item: str) -> dict[str, torch.Tensor | str]:
    """What a sample is, besides its pictures."""
    return {"own": torch.tensor(float(own)), "given": torch.tensor(float(given)), "item": item}


def _stacked(images) -> torch.Tensor:
    """(H, W) or (H, W, C) arrays to (T, C, H, W)."""
    layered = [image[..., None] if image.ndim == 2 else image for image in images]
    return torch.from_numpy(np.ascontiguousarray(np.stack(layered).transpose(0, 3, 1, 2), np.float32))
