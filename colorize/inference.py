"""Colouring a clip frame by frame with a trained model: constant memory in its length, any size of frame."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from colorize import checkpoint
from colorize.model import ExemplarModel

# The colorization subnet halves the frame three times.
MULTIPLE = 8


class Colorizer:
    """A trained model applied to arrays: the recurrence of section 3.1."""

    def __init__(self, model: ExemplarModel):
        self.model = model

    @torch.no_grad()
    def colorize(
        self, frames: Iterator[np.ndarray], reference_lab: np.ndarray, last_lab: np.ndarray | None = None
    ) -> Iterator[np.ndarray]:
        """Yield ab (H, W, 2) for each frame L (H, W), in Lab units.

        reference_lab (H', W', 3) may have another size; last_lab (H, W, 3) is a coloured frame before the first
        one, if there is any.
        """
        reference = self.model.encode_reference(_padded(_tensor(reference_lab)))
        last = None if last_lab is None else _padded(_tensor(last_lab))
        for frame in frames:
            luminance = _padded(_tensor(frame[..., None]))
            ab = self.model(luminance, reference, last).ab
            last = torch.cat([luminance, ab], dim=1)
            height, width = frame.shape
            yield ab[0, :, :height, :width].permute(1, 2, 0).numpy()


def load_colorizer(path: str | Path, weights_dir: str | Path) -> Colorizer:
    """The colorizer of a checkpoint made by `colorize.train`; `weights_dir` is where the backbone's file is sought."""
    return Colorizer(checkpoint.load(path, weights_dir))


def _tensor(image: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image, np.float32)).permute(2, 0, 1)[None]


def _padded(x: Tensor) -> Tensor:
    """Repeat the last row and column until both sides are multiples of 8."""
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="replicate")
