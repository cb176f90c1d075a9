"""The first frame's colours left where they are: what any propagation has to beat."""

from collections.abc import Iterator

import numpy as np

from bench.methods.contract.method import Given, Method


class CopyFirst(Method):
    """Frame 0's ab on every frame, whatever moves."""

    name = "copy_first"
    citation = "none; a control for propagation"
    given = {"clips": ("first_frame",)}
    uses_torch = False

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        for _ in frames:
            yield given.first_frame[..., 1:].copy()
