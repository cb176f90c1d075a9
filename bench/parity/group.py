"""One group of a file of vectors: what goes in, and what is asked for."""

import re
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Outputs = dict[str, Tensor | np.ndarray]


@dataclass
class Group:
    """Arrays by name, without the group's own name in front.

    `wanted` has the values that the published program found. A group's function takes names and shapes from it,
    never values (but for `fill`, whose values are names).
    """

    inputs: dict[str, np.ndarray]
    wanted: dict[str, np.ndarray]

    def array(self, name: str) -> np.ndarray:
        """An input as it is stored. Raises KeyError naming it."""
        if name not in self.inputs:
            raise KeyError(f"the group has no input {name}, only {', '.join(self.inputs) or 'none at all'}")
        return self.inputs[name]

    def tensor(self, name: str) -> Tensor:
        """An input as a float32 tensor."""
        return torch.from_numpy(np.asarray(self.array(name), np.float32))

    def uncentered(self, name: str) -> Tensor:
        """A Lab or L input, which the vectors store with L - 50, with L in 0..100."""
        return with_lightness_moved(self.tensor(name), 50)

    def asked(self, pattern: str) -> dict[str, re.Match]:
        """The wanted names that match the pattern, each with its match."""
        return {name: parts for name in self.wanted if (parts := re.fullmatch(pattern, name))}


def with_lightness_moved(lab: Tensor, by: float) -> Tensor:
    """Lab (B, C, H, W) with `by` added to its first channel."""
    return torch.cat([lab[:, :1] + by, lab[:, 1:]], dim=1)
