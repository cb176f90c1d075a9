"""Local features joined with those of the whole picture, trained together with a classification (reference [15])."""

from bench.methods.contract.trained import Automatic


class Iizuka2016(Automatic):
    """Clips and photographs have no labels here: the class of a frame is the item that it is taken from.

    The released program's detour of L over YUV is left out: like every row, this one keeps the input's L.
    """

    name = "iizuka2016"
    citation = "Iizuka, Simo-Serra, Ishikawa: Let there be Color!, SIGGRAPH 2016"
    given = {"clips": (), "images": ()}

    def network(self, width: float, items: int):
        from bench.methods.networks.iizuka2016_network import GLOBAL_SIDE, PLACES, SMALL_GLOBAL_SIDE, Iizuka2016Network

        return Iizuka2016Network(width, items or PLACES, GLOBAL_SIDE if width == 1 else SMALL_GLOBAL_SIDE)

    def losses(self, network, sample) -> dict:
        import torch.nn.functional as F

        from bench.methods.networks.iizuka2016_network import CLASS_WEIGHT, target
        from media.tensors import grey

        frame = sample.frames[:, -1]
        s, logits = network.with_classes(grey(frame[:, :1]))
        return {
            "squared_error": F.mse_loss(s, target(frame[:, 1:])),
            "class": CLASS_WEIGHT * F.cross_entropy(logits, sample.labels),
        }

    def ab(self, network, luminance):
        from media.tensors import grey

        return network.ab(grey(luminance))
