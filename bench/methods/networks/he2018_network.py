"""Colours from a warped exemplar: the network of He et al. 2018 (reference [30]) under its published parameter names.

A U-Net reads the luminance, the exemplar's ab where its pixels were matched, and how badly they matched at five feature
levels, in both directions. The matching itself (Deep Image Analogy in the original) is not part of it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize.networks.colorization import conv3, joined
from colorize.networks.layers import Halve, scaled

LEVELS = 5  # VGG19's relu5_1, 4_1, 3_1, 2_1, 1_1: deep to shallow in every stack of error maps
PERCEPTUAL_WEIGHT = 0.005


class ExampleColorNet(nn.Module):
    """Input (B, 13, H, W) of `network_input` to ab (B, 2, H, W), Lab units. Sides have to be multiples of 8.

    Batch norm has no affine parameters; a learned scale for each channel follows it where the size is halved.
    width: 1 as published, 0.25 the small version of 2.13 million parameters.
    """

    # Channels at width 1, convolutions and dilation of the blocks up to the bottleneck's end.
    blocks = ((64, 2, 1), (128, 2, 1), (256, 3, 1), (512, 3, 1), (512, 3, 2), (512, 3, 2), (512, 3, 1))

    def __init__(self, width: float = 1.0):
        super().__init__()
        inputs = 3 + 2 * LEVELS
        half, c1, c2, c3, c4 = (scaled(c, width) for c in (32, 64, 128, 256, 512))
        before = inputs
        for block, (channels, count, dilation) in enumerate(self.blocks, start=1):
            for index in range(1, count + 1):
                self.add_module(f"conv{block}_{index}", conv3(before, scaled(channels, width), dilation))
                before = scaled(channels, width)
            self.add_module(f"conv{block}_{count}norm", nn.BatchNorm2d(before, affine=False))
        # The first of them is two in the published file.
        self.conv1_1 = nn.Sequential(conv3(inputs, half), nn.ReLU(inplace=True), conv3(half, c1))
        self.conv1_2norm_ss, self.conv2_2norm_ss, self.conv3_3norm_ss = Halve(c1), Halve(c2), Halve(c3)
        self.conv8_1, self.conv9_1, self.conv10_1 = doubling(c4, c3), doubling(c3, c2), doubling(c2, c2)
        self.conv3_3_short, self.conv2_2_short, self.conv1_2_short = conv3(c3, c3), conv3(c2, c2), conv3(c1, c2)
        self.conv8_2, self.conv8_3 = conv3(c3, c3), conv3(c3, c3)
        self.conv9_2, self.conv10_2 = conv3(c2, c2), conv3(c2, c2)
        self.conv8_3norm, self.conv9_2norm = nn.BatchNorm2d(c3, affine=False), nn.BatchNorm2d(c2, affine=False)
        self.conv10_ab = nn.Conv2d(c2, 2, 1)

    def encode(self, x: Tensor, block: int) -> Tensor:
        """The block of that number: its convolutions, each with ReLU, then batch norm."""
        count = self.blocks[block - 1][1]
        for index in range(1, count + 1):
            x = F.relu(getattr(self, f"conv{block}_{index}")(x), inplace=True)
        return getattr(self, f"conv{block}_{count}norm")(x)

    def forward(self, x: Tensor) -> Tensor:
        """Raises ValueError for sides that are no multiples of 8."""
        if any(side % 8 for side in x.shape[-2:]):
            raise ValueError(f"the sides have to be multiples of 8, got {tuple(x.shape[-2:])}: resize the input first")
        skip1 = self.encode(x, 1)
        skip2 = self.encode(self.conv1_2norm_ss(skip1), 2)
        skip3 = self.encode(self.conv2_2norm_ss(skip2), 3)
        deep = self.conv3_3norm_ss(skip3)
        for block in (4, 5, 6, 7):
            deep = self.encode(deep, block)
        deep = joined(self.conv8_1(deep), self.conv3_3_short(skip3))
        deep = self.conv8_3norm(F.relu(self.conv8_3(F.relu(self.conv8_2(deep), inplace=True)), inplace=True))
        deep = joined(self.conv9_1(deep), self.conv2_2_short(skip2))
        deep = self.conv9_2norm(F.relu(self.conv9_2(deep), inplace=True))
        deep = joined(self.conv10_1(deep), self.conv1_2_short(skip1))
        return 100 * torch.tanh(self.conv10_ab(F.leaky_relu(self.conv10_2(deep), 0.2, inplace=True)))


def doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """The transposed convolution that doubles the size."""
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)


def network_input(luminance: Tensor, warped_ab: Tensor, forward_errors: Tensor, backward_errors: Tensor) -> Tensor:
    """The 13 channels (B, 13, H, W): L - 50, the exemplar's ab, the errors as (byte - 127) / 2.

    luminance (B, 1, H, W) in 0..100; warped_ab (B, 2, H, W), the exemplar's colours on the frame's grid, Lab units;
    errors (B, 5, H, W), maps of `error_map`, deepest level first: forward of the match frame -> exemplar, backward of
    the match exemplar -> frame, read where the forward match points. Raises ValueError for another number of levels.
    """
    if forward_errors.shape[1] != LEVELS or backward_errors.shape[1] != LEVELS:
        raise ValueError(
            f"error maps of {forward_errors.shape[1]} and {backward_errors.shape[1]} levels: expected {LEVELS} in each "
            "direction, relu5_1 first and relu1_1 last"
        )
    errors = torch.cat([forward_errors, backward_errors], dim=1)
    return torch.cat([luminance - 50, warped_ab, (errors - 127) / 2], dim=1)


def error_map(cosine: Tensor) -> Tensor:
    """How badly features match, as the whole numbers 0..255 of the original's byte images: floor(255 (1 - cosine))."""
    return (255 * (1 - cosine).clamp(0, 1)).floor()


def chrominance(ab: Tensor, truth: Tensor) -> Tensor:
    """First branch: smooth L1 of ab coloured from the frame's own colours, warped to the exemplar and back."""
    return F.smooth_l1_loss(ab, truth)


def perceptual(features: Tensor, truth: Tensor) -> Tensor:
    """Second branch: mean squared difference of deep features (VGG19's relu5_1) of the result and the true picture."""
    return F.mse_loss(features, truth)


def loss(ab: Tensor, truth: Tensor, features: Tensor, true_features: Tensor) -> Tensor:
    """Both branches: ab (B, 2, H, W) of the round trip's half of the batch, features of the true exemplars' half.

    The paper sums over positions. With relu5_1, 512 channels at 1/16, there are as many features as values of ab, so
    means leave the published weight of 0.005 its meaning.
    """
    return chrominance(ab, truth) + PERCEPTUAL_WEIGHT * perceptual(features, true_features)
