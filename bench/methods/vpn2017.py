"""Colours through a permutohedral lattice and a small network (reference [26])."""

from collections.abc import Iterable, Iterator

import numpy as np

from bench.methods.contract.method import Given
from bench.methods.contract.trained import Trained

REACH = 3  # earlier frames whose pixels a frame reads
POINTS = 300_000  # at most, drawn at random where there are more


class Vpn2017(Trained):
    """Stage 0 carries the first frame's colours on by the lattice alone; stage 1 refines every frame of it."""

    name = "vpn2017"
    citation = "Jampani, Gadde, Gehler: Video Propagation Networks, CVPR 2017"
    given = {"clips": ("first_frame",)}

    def network(self, width: float, items: int):
        from bench.methods.networks.vpn2017_network import ColorStage

        return ColorStage()  # small as it is: it has one size

    def losses(self, network, sample) -> dict:
        from bench.methods.networks.vpn2017_network import loss

        true = [cbcr(frames)[1:] for frames in sample.frames]  # of each clip (T-1, 2, h, w)
        made = [colored(network, frames) for frames in sample.frames]
        terms = [loss(a, b) for clip, truth in zip(made, true, strict=True) for a, b in zip(clip, truth, strict=True)]
        return {"squared_error": sum(terms) / len(terms)}

    def results(self, network, sample) -> list:
        import torch

        clips = [colored(network, frames) for frames in sample.frames]
        luminances = sample.frames[:, 1:, :1].unbind(1)
        return [ab_of(L, torch.stack(maps)) for L, maps in zip(luminances, zip(*clips, strict=True), strict=True)]

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        from media.tensors import as_array

        next(frames)
        yield given.first_frame[..., 1:].copy()
        for luminance, maps in propagated(self.model, self.maps(given.first_frame), map(self.maps, frames)):
            yield as_array(ab_of(luminance, maps[None]))


def colored(network, frames) -> list:
    """CbCr (2, h, w) of every frame of a clip (T, 3, h, w), Lab, but the first, whose colours are given."""
    return [maps for _, maps in propagated(network, frames[:1], (frame[None, :1] for frame in frames[1:]))]


def propagated(network, first, luminances: Iterable) -> Iterator:
    """L (1, 1, H, W) and CbCr (2, H, W) of each frame after the first one, which is given: (1, 3, H, W) in Lab."""
    import torch

    from bench.methods.networks.vpn2017_network import identity, point_features

    size = tuple(first.shape[-2:])
    points = [point_features(luma(first[:, :1]), 0)]
    colors = [cbcr(first)[0].flatten(1).T]  # of stage 0, which is fed its own results
    for time, luminance in enumerate(luminances, start=1):
        here = point_features(luma(luminance), time)
        before, carried = torch.cat(points), torch.cat(colors)
        if len(before) > POINTS:
            drawn = torch.randperm(len(before))[:POINTS]
            before, carried = before[drawn], carried[drawn]
        yield luminance, network(before, carried, here, size)
        points, colors = [*points, here][-REACH:], [*colors, identity(before, carried, here)][-REACH:]


def luma(luminance):
    """Y in 0..255, (H, W), of the grey picture of L (1, 1, H, W)."""
    from media.tensors import grey

    return 255 * grey(luminance)[0, 0]


def cbcr(lab):
    """(Cb, Cr) / 255 - 0.5 of Lab (B, 3, H, W): full-range YCbCr of Rec. 601, as JPEG has it."""
    import torch

    from media.color import rgb_tensor_from_lab

    red, green, blue = rgb_tensor_from_lab(lab).unbind(1)
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    return torch.stack([(blue - y) / 1.772, (red - y) / 1.402], dim=1)


def ab_of(luminance, maps):
    """ab (B, 2, H, W) of CbCr maps (B, 2, H, W) on the grey picture of L (B, 1, H, W)."""
    import torch

    from media.color import ab_from_rgb_tensor
    from media.tensors import grey

    y, (cb, cr) = grey(luminance)[:, 0], maps.unbind(1)
    red, blue = y + 1.402 * cr, y + 1.772 * cb
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    return ab_from_rgb_tensor(torch.stack([red, green, blue], dim=1).clamp(0, 1))
