"""No colour at all: the floor of every table."""

from collections.abc import Iterator

import numpy as np

from bench.methods.contract.method import Given, Method


class Grey(Method):
    """ab = 0 everywhere. Its flicker is 0 by construction, which says nothing about quality."""

    name = "grey"
    citation = "the input itself"
    given = {"clips": (), "images": ()}
    uses_torch = False

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        for luminance in frames:
            yield np.zeros((*luminance.shape, 2), np.float32)
