"""The paper's model on a retrieved reference: always the paper's, however it scores after a short training."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from bench.method import Given, Method


class Ours(Method):
    """The last coloured frame fed as it is, chroma straight from the tanh; reference = the most similar photograph."""

    name = "ours"
    citation = "Zhang et al.: Deep Exemplar-based Video Colorization, CVPR 2019"
    VERSION = 1
    given = {"clips": ("reference",), "images": ("reference",)}

    @cached_property
    def colorizer(self):
        from colorize.inference import load_colorizer

        return load_colorizer(self.setting.checkpoint, self.setting.weights_dir)

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        yield from self.colorizer.colorize(frames, given.reference)

    def fit(self, data, settings: dict, out_dir: Path) -> None:
        from colorize.settings import TrainSettings
        from colorize.train import train

        chosen = TrainSettings.model_validate(settings)
        train(data, chosen, out_dir, self.setting.backbone, self.setting.weights_dir, self.setting.seed)

    def skip(self) -> str | None:
        return None if self.setting.checkpoint else "no trained model: the row needs `training: <name>` in the config"
