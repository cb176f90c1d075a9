"""A U-Net that regresses colour (reference [32]): the automatic mode, and hints where they are given."""

from collections.abc import Iterator

import numpy as np

from bench.method import Given
from bench.trained import Automatic


class Zhang2017(Automatic):
    """Without hints of colour, or with those of the first frame (`given: {images: [hints]}`).

    The paper's smooth L1 is what a training minimises; it is given no hints.
    """

    name = "zhang2017"
    citation = "Zhang, Zhu, Isola, Geng, Lin, Yu, Efros: Real-Time User-Guided Image Colorization, SIGGRAPH 2017"
    VERSION = 1
    given = {"clips": (), "images": ()}
    published_size = (256, 256)

    def __init__(self, setting=None, given: dict | None = None):
        super().__init__(setting)
        if given is not None:
            self.given = {kind: tuple(wanted) for kind, wanted in given.items()}

    def network(self, width: float, items: int):
        from bench.networks.zhang2017 import Zhang2017

        return Zhang2017(width)

    def losses(self, network, sample) -> dict:
        from bench.networks.zhang2017 import regression_loss

        frame = sample.frames[:, -1]
        return {"smooth_l1": regression_loss(network(frame[:, :1]), frame[:, 1:])}

    def ab(self, network, luminance, hints=None):
        if hints is None:
            return network(luminance)
        mask = hints[:, 2:]
        return network(luminance, hints[:, :2] * mask, mask)

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        hints = given.hints
        for luminance in frames:
            yield self.colored(luminance, hints)
            hints = None  # they are the first frame's
