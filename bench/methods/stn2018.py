"""Learned linear propagation that can be switched (reference [28]): a reconstruction, no program was published."""

from collections.abc import Iterator

import numpy as np

from bench.methods.contract.method import Given
from bench.methods.contract.trained import Trained


class Stn2018(Trained):
    """The first frame's colours are carried from frame to frame by a propagation that the two luminances steer."""

    name = "stn2018"
    citation = "Liu et al.: Switchable Temporal Propagation Network, ECCV 2018 (a reconstruction by this project)"
    given = {"clips": ("first_frame",)}
    multiple = 4

    def network(self, width: float, items: int):
        from bench.methods.networks.stn2018_network import Propagation

        return Propagation(width, channels=max(1, round(64 * width)) if width < 1 else 32)

    def losses(self, network, sample) -> dict:
        from bench.methods.networks.stn2018_network import loss, switched

        earlier, later = sample.frames[:, -2], sample.frames[:, -1]
        coefficients = network.coefficients(earlier[:, :1], later[:, :1])
        carried = network.carried(earlier[:, 1:], coefficients)
        back = network.carried(later[:, 1:], switched(coefficients))
        return {"squared_error": loss(carried, later[:, 1:], back, earlier[:, 1:])}

    def results(self, network, sample) -> list:
        ab, results = sample.frames[:, 0, 1:], []
        for earlier, later in zip(sample.frames.unbind(1)[:-1], sample.frames.unbind(1)[1:], strict=True):
            ab = network(earlier[:, :1], later[:, :1], ab)
            results.append(ab)
        return results

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        from media.tensors import as_array, resized, rounded_up

        first = next(frames)
        size = rounded_up(first.shape, self.multiple)
        earlier, ab = resized(self.maps(first), size), resized(self.maps(given.first_frame[..., 1:]), size)
        yield given.first_frame[..., 1:].copy()
        for luminance in frames:
            later = resized(self.maps(luminance), size)
            ab = self.model(earlier, later, ab)
            earlier = later
            yield as_array(resized(ab, first.shape))
