"""The video discriminator D (Table 4): is this pair of adjacent frames real?

Input (B, 6, H, W): current frame (L in 0..100, a, b), then the last one, in Lab units. Output (B,), no sigmoid
(relativistic least squares, Eq. 12). Six convolutions that halve the size, self-attention after the second (the
text of section 4 and appendix A; Table 4 prints it one row earlier), a last one to a score, then the mean.
"""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from colorize.networks.layers import SelfAttention, SpectralNorm, scaled

CHANNELS = (64, 64, 128, 256, 512, 1024)


class PaperDiscriminator(nn.Module):
    """Table 4: a last convolution of 3x3 and average pooling, for frames of at least 64 x 64."""

    def __init__(self, width: float = 1.0):
        super().__init__()
        channels = [6] + [scaled(c, width) for c in CHANNELS]
        self.halving = nn.ModuleList(
            spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)) for a, b in pairwise(channels)
        )
        self.attention = SelfAttention(channels[2], spectral_norm)
        self.last = spectral_norm(nn.Conv2d(channels[-1], 1, 3, padding=1))

    def forward(self, pair: Tensor) -> Tensor:
        x = pair / 100  # Lab units to about 1
        for index, conv in enumerate(self.halving):
            x = conv(x)
            if index > 0 and x.shape[-2] * x.shape[-1] > 1:  # a single position has no variance to normalise
                x = F.instance_norm(x)
            x = F.leaky_relu(x, 0.2)
            if index == 1:
                x = self.attention(x)
        return self.last(x).mean(dim=(1, 2, 3))


class ReleaseDiscriminator(nn.Module):
    """The published program: raw Lab units, its own spectral norm, a last convolution of 3x6 made for 216 x 384."""

    smallest = (192, 384)  # what six halvings turn into the last kernel's 3x6

    def __init__(self, width: float = 1.0):
        super().__init__()
        channels = [6] + [scaled(c, width) for c in CHANNELS]
        for index, (inputs, outputs) in enumerate(pairwise(channels), start=1):
            conv = SpectralNorm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1))
            norm = [nn.InstanceNorm2d(outputs)] if index > 1 else []
            self.add_module(f"layer{index}", nn.Sequential(conv, *norm, nn.LeakyReLU(0.2, inplace=True)))
        self.attention = SelfAttention(channels[2], SpectralNorm)
        self.last = SpectralNorm(nn.Conv2d(channels[-1], 1, (3, 6)))

    def forward(self, pair: Tensor) -> Tensor:
        return self.score(self.features(pair))

    def score(self, features: Tensor) -> Tensor:
        """The scores (B,) of the fourth layer's features."""
        return self.last(self.layer6(self.layer5(features))).mean(dim=(1, 2, 3))

    def features(self, pair: Tensor) -> Tensor:
        """The fourth layer's features (B, 256, H/16, W/16). Raises ValueError for a frame that is too small."""
        if any(got < least for got, least in zip(pair.shape[-2:], self.smallest, strict=True)):
            raise ValueError(
                f"the release's discriminator needs frames of at least {self.smallest} (height, width), got "
                f"{tuple(pair.shape[-2:])}: train on a larger `crop`, or with the discriminator of protocol `paper`"
            )
        return self.layer4(self.layer3(self.attention(self.layer2(self.layer1(pair)))))


DISCRIMINATOR = {"paper": PaperDiscriminator, "release": ReleaseDiscriminator}
