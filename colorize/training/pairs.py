"""Training samples: adjacent frames, the motion between them and a reference, from clips and from photographs.

A sample is a dict of float32 tensors, T frames (the paper's pair: 2), Lab units, L in 0..100:
- frames (T, 3, H, W), and reference (3, H, W): whole, as the correspondence sees them;
- at (2,), int64: top and left of the window (h, w) that is coloured and learned on, on the matching grid;
- flow (T-1, 2, h, w), last -> current on the grid of last, in pixels; visible (T-1, 1, h, w), 1 where it leads to the
  same point;
- flow_back (T-1, 2, h, w), current -> last on the grid of current; visible_back (T-1, 1, h, w);
- own (), 1 where the reference is the sample's own true frame (then Eq. 14 applies); noisy_features (), 1 where its
  features are to get noise;
- given (), 1 where the first frame is given in colour; item, the clip's or photograph's name;
- reference_rank (), int64, the place of the reference among the item's, 1 = most similar; 0 = the sample's own frame.
`ClipPairs` and `PhotoPairs` as datasets add all ranked references (`Pairs.ranked`). docs/training-data.md says more.
Everything random comes from the generator that is passed in, so a sample depends on the seed and its index alone.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset

from colorize.settings import TrainSettings
from media.color import lab_from_rgb
from media.faults import listed, prepared
from media.flow_files import read_kitti
from media.image import cover_crop, frame_path, read_rgb
from media.tables import CLIPS, REFERENCES, folder_of, kept, read_table
from vision.distortion import pseudo_pair

# Windows start on the matching grid, a quarter of the frame.
GRID = 4


class Ranked(NamedTuple):
    """A reference of an item: its name in the gallery, its file, and how similar it is (-1..1; NaN if not known)."""

    reference: str
    path: str
    similarity: float


def ranked_references(table: pd.DataFrame) -> dict[str, list[Ranked]]:
    """The references of each item, the most similar first; `table` has the columns REFERENCES."""
    table, by_item = table.sort_values("rank"), defaultdict(list)
    similarity = table["similarity"].to_numpy("float64", na_value=np.nan)
    for item, *reference in zip(table["item"], table["reference"], table["path"], similarity.tolist(), strict=True):
        by_item[item].append(Ranked(*reference))
    return dict(by_item)


@dataclass
class PreparedSet:
    """A prepared set of clips or photographs: its table, and the tables of its references and (clips) its flow."""

    table: Path
    references: Path | None = None
    flow: Path | None = None
    rows: list[dict] = field(init=False)
    reference_paths: dict[str, list[str]] = field(init=False)
    ranked: dict[str, list[Ranked]] = field(init=False)
    most_references: int = field(init=False)  # of one item; the pipeline finds equally many for each

    def __post_init__(self):
        self.rows = kept(read_table(self.table, CLIPS)).to_dict("records")
        self.ranked = ranked_references(read_table(self.references, REFERENCES)) if self.references else {}
        self.reference_paths = {item: [each.path for each in ranked] for item, ranked in self.ranked.items()}
        self.most_references = max(map(len, self.ranked.values()), default=0)

    def references_of(self, name: str) -> list[str]:
        """The ids of the references of the item `name`, the most similar first; none if none was found for it."""
        return [each.reference for each in self.ranked.get(name, [])]

    def frame(self, name: str, index: int) -> np.ndarray:
        """Frame `index` of the item `name`, uint8 RGB (H, W, 3)."""
        return _prepared_frame(folder_of(self.table) / name, index)

    def motion(self, name: str, direction: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The flow that starts from frame `index`, `forward` or `backward`, and what is visible along it."""
        return read_kitti(frame_path(folder_of(self.flow) / name / direction, index))


def _prepared_frame(folder: Path, index: int) -> np.ndarray:
    path = frame_path(folder, index)
    with prepared(path):
        return read_rgb(path)


@dataclass
class Recolored(PreparedSet):
    """A set of clips as a row has coloured them: `frames` is the folder of its results, the rest is the clips' own."""

    frames: Path | None = None

    def frame(self, name: str, index: int) -> np.ndarray:
        return _prepared_frame(self.frames / name, index)


@dataclass
class TrainingData:
    """What a training reads: clips and photographs to learn from, others of each to choose the checkpoint on.

    recolored: the training clips as other rows colour them, for what learns to correct those.
    """

    clips: PreparedSet
    photos: PreparedSet
    validation: PreparedSet
    validation_clips: PreparedSet | None = None
    recolored: tuple[Recolored, ...] = ()


@dataclass
class PairMotion:
    """Between two adjacent frames, in both directions, on the whole frame: flow (H, W, 2), visible bool (H, W)."""

    flow: np.ndarray
    visible: np.ndarray
    flow_back: np.ndarray
    visible_back: np.ndarray


class Pairs(Dataset, ABC):
    """Samples of a prepared set, as a dataset: number i of an epoch is drawn with a generator seeded (seed, epoch, i).

    It holds tables and paths alone, so it goes to the processes of a DataLoader, however they are started; `set_epoch`
    reaches those that persist as well.
    """

    def __init__(self, items: PreparedSet, settings: TrainSettings | None = None, seed: int = 0):
        """`settings`: sizes, and how samples are drawn; without them the paper's."""
        self.items, self.settings, self.seed = items, settings or TrainSettings(), seed
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    @abstractmethod
    def __len__(self) -> int:
        """The number of samples in an epoch."""

    @abstractmethod
    def sample(self, index: int, rng: np.random.Generator) -> dict[str, torch.Tensor | str]:
        """Sample `index`, with what is random about it drawn from `rng`; the keys are those of the module."""

    @property
    @abstractmethod
    def given_share(self) -> float:
        """The probability with which a sample's first frame is given."""

    def set_epoch(self, epoch: int) -> None:
        """Draw other samples: call it before the loader is iterated anew."""
        self._epoch.fill_(epoch)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor | str]:
        """Sample `index` of this epoch, and the ranked references of its item; IndexError beyond the end."""
        index = range(len(self))[index]
        sample = self.sample(index, np.random.default_rng((self.seed, int(self._epoch), index)))
        return sample | self.ranked(sample["item"])

    def ranked(self, name: str) -> dict[str, torch.Tensor]:
        """All K references of the item `name`, K being the most that an item of the set has.

        - references (K, 3, H, W), Lab, most similar first, scaled and cut to the frame;
        - similarity (K,), cosine of the features that they were found by;
        - probability (K+1,), with which a sample's `reference` is its own frame (0) or that of rank 1..K; its sum is 1.
        An item with fewer has probability 0, similarity NaN and zeros in place of the others.
        """
        own, most = self.items.ranked.get(name, []), self.items.most_references
        references = torch.zeros(most, 3, *self.settings.frame)
        similarity = torch.full((most,), torch.nan)
        probability = torch.zeros(most + 1)
        for k, each in enumerate(own):
            references[k] = _stacked([read_reference(each.path, self.settings.frame)])[0]
            similarity[k] = each.similarity
            probability[k + 1] = (1 - self.given_share) * (1 - self.settings.own_reference) / len(own)
        probability[0] = 1 - probability.sum()
        return {"references": references, "similarity": similarity, "probability": probability}


class PhotoPairs(Pairs):
    """Pseudo-video: pairs made of photographs by a random distortion and a change of brightness (section 4).

    Nothing is written: the pair, its exact motion and masks are computed from the photograph when they are asked for.
    """

    def __len__(self) -> int:
        return len(self.items.rows)

    @property
    def given_share(self) -> float:
        return 0.0

    def sample(self, index: int, rng: np.random.Generator) -> dict[str, torch.Tensor | str]:
        name = self.items.rows[index]["clip"]
        moved = pseudo_pair(self.items.frame(name, 0), self.settings.frame, self.settings.distortion, rng)
        last, current = lab_from_rgb(moved.last), lab_from_rgb(moved.current)
        shift = rng.normal(0, self.settings.luminance_shift) if self.settings.luminance_shift else 0.0
        current[..., 0] = np.clip(current[..., 0] + shift, 0, 100)
        drawn = draw_reference(current, self.items.reference_paths.get(name, []), self.settings, rng)
        motion = PairMotion(moved.flow, moved.visible, moved.flow_back, moved.visible_back)
        at = random_window(self.settings.frame, self.settings.crop, rng)
        return as_tensors([last, current], [motion], at, self.settings.crop, drawn.lab) | labels(drawn, False, name)


class ClipPairs(Pairs):
    """Adjacent frames of real clips with their stored flow and masks; `positions` has clip and first frame of each.

    A clip of n frames gives n - 1 pairs (n - T + 1 samples of T frames).
    """

    def __init__(self, items: PreparedSet, settings: TrainSettings | None = None, seed: int = 0):
        super().__init__(items, settings, seed)
        if items.flow is None:
            raise ValueError(
                f"{items.table}: pairs of clips need the table of their flow: PreparedSet(table, ..., flow=...)"
            )
        self.positions = [
            (row["clip"], t) for row in items.rows for t in range(row["n_frames"] - self.settings.sequence + 1)
        ]

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def given_share(self) -> float:
        return self.settings.given_first

    def sample(self, index: int, rng: np.random.Generator) -> dict[str, torch.Tensor | str]:
        name, start = self.positions[index]
        times = range(start, start + self.settings.sequence)
        frames = [lab_from_rgb(self.items.frame(name, t)) for t in times]
        motions = [
            PairMotion(*self.items.motion(name, "forward", t), *self.items.motion(name, "backward", t + 1))
            for t in times[:-1]
        ]
        cut = slices(random_window(frames[0].shape[:2], self.settings.frame, rng), self.settings.frame)
        frames = [frame[cut] for frame in frames]
        motions = [PairMotion(*(part[cut] for part in vars(motion).values())) for motion in motions]
        given = rng.uniform() < self.settings.given_first
        if given:
            drawn = DrawnReference(frames[0], 0)
        else:
            drawn = draw_reference(frames[-1], self.items.reference_paths.get(name, []), self.settings, rng)
        at = random_window(self.settings.frame, self.settings.crop, rng)
        return as_tensors(frames, motions, at, self.settings.crop, drawn.lab) | labels(drawn, given, name)


class RecoloredPairs(ClipPairs):
    """Samples of clips that also have the colours of one of several rows: processed (T, 2, H, W), whole frames."""

    def __init__(
        self, items: PreparedSet, recolored: Sequence[Recolored], settings: TrainSettings | None = None, seed=0
    ):
        super().__init__(items, settings, seed)
        self.others = [ClipPairs(other, settings, seed) for other in recolored]

    def sample(self, index: int, rng: np.random.Generator) -> dict[str, torch.Tensor | str]:
        other = self.others[int(rng.integers(len(self.others)))]
        again = deepcopy(rng)  # the same draws once more: the same window of the same frames
        return super().sample(index, rng) | {"processed": other.sample(index, again)["frames"][:, 1:]}


class PairStream(Dataset):
    """A fixed sequence of samples: number k is drawn with a generator of its own, seeded with (seed, k).

    It is what the training reads. The order does not depend on the number of loader processes, and any k can be made
    again alone. photo_share: the probability of a photograph; which of them, or which pair, is drawn uniformly.
    """

    def __init__(self, clips: ClipPairs, photos: PhotoPairs, length: int, photo_share: float, seed: int):
        self.clips, self.photos, self.length, self.seed = clips, photos, length, seed
        self.photo_share = 1.0 if not len(clips) else photo_share if len(photos) else 0.0
        if not len(clips) and (not len(photos) or photos.settings.sequence > 2):
            raise ValueError(
                f"there is nothing to train on: neither clips.sets.train nor images.sets.train holds an item that "
                f"passes the filter and gives {photos.settings.sequence} frames; see the column `reason` of "
                f"{clips.items.table} and {photos.items.table}"
            )

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, k: int) -> dict[str, torch.Tensor | str]:
        rng = np.random.default_rng((self.seed, k))
        source = self.photos if rng.uniform() < self.photo_share else self.clips
        return source.sample(int(rng.integers(len(source))), rng)


class DrawnReference(NamedTuple):
    """The reference of a sample, Lab (H, W, 3); its rank, 0 for its own frame; and whether its features get noise."""

    lab: np.ndarray
    rank: int
    noisy_features: bool = True


def draw_reference(
    true: np.ndarray, paths: Sequence[str], settings: TrainSettings, rng: np.random.Generator
) -> DrawnReference:
    """One of the ranked references, each as likely, or the sample's own frame with noise.

    Its own frame is drawn with probability `own_reference`, or always if there is no other. The noise is on its colours
    and on its features, or (`noise: either`) on one of them, each as likely.
    """
    if paths and rng.uniform() >= settings.own_reference:
        drawn = int(rng.integers(len(paths)))
        return DrawnReference(read_reference(paths[drawn], true.shape[:2]), drawn + 1)
    on_features = settings.noise == "both" or rng.uniform() < 0.5
    if settings.noise == "either" and on_features:
        return DrawnReference(true.copy(), 0)
    noisy = true + rng.normal(0, 1, true.shape).astype(np.float32) * settings.reference_noise
    noisy[..., 0] = np.clip(noisy[..., 0], 0, 100)
    return DrawnReference(noisy, 0, on_features)


def read_reference(path: str | Path, size: tuple[int, int]) -> np.ndarray:
    """A picture of any size, scaled and cut to `size`: Lab (*size, 3). Raises MachineFault if it is gone."""
    with listed(path, "the table of references"):
        return lab_from_rgb(cover_crop(read_rgb(path), size))


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


def cut_out(maps: torch.Tensor, at: torch.Tensor, window: tuple[int, int]) -> torch.Tensor:
    """The window (height, width) of each sample out of maps (B, ..., H, W); at: (B, 2), its top and left."""
    if maps.shape[-2:] == window:
        return maps
    return torch.stack([sample[..., *slices(place, window)] for sample, place in zip(maps, at.tolist(), strict=True)])


def as_tensors(frames, motions, at: tuple[int, int], window: tuple[int, int], reference) -> dict[str, torch.Tensor]:
    """Arrays (H, W, C) to the tensors of a sample, the motions cut to the window."""
    cut = slices(at, window)
    tensors = {"frames": _stacked(frames), "reference": _stacked([reference])[0], "at": torch.tensor(at)}
    for name in ("flow", "flow_back", "visible", "visible_back"):
        tensors[name] = _stacked([getattr(motion, name)[cut] for motion in motions])
    return tensors


def labels(drawn: DrawnReference, given: bool, item: str) -> dict[str, torch.Tensor | str]:
    """What a sample is, besides its pictures."""
    own = torch.tensor(float(drawn.rank == 0))
    ranked = {"own": own, "noisy_features": own * drawn.noisy_features, "reference_rank": torch.tensor(drawn.rank)}
    return ranked | {"given": torch.tensor(float(given)), "item": item}


def _stacked(images) -> torch.Tensor:
    """(H, W) or (H, W, C) arrays to (T, C, H, W)."""
    layered = [image[..., None] if image.ndim == 2 else image for image in images]
    return torch.from_numpy(np.ascontiguousarray(np.stack(layered).transpose(0, 3, 1, 2), np.float32))
