"""Rows with a network of their own: trained here by the project's one loop, or filled with their authors' weights.

What such a method is made of: `network`, the terms that it minimises (`losses`) and the colours that it gives
(`results`) for samples of bench.methods.contract.learning. Importing this module does not import torch.
"""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from bench.methods.contract.method import Given
from bench.methods.contract.networked import Networked
from colorize.settings import OF_THE_PAPERS_MODEL


class Trained(Networked):
    """A row `training: <name>` colours with the model of that name, any other with its authors' weights if they are
    in the weights folder. A subclass adds to the contract of Method what raises NotImplementedError here."""

    multiple = 8  # of the sides that the network takes
    refuses = OF_THE_PAPERS_MODEL

    def network(self, width: float, items: int):
        """The untrained network. items: how many clips and photographs it learns from; 0 for the published one."""
        raise NotImplementedError

    def losses(self, network, sample) -> dict:
        """The terms whose sum is minimised, by name, for a bench.methods.contract.learning.Sample."""
        raise NotImplementedError

    def results(self, network, sample) -> list:
        """ab (B, 2, H, W), Lab units, of each frame of a sample but the first."""
        raise NotImplementedError

    validated = "Lab units"  # what `errors` are in, for the notes under a table

    def errors(self, network, sample, results: list):
        """What the checkpoint is chosen by, (B,): here the mean absolute error of ab on the frames after the first."""
        pairs = zip(results, sample.frames.unbind(1)[1:], strict=True)
        return sum((ab - frame[:, 1:]).abs().mean(dim=(1, 2, 3)) for ab, frame in pairs) / len(results)

    def samples(self, data, settings, seed: int):
        """What is learned from and chosen on: a stream and validation batches (colorize.training.loop.samples_of)."""
        from colorize.training.loop import samples_of

        return samples_of(data, settings, seed)

    def prepare(self, samples: Iterator) -> None:
        """Look at samples before the first step, for a recipe that needs statistics of them. Default: nothing."""

    def published(self):
        """The network with its authors' weights. Raises MissingWeights, naming the file, if they are not there."""
        from bench.methods.weights.convert import load_published
        from bench.methods.weights.published import OF_METHOD

        return load_published(self.network(1.0, 0), OF_METHOD[self.name], self.setting.weights_dir)

    @property
    def is_published(self) -> bool:
        """Whether the row has its authors' weights, not a training of ours."""
        return self.setting.checkpoint is None

    @cached_property
    def model(self):
        """The network of this row, in eval mode, on its device."""
        from bench.methods.contract.learning import load_trained

        network = self.published() if self.is_published else load_trained(self, self.setting.checkpoint)
        return network.to(self.device)

    @cached_property
    def backbone(self):
        from vision.backbones import load_backbone

        return load_backbone(self.setting.backbone, self.setting.weights_dir)

    def maps(self, array: np.ndarray):
        """(H, W) or (H, W, C) as (1, C, H, W) for the network."""
        from media.tensors import as_maps

        return as_maps(array, self.device)

    def features(self, rgb) -> list:
        """The backbone's levels of pictures (B, 3, H, W), for rows that match or compare pictures by them."""
        return self.backbone.to(rgb.device).levels(rgb)

    def fit(self, data, settings: dict, out_dir: Path) -> None:
        from bench.methods.contract.learning import train_network

        train_network(self, data, settings, out_dir)

    def skip(self) -> str | None:
        from bench.methods.weights.published import OF_METHOD
        from vision.weights import is_present

        files = OF_METHOD.get(self.name, ())
        if not self.is_published or any(is_present(file, self.setting.weights_dir) for file in files):
            return None
        either = f", or the file {' or '.join(file.name for file in files)}" if files else ""
        return f"no model: the row needs `training: <name>` in the config{either} (see `python -m bench weights`)"


class Automatic(Trained):
    """Colours every frame from its luminance alone. A subclass gives `ab` instead of `results`."""

    published_size: tuple[int, int] | None = None  # height and width to which the authors bring a picture

    def ab(self, network, luminance):
        """ab (B, 2, H, W) of L (B, 1, H, W) in 0..100, sides multiples of `multiple`."""
        raise NotImplementedError

    def results(self, network, sample) -> list:
        return [self.ab(network, frame[:, :1]) for frame in sample.frames.unbind(1)[1:]]

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        for luminance in frames:
            yield self.colored(luminance)

    def colored(self, luminance: np.ndarray, hints: np.ndarray | None = None) -> np.ndarray:
        """ab (H, W, 2) of L (H, W): the network's, at a size that suits it, enlarged bilinearly.

        hints: (H, W, 3), a, b and 1 where they hold, for a network that takes some; its `ab` is then given them too.
        """
        import torch.nn.functional as F

        from media.tensors import as_array, resized, rounded_up

        size = self.published_size if self.is_published else None
        x = resized(self.maps(luminance), size or rounded_up(luminance.shape, self.multiple))
        known = () if hints is None else (F.interpolate(self.maps(hints), size=x.shape[-2:], mode="nearest"),)
        return as_array(resized(self.ab(self.model, x, *known), luminance.shape))
