"""The paper's model with the clip's own first frame as reference: colour propagation (Fig. 7)."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from bench.method import Given, Method


class OursFirstFrame(Method):
    """The weights of `ours`; only the reference differs."""

    name = "ours_first_frame"
    citation = "Zhang et al.: Deep Exemplar-based Video Colorization, CVPR 2019, section 5.2"
    VERSION = 1
    given = {"clips": ("first_frame",)}

    @cached_property
    def colorizer(self):
        from colorize.inference import load_colorizer

        return load_colorizer(self.setting.checkpoint, self.setting.weights_dir)

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        yield from self.colorizer.colorize(frames, given.first_frame)

    def skip(self) -> str | None:
        return None if self.setting.checkpoint else "no trained model: the row needs `training: <name>` in the config"
