"""A distribution over bins of colour, and its annealed mean (reference [17])."""

from collections.abc import Iterator

from bench.methods.contract.trained import Automatic


class Zhang2016(Automatic):
    """Classification with rebalanced classes; a frame's colour is the annealed mean of its bins."""

    name = "zhang2016"
    citation = "Zhang, Isola, Efros: Colorful Image Colorization, ECCV 2016"
    given = {"clips": (), "images": ()}
    published_size = (256, 256)

    def network(self, width: float, items: int):
        from bench.methods.networks.zhang2016_network import TEMPERATURE, Zhang2016Network

        # The published file holds its temperature in the scale of its last layers.
        return Zhang2016Network(width, temperature=TEMPERATURE if items else 1.0)

    def prepare(self, samples: Iterator) -> None:
        """The classes are rebalanced by how often they occur in these samples."""
        from bench.methods.networks.zhang2016_network import rebalancing, target

        self.weights = rebalancing(sum(target(sample.frames[:, -1, 1:]).sum(dim=(0, 2, 3)) for sample in samples))

    def losses(self, network, sample) -> dict:
        from bench.methods.networks.zhang2016_network import loss

        frame = sample.frames[:, -1]
        return {"cross_entropy": loss(network.logits(frame[:, :1]), frame[:, 1:], self.weights)}

    def ab(self, network, luminance):
        return network(luminance)
