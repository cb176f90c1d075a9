"""What the networks of both protocols are built from."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def scaled(channels: int, width: float) -> int:
    """A channel count at `width`; never below 8, or nothing could be told apart."""
    return max(8, round(channels * width))


class Halve(nn.Conv2d):
    """Learned scale for each channel, then every second pixel."""

    def __init__(self, channels: int):
        super().__init__(channels, channels, 1, stride=2, groups=channels, bias=False)


class Enlarge(nn.Sequential):
    """Nearest x2 and a 3x3 convolution that keeps the size, under the names of the two parts.

    The four pixels that come of one share their neighbours: with the kernel's taps summed where they fall on equal
    pixels, a transposed convolution of 4x4 gives the same for 4/9 of the multiplications.
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__(nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1))
        # Row p of the transposed kernel is the sum of these rows of the kernel.
        taps = torch.tensor([[0.0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]])
        self.register_buffer("taps", taps, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        conv = self[1]
        kernel = torch.einsum("pk,ql,oikl->iopq", self.taps, self.taps, conv.weight)
        return F.conv_transpose2d(x, kernel, conv.bias, stride=2, padding=1)


class InstanceNorm(nn.Module):
    """`instance_norm` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        return instance_norm(x)


def instance_norm(x: Tensor) -> Tensor:
    """Every channel of every sample of x (B, C, H, W) with mean 0 and variance 1.

    On a CPU torch's own is several times slower than its formula, and takes channels-last maps to the other layout
    and back. It is kept for training, where it holds one map less for the backward pass, for GPUs, and for bfloat16,
    in which it does not round the mean.
    """
    if x.requires_grad or x.is_cuda or x.dtype == torch.bfloat16:
        return F.instance_norm(x)
    centered = x - x.mean((2, 3), keepdim=True)
    return centered.mul_((centered.square().mean((2, 3), keepdim=True) + 1e-5).rsqrt())


class SelfAttention(nn.Module):
    """Self-attention over all positions (SAGAN [49]); `gamma` starts at 0, so it grows in during training.

    normalized: wraps each convolution in spectral norm. Maps are (B, C, h, w), in and out.
    """

    def __init__(self, channels: int, normalized: Callable[[nn.Module], nn.Module]):
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))
        self.query_conv, self.key_conv, self.value_conv = (
            normalized(nn.Conv2d(channels, channels, 1)) for _ in range(3)
        )

    def forward(self, x: Tensor) -> Tensor:
        convolutions = (self.query_conv, self.key_conv, self.value_conv)
        query, key, value = (conv(x).flatten(2).transpose(1, 2) for conv in convolutions)
        attended = F.scaled_dot_product_attention(query, key, value, scale=1.0)  # (B, N, C), unscaled as published
        return self.gamma * attended.transpose(1, 2).unflatten(2, x.shape[-2:]) + x


class SpectralNorm(nn.Module):
    """The release's spectral norm around a convolution, under its parameter names (`module.weight_bar`, ...).

    Unlike torch's, one power iteration moves u and v on every forward call, in eval mode too: two calls with the
    same input differ until both have converged.
    """

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.module = conv
        weight = conv.weight
        del conv.weight
        # Buffers, not parameters: no optimiser may see them, and the names in the file are the same.
        conv.register_buffer("weight_u", F.normalize(torch.randn(weight.shape[0]), dim=0))
        conv.register_buffer("weight_v", F.normalize(torch.randn(weight[0].numel()), dim=0))
        conv.weight_bar = weight

    def forward(self, x: Tensor) -> Tensor:
        conv = self.module
        matrix = conv.weight_bar.flatten(1)
        with torch.no_grad():
            v = matrix.T @ conv.weight_u
            v /= v.norm() + 1e-12
            u = matrix @ v
            u /= u.norm() + 1e-12
            conv.weight_u.copy_(u)
            conv.weight_v.copy_(v)
        return F.conv2d(x, conv.weight_bar / self.sigma(u, v), conv.bias, conv.stride, conv.padding)

    def sigma(self, u: Tensor, v: Tensor) -> Tensor:
        """u.(W v), the largest singular value once u and v have converged; gradient flows through W alone."""
        return u @ (self.module.weight_bar.flatten(1) @ v)
