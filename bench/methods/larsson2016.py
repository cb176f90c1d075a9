"""Hypercolumns and histograms of hue and chroma (reference [16])."""

from bench.methods.contract.trained import Automatic

SHORT_SIDE, SQUARE = 256, 512  # of the picture, and of the padded square that the authors' program takes


class Larsson2016(Automatic):
    """The histograms are decoded as released: circular mean of the hue, median of the chroma, faded where uncertain."""

    name = "larsson2016"
    citation = "Larsson, Maire, Shakhnarovich: Learning Representations for Automatic Colorization, ECCV 2016"
    given = {"clips": (), "images": ()}
    multiple = 1  # it pads by itself

    def network(self, width: float, items: int):
        from bench.methods.networks.larsson2016_network import Larsson2016Network, SmallLarsson2016Network

        return SmallLarsson2016Network(width) if items else Larsson2016Network(width)

    def losses(self, network, sample) -> dict:
        from bench.methods.networks.larsson2016_network import loss
        from media.color import rgb_tensor_from_lab
        from media.tensors import grey

        frame = sample.frames[:, -1]
        height, width = (side - side % network.multiple for side in frame.shape[-2:])
        frame = frame[..., :height, :width]  # a crop of the training need not fit
        hue, chroma = network.logits(grey(frame[:, :1]))
        return {"divergence": loss(hue, chroma, rgb_tensor_from_lab(frame))}

    def ab(self, network, luminance):
        from bench.methods.networks.larsson2016_network import decode, lightness_matched
        from media.color import ab_from_rgb_tensor
        from media.tensors import grey, resized, rounded_up

        light = grey(luminance)
        shape = tuple(light.shape[-2:])
        size = shape
        if self.is_published:
            scale = min(SHORT_SIDE / min(shape), (SQUARE - 12) / max(shape))
            size = tuple(round(side * scale) for side in shape)
        whole = (SQUARE, SQUARE) if self.is_published else rounded_up(shape, network.multiple)
        hue, chroma = (
            resized(cut_back(histogram, size), shape) for histogram in network(padded(resized(light, size), whole))
        )
        return ab_from_rgb_tensor(lightness_matched(decode(hue, chroma, light[:, 0]), light[:, 0]))


def padded(x, size: tuple[int, int]):
    """x (B, C, H, W) in the middle of zeros of that size."""
    import torch.nn.functional as F

    (top, bottom), (left, right) = (
        ((whole - side) // 2, whole - side - (whole - side) // 2)
        for whole, side in zip(size, x.shape[-2:], strict=True)
    )
    return F.pad(x, (left, right, top, bottom))


def cut_back(x, size: tuple[int, int]):
    """The middle (H, W) of x (B, C, ...), which `padded` put there."""
    top, left = ((whole - side) // 2 for whole, side in zip(x.shape[-2:], size, strict=True))
    return x[..., top : top + size[0], left : left + size[1]]
