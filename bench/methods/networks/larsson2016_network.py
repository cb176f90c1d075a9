"""Larsson, Maire and Shakhnarovich 2016, "Learning Representations for Automatic Colorization".

A hypercolumn over all layers of a grey VGG-16 predicts, for every fourth pixel, histograms of hue and of chroma
(max - min) in 32 bins over 0..1 each; `decode` makes colours of them. Layers have the names of the published Caffe
file, whose convolutions have torch's layout.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize.networks.layers import scaled

BINS = 32
STRIDE = 4  # of the grid on which histograms are predicted
WINDOW = 7  # of the histograms that are to be predicted
HUE_WEIGHT = 5.0
# Below this resultant of the hue's histogram (its mean over the bins, not its sum), chroma fades out.
CERTAIN_HUE = 0.03
# Name and channels at width 1 of the convolutions of each block; a 2x2 max pool lies between blocks.
TRUNK = (
    (("conv1_1", 64), ("conv1_2", 64)),
    (("conv2_1", 128), ("conv2_2", 128)),
    (("conv3_1", 256), ("conv3_2", 256), ("conv3_3", 256)),
    (("conv4_1", 512), ("conv4_2", 512), ("conv4_3", 512)),
    (("conv5_1", 512), ("conv5_2", 512), ("conv5_3", 512)),
)


class Larsson2016Network(nn.Module):
    """The published network. Grey is the mean of R, G and B (B, 1, H, W) in 0..1, nothing taken off.

    It works on sides that are multiples of `multiple`; the authors pad the image with zeros to a square of 512.
    """

    multiple = 32
    trunk = TRUNK
    fully_connected: tuple[tuple[str, int, int], ...] = (("fc6", 4096, 7), ("fc7", 4096, 1))  # name, channels, kernel
    hidden = 1024
    norm = nn.Identity  # the published file has its batch norm folded into the convolutions

    def __init__(self, width: float = 1.0):
        super().__init__()
        inputs, joined = 1, 1
        layers = [(name, scaled(channels, width), 3) for block in self.trunk for name, channels in block]
        layers += [(name, scaled(channels, width), kernel) for name, channels, kernel in self.fully_connected]
        for name, channels, kernel in layers:
            self.add_module(name, nn.Conv2d(inputs, channels, kernel, padding=kernel // 2))
            self.add_module(f"{name}_bn", self.norm(channels))
            inputs, joined = channels, joined + channels
        hidden = scaled(self.hidden, width)
        self.h_fc1, self.h_fc1_bn = nn.Conv2d(joined, hidden, 1), self.norm(hidden)
        self.prediction_h, self.prediction_c = nn.Conv2d(hidden, BINS, 1), nn.Conv2d(hidden, BINS, 1)

    def forward(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        """Grey to histograms of hue and chroma, (B, 32, H, W) each.

        As published the enlargement takes zeros for what lies outside: at the border they add up to less than 1.
        """
        hue, chroma = self.logits(grey)
        return enlarged(F.softmax(hue, dim=1), STRIDE), enlarged(F.softmax(chroma, dim=1), STRIDE)

    def logits(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        """Grey to the logits of hue and chroma (B, 32, H / 4, W / 4). Raises ValueError for other sides."""
        if any(side % self.multiple for side in grey.shape[-2:]):
            raise ValueError(
                f"the sides have to be multiples of {self.multiple}, got {tuple(grey.shape[-2:])}: pad with zeros"
            )
        x = self._activated("h_fc1", self.hypercolumn(grey))
        return self.prediction_h(x), self.prediction_c(x)

    def hypercolumn(self, grey: Tensor) -> Tensor:
        """The grey and all layers at a quarter of the size, joined in the network's order, (B, 12417, H / 4, W / 4)."""
        parts, x = [F.avg_pool2d(grey, STRIDE)], grey
        for depth, block in enumerate(self.trunk):
            x = F.max_pool2d(x, 2) if depth else x
            for name, _ in block:
                x = self._activated(name, x)
                parts.append(_at_quarter(x, 2**depth))
        x = F.max_pool2d(x, 2) if self.fully_connected else x
        for name, *_ in self.fully_connected:
            x = F.dropout(self._activated(name, x), 0.5, self.training)
            parts.append(_at_quarter(x, 2 ** len(self.trunk)))
        return torch.cat(parts, dim=1)

    def _activated(self, name: str, x: Tensor) -> Tensor:
        return F.relu(getattr(self, f"{name}_bn")(getattr(self, name)(x)))


class SmallLarsson2016Network(Larsson2016Network):
    """To be trained here: batch norm, two convolutions a block, no fully connected layers.

    At width 1/4 these are 0.69 million parameters.
    """

    multiple = 16
    trunk = tuple(block[:2] for block in TRUNK)
    fully_connected = ()
    hidden = 512  # 128 at width 1/4
    norm = nn.BatchNorm2d


def _at_quarter(x: Tensor, scale: int) -> Tensor:
    """Maps at 1 / scale of the image's size at a quarter of it: averaged, or enlarged bilinearly."""
    return F.avg_pool2d(x, STRIDE // scale) if scale <= STRIDE else enlarged(x, scale // STRIDE)


def enlarged(x: Tensor, factor: int) -> Tensor:
    """x (B, C, h, w) `factor` times as large by Caffe's bilinear transposed convolution: zeros lie around it."""
    ramp = 1 - (torch.arange(2 * factor).to(x) + 0.5 - factor).abs() / factor
    kernel = torch.outer(ramp, ramp).expand(x.shape[1], 1, -1, -1)
    return F.conv_transpose2d(x, kernel, stride=factor, padding=factor // 2, groups=x.shape[1])


def hue_and_chroma(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """rgb (B, 3, H, W) in 0..1 to the hue of HSV (0 where there is none) and max - min, (B, H, W) in 0..1 each."""
    highest, where = rgb.max(dim=1)
    chroma = highest - rgb.amin(dim=1)
    ahead, behind = rgb.roll(-1, 1).gather(1, where[:, None]), rgb.roll(-2, 1).gather(1, where[:, None])
    sixths = 2 * where + (ahead - behind)[:, 0] / chroma.clamp(min=1e-12)
    return (sixths / 6) % 1 * (chroma > 0), chroma


def histograms(values: Tensor) -> Tensor:
    """Values in 0..1 (B, H, W) to the histograms of the 7x7 pixels around every cell of the quarter grid.

    (B, 32, H / 4, W / 4), adding up to 1; windows end at the image's border.
    """
    index = (values * BINS).long().clamp(0, BINS - 1)
    hits = F.one_hot(index, BINS).movedim(-1, 1).to(values)
    return F.avg_pool2d(hits, WINDOW, STRIDE, padding=1, ceil_mode=True, count_include_pad=False)


def loss(hue: Tensor, chroma: Tensor, rgb: Tensor) -> Tensor:
    """5 KL of the hue, weighted by chroma, plus KL of the chroma, weighted by 3 min(l, 1/3, 1 - l); means over cells.

    Logits (B, 32, H / 4, W / 4) of both, the true rgb (B, 3, H, W) in 0..1. Every cell of the grid is a sample, where
    the authors draw 128 points an image.
    """
    true_hue, true_chroma = hue_and_chroma(rgb)
    grey = _at_cells(rgb.mean(dim=1))
    light = 3 * torch.minimum(grey, 1 - grey).clamp(max=1 / 3)
    hue_term = _at_cells(true_chroma) * _divergence(histograms(true_hue), hue)
    return HUE_WEIGHT * hue_term.mean() + (light * _divergence(histograms(true_chroma), chroma)).mean()


def _at_cells(plane: Tensor) -> Tensor:
    """The pixel in the middle of each cell's window."""
    return plane[..., STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]


def _divergence(truth: Tensor, logits: Tensor) -> Tensor:
    """KL(truth || prediction) of each cell, (B, h, w)."""
    return (torch.xlogy(truth, truth) - truth * F.log_softmax(logits, dim=1)).sum(1)


def decode(
    hue: Tensor,
    chroma: Tensor,
    grey: Tensor,
    hue_by: Literal["faded", "expectation", "mode"] = "faded",
    chroma_by: Literal["median", "expectation", "mode"] = "median",
) -> Tensor:
    """Histograms (B, 32, H, W) of hue and chroma and the grey (B, H, W) in 0..1 to rgb (B, 3, H, W) in 0..1.

    By default as released: the circular mean of the hue, the median of the chroma, which fades where the hue is not
    certain. The mean of R, G and B is not yet the grey's: `lightness_matched` makes it so.
    """
    angle, fade = HUE[hue_by](hue)
    strength = CHROMA[chroma_by](chroma) * fade
    value = grey + strength / 2
    saturation = torch.where(strength > 0, strength / value.clamp(min=1e-12), 0)
    return rgb_from_hsv(angle, saturation.clamp(0, 1), value.clamp(0, 1))


def lightness_matched(rgb: Tensor, grey: Tensor) -> Tensor:
    """rgb (B, 3, H, W) shifted so that its mean is the grey (B, H, W), then cut to 0..1."""
    return (rgb + (grey - rgb.mean(dim=1))[:, None]).clamp(0, 1)


def rgb_from_hsv(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """HSV (B, H, W) each in 0..1 to rgb (B, 3, H, W)."""
    sixths = [(offset + 6 * hue) % 6 for offset in (5, 3, 1)]
    return torch.stack(
        [value - value * saturation * torch.minimum(k, 4 - k).clamp(0, 1) for k in sixths],
        dim=1,
    )


def _centers(histogram: Tensor) -> Tensor:
    return (torch.arange(BINS).to(histogram) + 0.5) / BINS


def _circular_mean(histogram: Tensor) -> tuple[Tensor, Tensor]:
    """The mean hue in 0..1 and the length of the bins' mean on the circle."""
    angles = 2 * math.pi * _centers(histogram)
    across, along = (torch.einsum("bk...,k->b...", histogram, part) / BINS for part in (angles.sin(), angles.cos()))
    return (torch.atan2(across, along) / (2 * math.pi)) % 1, torch.hypot(across, along)


def _faded_hue(histogram: Tensor) -> tuple[Tensor, Tensor | float]:
    angle, resultant = _circular_mean(histogram)
    return angle, resultant.clamp(max=CERTAIN_HUE) / CERTAIN_HUE


def _median(histogram: Tensor) -> Tensor:
    below = histogram.cumsum(1)
    return _centers(histogram)[(below < below[:, -1:] / 2).sum(1)]


# Each to the hue and what chroma is multiplied by.
HUE = {
    "faded": _faded_hue,
    "expectation": lambda histogram: (_circular_mean(histogram)[0], 1.0),
    "mode": lambda histogram: (_centers(histogram)[histogram.argmax(1)], 1.0),
}
CHROMA = {
    "median": _median,
    "expectation": lambda histogram: torch.einsum("bk...,k->b...", histogram, _centers(histogram)),
    # As released: the lower end of the bin, so that the first bin is grey.
    "mode": lambda histogram: histogram.argmax(1).to(histogram) / BINS,
}
