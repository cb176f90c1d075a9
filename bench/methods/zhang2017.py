"""A U-Net that regresses colour (reference [32]): the automatic mode, and hints where they are given."""

from collections.abc import Iterator

import numpy as np

from bench.methods.contract.method import Given
from bench.methods.contract.trained import Automatic
from media.flow_files import warp


class Zhang2017(Automatic):
    """Without hints of colour, with those of the first frame (`given: {clips: [hints]}`), or with the first frame.

    A first frame is not what the paper's program takes. Here its colours follow the flow, and are hints for each later
    frame wherever it was visible since frame 0. A training learns from pictures without hints and with the
    paper's made-up ones, as many of each, by the paper's smooth L1.
    """

    name = "zhang2017"
    citation = "Zhang, Zhu, Isola, Geng, Lin, Yu, Efros: Real-Time User-Guided Image Colorization, SIGGRAPH 2017"
    given = {"clips": (), "images": ()}
    published_size = (256, 256)

    def __init__(self, setting=None, given: dict | None = None):
        super().__init__(setting)
        if given is not None:
            self.given = {kind: tuple(wanted) for kind, wanted in given.items()}
        for kind, wanted in self.given.items():
            if "first_frame" in wanted and "flow" not in wanted:
                raise ValueError(f"zhang2017: given: {kind}: first_frame follows the flow; write [first_frame, flow]")

    def network(self, width: float, items: int):
        from bench.methods.networks.zhang2017_network import Zhang2017Network

        return Zhang2017Network(width)

    def losses(self, network, sample) -> dict:
        import torch

        from bench.methods.networks.zhang2017_network import made_up_hints, regression_loss

        luminance, ab = sample.frames[:, -1].split([1, 2], dim=1)
        hinted = (torch.rand(len(ab), 1, 1, 1) < 0.5).to(ab.device)
        hints, mask = (maps * hinted for maps in made_up_hints(ab))
        return {"smooth_l1": regression_loss(network(luminance, hints, mask), ab)}

    def ab(self, network, luminance, hints=None):
        if hints is None:
            return network(luminance)
        mask = hints[:, 2:]
        return network(luminance, hints[:, :2] * mask, mask)

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        if given.first_frame is not None:
            yield from self.followed(frames, given)
            return
        hints = given.hints
        for luminance in frames:
            yield self.colored(luminance, hints)
            hints = None  # they are the first frame's

    def followed(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        """The first frame, then every frame with the hints that came from it along the flow."""
        next(frames)
        ab = given.first_frame[..., 1:]
        yield ab
        known = np.ones(ab.shape[:2], bool)
        for luminance, step in zip(frames, given.flow, strict=True):
            ab = warp(ab, step.flow)
            known = (warp(known.astype(np.float32), step.flow, outside="zeros") > 0.99) & step.visible
            yield self.colored(luminance, np.dstack([ab, known]))
