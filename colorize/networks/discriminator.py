"""The video discriminator D (Table 4): is this pair of adjacent frames real?"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class SelfAttention(nn.Module):
    """Self-attention over all positions (SAGAN [49]); `gamma` starts at 0, so it grows in during training."""

    def __init__(self, channels: int):
        super().__init__()
        self.query, self.key, self.value = (spectral_norm(nn.Conv2d(channels, channels, 1)) for _ in range(3))
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (conv(x).flatten(2).transpose(1, 2) for conv in (self.query, self.key, self.value))
        attended = F.scaled_dot_product_attention(query, key, value, scale=1.0)  # (B, N, C), unscaled as published
        return self.gamma * attended.transpose(1, 2).unflatten(2, x.shape[-2:]) + x


class Discriminator(nn.Module):
    """Six convolutions that halve the size, self-attention after the second, a last one to a score, then the mean.

    Input (B, 6, H, W): current frame (L, a, b), then the last one, in Lab units, H and W at least 64.
    Output (B,), no sigmoid (relativistic least squares, Eq. 12).
    """

    def __init__(self, width: float = 1.0):
        super().__init__()
        channels = [6] + [max(8, round(c * width)) for c in (64, 64, 128, 256, 512, 1024)]
        self.halving = nn.ModuleList(
            spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)) for a, b in pairwise(channels)
        )
        self.attention = SelfAttention(channels[2])
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
