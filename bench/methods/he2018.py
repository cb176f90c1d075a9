"""Deep exemplar-based colourisation of pictures (reference [30]): its colour network on simpler matches."""

from collections.abc import Iterator

import numpy as np

from bench.methods.contract.method import Given
from bench.methods.contract.trained import Trained

SHORT_SIDE = 256  # to which the authors bring a picture
DEEP_FIRST = (3, 2, 1, 0, 0)  # the backbone's levels in the order of the network's error maps


class He2018(Trained):
    """The published matches are Deep Image Analogy's; here they are nearest neighbours of the backbone's features.

    Matched at a quarter of the size, both ways, each exemplar colour the mean of nine votes. The error maps are one for
    each of the backbone's four levels; the shallowest stands for the original's relu2_1 and relu1_1.
    """

    name = "he2018"
    citation = (
        "He, Chen, Liao, Sander, Yuan: Deep Exemplar-based Colorization, SIGGRAPH 2018; matches: nearest neighbours"
    )
    given = {"clips": ("reference",), "images": ("reference",)}
    uses_backbone = ("colorize", "fit")

    def network(self, width: float, items: int):
        from bench.methods.networks.he2018_network import ExampleColorNet

        return ExampleColorNet(width)

    def losses(self, network, sample) -> dict:
        """The first half of the batch learns colours that went to the exemplar and back, the other half its own."""
        from bench.methods.networks.he2018_network import PERCEPTUAL_WEIGHT, chrominance, perceptual

        frame = sample.frames[:, -1]
        half = (len(frame) + 1) // 2
        own, other = frame[:half], frame[half:]
        ab = network(self.inputs(own[:, :1], sample.reference[:half], own[:, 1:]))
        terms = {"chrominance": chrominance(ab, own[:, 1:])}
        if len(other):
            ab = network(self.inputs(other[:, :1], sample.reference[half:]))
            features, true = self.deepest(other[:, :1], ab), self.deepest(other[:, :1], other[:, 1:])
            terms["perceptual"] = PERCEPTUAL_WEIGHT * perceptual(features, true.detach())
        return terms

    def results(self, network, sample) -> list:
        return [network(self.inputs(frame[:, :1], sample.reference)) for frame in sample.frames.unbind(1)[1:]]

    def deepest(self, luminance, ab):
        """The deepest features of a coloured picture."""
        import torch

        from media.color import rgb_tensor_from_lab

        return self.features(rgb_tensor_from_lab(torch.cat([luminance, ab], dim=1)))[-1]

    def inputs(self, luminance, reference, own_ab=None):
        """The network's 13 channels for L (B, 1, H, W) and a reference (B, 3, H', W'), Lab.

        own_ab: the frame's own colours (B, 2, H, W), which then go to the reference and back instead of its colours.
        """
        import torch
        import torch.nn.functional as F

        from bench.methods.contract.feature_match import STRIDE, nearest_positions
        from bench.methods.networks.he2018_network import LEVELS, error_map, network_input

        with torch.no_grad():
            here, there = self.levels(luminance), self.levels(reference[:, :1])
            query, key = (F.normalize(torch.cat(levels, dim=1), dim=1) for levels in (here, there))
            to_reference, back = nearest_positions(query, key), nearest_positions(key, query)
            colors = F.avg_pool2d(reference[:, 1:], STRIDE, ceil_mode=True)
            if own_ab is not None:
                colors = back.voted(F.avg_pool2d(own_ab, STRIDE, ceil_mode=True))
            forward = [error_map(cosine(a, to_reference.read(b))) for a, b in zip(here, there, strict=True)]
            reverse = [to_reference.read(error_map(cosine(b, back.read(a)))) for a, b in zip(here, there, strict=True)]
            maps = [to_reference.voted(colors), *(levels[k] for levels in (forward, reverse) for k in DEEP_FIRST)]
            size = tuple(luminance.shape[-2:])
            warped, *errors = (F.interpolate(part, scale_factor=STRIDE)[..., : size[0], : size[1]] for part in maps)
            return network_input(luminance, warped, torch.cat(errors[:LEVELS], 1), torch.cat(errors[LEVELS:], 1))

    def levels(self, luminance) -> list:
        """Features of the backbone's levels, centred and of unit length at each cell of a quarter of the size."""
        import torch.nn.functional as F

        from bench.methods.contract.feature_match import quarter
        from vision.backbones import grey_rgb
        from vision.matching import unit_columns

        size = quarter(luminance.shape[-2:])
        levels = self.features(grey_rgb(luminance))
        resized = (F.interpolate(level, size=size, mode="bilinear", align_corners=False) for level in levels)
        return [unit_columns(level.flatten(2)).unflatten(2, size) for level in resized]

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        from media.tensors import as_array, resized, rounded_up

        reference = self.maps(given.reference)
        for luminance in frames:
            scale = SHORT_SIDE / min(luminance.shape) if self.is_published else 1
            size = rounded_up([round(side * scale) for side in luminance.shape], self.multiple)
            ab = self.model(self.inputs(resized(self.maps(luminance), size), reference))
            yield as_array(resized(ab, luminance.shape))


def cosine(one, other):
    """The cosine of unit features (B, C, h, w) at each cell, (B, 1, h, w)."""
    return (one * other).sum(dim=1, keepdim=True)
