"""The paper's model, and its extensions: what a row is depends on the model that it names and on what it is given."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from bench.methods.contract.method import Given
from bench.methods.contract.networked import Networked
from colorize.release_files import FETCH, release_paths
from vision.weights import MissingWeights


class Ours(Networked):
    """A model of `training` or of a `checkpoint`, on the most similar photograph or on the clip's first frame.

    given: `reference`, or `first_frame` for colour propagation (section 5.2), which keeps that frame as it is; and
    `flow` for a model whose history is aligned.
    """

    name = "ours"
    citation = "Zhang et al.: Deep Exemplar-based Video Colorization, CVPR 2019"
    given = {"clips": ("reference",), "images": ("reference",)}
    uses_backbone = ("colorize", "fit")

    def __init__(self, setting=None, given: dict | None = None):
        super().__init__(setting)
        if given is not None:
            self.given = {kind: tuple(wanted) for kind, wanted in given.items()}

    @cached_property
    def colorizer(self):
        from colorize.inference.colorizer import load_colorizer

        return load_colorizer(self.setting.checkpoint, self.setting.weights_dir, str(self.device))

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        if given.first_frame is None:
            yield from self.colorizer.colorize(frames, given.reference, steps=given.flow)
        else:
            next(frames)
            yield given.first_frame[..., 1:].copy()
            yield from self.colorizer.colorize(frames, given.first_frame, given.first_frame, given.flow)

    def fit(self, data, settings: dict, out_dir: Path) -> None:
        from colorize.settings import TrainSettings
        from colorize.training.exemplar import train

        chosen = TrainSettings.model_validate(settings)
        train(data, chosen, out_dir, self.setting.backbone, self.setting.weights_dir, self.setting.seed)

    def skip(self) -> str | None:
        if not self.setting.checkpoint:
            return "no trained model: the row needs `training: <name>` or `checkpoint: <file>` in the config"
        if not (self.setting.checkpoint.is_dir() or self.setting.checkpoint == self.setting.weights_dir):
            return None
        try:
            release_paths(self.setting.checkpoint, self.setting.weights_dir)
        except MissingWeights as error:
            if self.setting.checkpoint != self.setting.weights_dir:
                return str(error)
            return f"the published model is not there; {FETCH} gets it"
        return None
