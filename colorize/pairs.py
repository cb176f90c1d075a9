"""Training pairs: two adjacent frames, the motion between them and a reference, from clips and from photographs.

A pair is a dict of float32 tensors, Lab units, L in 0..100:
- last, current, reference (3, H, W);
- flow (2, H, W), last -> current on the grid of last, in pixels; visible (1, H, W), 1 where it is reliable;
- own (), 1 where the reference is the pair's own true frame (then Eq. 14 applies).
Everything random comes from the generator that is passed in, so a pair depends on the seed and its index alone.
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


@dataclass
class TrainingData:
    """What a training reads: real clips and photographs to learn from, photographs to choose the checkpoint on."""

    clips: Items
    photos: Items
    validation: Items


class PhotoPairs:
    """Pseudo-video: pairs made of photographs by a random distortion and a change of brightness (section 4)."""

    def __init__(self, photos: Items, settings: TrainSettings):
        self.photos, self.settings = photos, settings

    def __len__(self) -> int:
        return len(self.photos.rows)

    def pair(self, index: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        name = self.photos.rows[index]["clip"]
        moved = pseudo_pair(self.photos.frame(name, 0), self.settings.crop, self.settings.distortion, rng)
        last, current = lab_from_rgb(moved.last), lab_from_rgb(moved.current)
        shift = rng.normal(0, self.settings.luminance_shift) if self.settings.luminance_shift else 0.0
        current[..., 0] = np.clip(current[..., 0] + shift, 0, 100)
        paths = self.photos.reference_paths.get(name, [])
        reference, own = draw_reference(current, paths, self.settings, rng)
        return as_tensors(last, current, reference, moved.flow, moved.visible, own)


class ClipPairs:
    """Adjacent frames of real clips with their stored flow and mask, cut at random out of the frame."""

    def __init__(self, clips: Items, settings: TrainSettings):
        self.clips, self.settings = clips, settings
        self.positions = [(row["clip"], t) for row in clips.rows for t in range(row["n_frames"] - 1)]

    def __len__(self) -> int:
        return len(self.positions)

    def pair(self, index: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        name, t = self.positions[index]
        frames = [lab_from_rgb(self.clips.frame(name, k)) for k in (t, t + 1)]
        flow, visible = read_kitti(frame_path(folder_of(self.clips.flow) / name / "forward", t))
        cut = random_cut(flow.shape[:2], self.settings.crop, rng)
        last, current, flow, visible = (np.ascontiguousarray(x[cut]) for x in (*frames, flow, visible))
        reference, own = draw_reference(current, self.clips.reference_paths.get(name, []), self.settings, rng)
        return as_tensors(last, current, reference, flow, visible, own)


class PairStream(Dataset):
    """A fixed sequence of pairs: number k is drawn with a generator of its own, seeded with (seed, k).

    The order therefore does not depend on the number of loader processes, and any k can be made again alone.
    """

    def __init__(self, clips: ClipPairs, photos: PhotoPairs, length: int, photo_share: float, seed: int):
        if not len(clips) and not len(photos):
            raise ValueError(
                "there is nothing to train on: neither clips.sets.train nor images.sets.train holds an item that "
                f"passes the filter; see the column `reason` of {clips.clips.table} and {photos.photos.table}"
            )
        self.clips, self.photos, self.length, self.seed = clips, photos, length, seed
        self.photo_share = 1.0 if not len(clips) else photo_share if len(photos) else 0.0

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, k: int) -> dict[str, torch.Tensor]:
        rng = np.random.default_rng((self.seed, k))
        source = self.photos if rng.uniform() < self.photo_share else self.clips
        return source.pair(int(rng.integers(len(source))), rng)


def draw_reference(
    true: np.ndarray, paths: Sequence[str], settings: TrainSettings, rng: np.random.Generator
) -> tuple[np.ndarray, bool]:
    """A retrieved reference, or the pair's own frame with noise: Lab (H, W, 3), and whether it is its own."""
    if paths and rng.uniform() >= settings.own_reference:
        size = true.shape[:2]
        return lab_from_rgb(cover_crop(read_rgb(paths[rng.integers(len(paths))]), size)), False
    noisy = true + rng.normal(0, 1, true.shape).astype(np.float32) * settings.reference_noise
    noisy[..., 0] = np.clip(noisy[..., 0], 0, 100)
    return noisy, True


def random_cut(size: tuple[int, int], crop: tuple[int, int], rng: np.random.Generator) -> tuple[slice, slice]:
    """Slices that cut `crop` out of `size` at a random place; raises ValueError if it does not fit."""
    if size[0] < crop[0] or size[1] < crop[1]:
        raise ValueError(f"training crop {crop} is larger than the frames {size}: lower training.<name>.crop")
    top, left = (int(rng.integers(s - c + 1)) for s, c in zip(size, crop, strict=True))
    return slice(top, top + crop[0]), slice(left, left + crop[1])


def as_tensors(last, current, reference, flow, visible, own) -> dict[str, torch.Tensor]:
    """Arrays (H, W, C) to the tensors of a pair."""
    images = {"last": last, "current": current, "reference": reference, "flow": flow, "visible": visible[..., None]}
    pair = {
        name: torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32))
        for name, image in images.items()
    }
    return pair | {"own": torch.tensor(float(own))}
