"""The colorization subnet C (Table 3, Eq. 7): colours from luminance, W, S and the last coloured frame."""

import torch.nn.functional as F
from torch import Tensor, nn


def conv_stack(inputs: int, outputs: int, count: int, dilation: int = 1) -> nn.Sequential:
    """`count` 3x3 convolutions, each followed by ReLU."""
    layers: list[nn.Module] = []
    for index in range(count):
        channels = inputs if index == 0 else outputs
        layers += [nn.Conv2d(channels, outputs, 3, padding=dilation, dilation=dilation), nn.ReLU()]
    return nn.Sequential(*layers)


class Halve(nn.Conv2d):
    """Learned scale for each channel, then every second pixel."""

    def __init__(self, channels: int):
        super().__init__(channels, channels, 1, stride=2, groups=channels, bias=False)


class UpBlock(nn.Module):
    """Nearest x2 and a convolution, the skip added after a convolution of its own, then `count` more convolutions."""

    def __init__(self, inputs: int, skip: int, outputs: int, count: int):
        super().__init__()
        self.up, self.skip = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(skip, outputs, 3, padding=1)
        self.rest = conv_stack(outputs, outputs, count)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        enlarged = self.up(F.interpolate(x, scale_factor=2, mode="nearest"))
        return self.rest(F.relu(enlarged + self.skip(skip)))


class ColorizationNet(nn.Module):
    """Encoder, bottleneck with local skips, decoder with global skips; tanh bounds ab to (-128, 128) Lab units.

    Input (B, 7, H, W): L - 50, warped ab, confidence, and the last coloured frame's L - 50, a, b; H and W are
    multiples of 8. Output (B, 2, H, W).
    """

    def __init__(self, width: float = 1.0):
        super().__init__()
        c1, c2, c3, c4 = (max(8, round(c * width)) for c in (64, 128, 256, 512))
        self.encode1, self.encode2, self.encode3 = conv_stack(7, c1, 2), conv_stack(c1, c2, 2), conv_stack(c2, c3, 3)
        self.halve1, self.halve2, self.halve3 = Halve(c1), Halve(c2), Halve(c3)
        self.widen = nn.Conv2d(c3, c4, 1)
        self.bottleneck = nn.ModuleList([conv_stack(c4, c4, 3, dilation) for dilation in (1, 2, 2)])
        self.decode3 = UpBlock(c4, c3, c3, 2)
        self.decode2 = UpBlock(c3, c2, c2, 1)
        self.decode1 = UpBlock(c2, c1, c1, 1)
        self.out = nn.Conv2d(c1, 2, 1)
        nn.init.zeros_(self.out.weight)  # training starts at grey, not at loud random colours
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        skip1 = F.instance_norm(self.encode1(x))
        skip2 = F.instance_norm(self.encode2(self.halve1(skip1)))
        skip3 = F.instance_norm(self.encode3(self.halve2(skip2)))
        deep = self.widen(self.halve3(skip3))
        for block in self.bottleneck:
            deep = deep + F.instance_norm(block(deep))
        deep = F.instance_norm(self.decode3(deep, skip3))
        deep = F.instance_norm(self.decode2(deep, skip2))
        return 128 * self.out(self.decode1(deep, skip1)).tanh()
