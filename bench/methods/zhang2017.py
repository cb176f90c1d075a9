"""A U-Net that regresses colour (reference [32]): the automatic mode, and hints where they are given."""

from bench.trained import Automatic


class Zhang2017(Automatic):
    """No hint of colour is given; the paper's smooth L1 is what a training minimises."""

    name = "zhang2017"
    citation = "Zhang, Zhu, Isola, Geng, Lin, Yu, Efros: Real-Time User-Guided Image Colorization, SIGGRAPH 2017"
    VERSION = 1
    given = {"clips": (), "images": ()}
    published_size = (256, 256)

    def network(self, width: float, items: int):
        from bench.networks.zhang2017 import Zhang2017

        return Zhang2017(width)

    def losses(self, network, sample) -> dict:
        from bench.networks.zhang2017 import regression_loss

        frame = sample.frames[:, -1]
        return {"smooth_l1": regression_loss(network(frame[:, :1]), frame[:, 1:])}

    def ab(self, network, luminance):
        return network(luminance)
