"""Matches by nearest neighbours in a backbone's features, without learning: what nn_match, fusion and he2018 share."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from media.tensors import as_array, as_maps
from vision.backbones import Backbone, grey_rgb
from vision.matching import BLOCK, match, matching_features

# Features are matched at a quarter of the resolution (section 3.2), rounded up where it does not divide.
STRIDE = 4
TEMPERATURE = 0.01  # Eq. 4


class Exemplar:
    """A coloured picture of which frames of any size can borrow the chroma; its features are computed once."""

    @torch.inference_mode()
    def __init__(self, backbone: Backbone, lab: np.ndarray, device: torch.device | str = "cpu"):
        """lab: (H', W', 3) float32, Lab units. Only its grey version is matched: colour features match grey badly.

        device: where the backbone lies.
        """
        self.backbone, self.device = backbone, device
        self.features = self._features(lab[..., 0])  # (1, C, M)
        pooled = F.avg_pool2d(as_maps(lab[..., 1:], device), STRIDE, ceil_mode=True)  # (1, 2, h', w')
        self.ab = pooled.flatten(2)  # (1, 2, M)

    @torch.inference_mode()
    def warped(self, luminance: np.ndarray) -> np.ndarray:
        """Chroma gathered for a frame (Eq. 5): (H, W, 2) float32 for L (H, W)."""
        height, width = luminance.shape
        ab, _ = match(self._features(luminance), self.features, self.ab, temperature=TEMPERATURE)
        grid = ab.unflatten(2, quarter(luminance.shape))
        full = F.interpolate(grid, scale_factor=STRIDE, mode="bilinear", align_corners=False)
        return np.ascontiguousarray(as_array(full[..., :height, :width]))

    def _features(self, luminance: np.ndarray) -> Tensor:
        grey = grey_rgb(as_maps(luminance, self.device))
        return matching_features(self.backbone.levels(grey), quarter(luminance.shape)).flatten(2)


@dataclass(frozen=True)
class Field:
    """Where each cell of one picture's grid has its match in another's: rows, columns int64 (B, h, w)."""

    rows: Tensor
    columns: Tensor

    def read(self, maps: Tensor) -> Tensor:
        """The other picture's maps (B, C, h', w') at the matches, (B, C, h, w)."""
        batch = torch.arange(len(maps), device=maps.device)[:, None, None]
        return maps.permute(0, 2, 3, 1)[batch, self.rows, self.columns].permute(0, 3, 1, 2)

    def voted(self, maps: Tensor) -> Tensor:
        """The same as the mean of what the matches of the 3x3 cells around vote for, each from its own place."""
        height, width = maps.shape[-2:]
        votes = []
        for down, right in product((-1, 0, 1), repeat=2):
            rows, columns = (_shifted(part, down, right) for part in (self.rows, self.columns))
            votes.append(Field((rows - down).clamp(0, height - 1), (columns - right).clamp(0, width - 1)).read(maps))
        return torch.stack(votes).mean(dim=0)


def nearest_positions(query: Tensor, key: Tensor) -> Field:
    """The most similar position of `key` (B, C, h', w') for each of `query` (B, C, h, w); unit features."""
    keys = key.flatten(2)
    rows = query.flatten(2).transpose(1, 2).split(BLOCK // keys.shape[2] + 1, dim=1)
    index = torch.cat([(part @ keys).argmax(dim=2) for part in rows], dim=1).unflatten(1, tuple(query.shape[-2:]))
    return Field(index // key.shape[-1], index % key.shape[-1])


def _shifted(x: Tensor, down: int, right: int) -> Tensor:
    """x (B, h, w) read `down` rows and `right` columns further, the border repeated."""
    rows, columns = (
        (torch.arange(side, device=x.device) + by).clamp(0, side - 1)
        for side, by in zip(x.shape[-2:], (down, right), strict=True)
    )
    return x[:, rows[:, None], columns]


def quarter(shape: tuple[int, int]) -> tuple[int, int]:
    return -(-shape[0] // STRIDE), -(-shape[1] // STRIDE)
