"""The colorization subnet C (Table 3, Eq. 7): colours from luminance, W, S and the last coloured frame.

Input (B, inputs, H, W), H and W multiples of 8: L - 50, warped ab, confidence, and the last coloured frame's
L - 50, a, b, where Lab values are divided by the class's `lab_unit`. Output (B, outputs, H, W) before the tanh.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from colorize.networks.layers import Enlarge, Halve, instance_norm, scaled


def conv3(inputs: int, outputs: int, dilation: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)


def conv_stack(inputs: int, outputs: int, count: int, dilation: int = 1) -> nn.Sequential:
    """`count` 3x3 convolutions, each followed by ReLU."""
    layers: list[nn.Module] = []
    for index in range(count):
        layers += [conv3(inputs if index == 0 else outputs, outputs, dilation), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UpBlock(nn.Module):
    """Nearest x2 and a convolution, the skip added after a convolution of its own, then `count` more convolutions."""

    def __init__(self, inputs: int, skip: int, outputs: int, count: int):
        super().__init__()
        self.up, self.skip = Enlarge(inputs, outputs), conv3(skip, outputs)
        self.rest = conv_stack(outputs, outputs, count)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.rest(joined(self.up(x), self.skip(skip)))


def joined(enlarged: Tensor, skip: Tensor) -> Tensor:
    """ReLU of the sum of a decoder's two inputs; overwrites the first."""
    return F.relu(enlarged.add_(skip), inplace=True)


class PaperColorization(nn.Module):
    """Table 3: encoder, three bottleneck blocks with local skips, decoder of 256, 128, 64 with global skips."""

    lab_unit = 50.0  # raw Lab units saturate an untrained network

    def __init__(self, width: float = 1.0, inputs: int = 7, outputs: int = 2):
        super().__init__()
        c1, c2, c3, c4 = (scaled(c, width) for c in (64, 128, 256, 512))
        self.encode1 = conv_stack(inputs, c1, 2)
        self.encode2, self.encode3 = conv_stack(c1, c2, 2), conv_stack(c2, c3, 3)
        self.halve1, self.halve2, self.halve3 = Halve(c1), Halve(c2), Halve(c3)
        self.widen = nn.Conv2d(c3, c4, 1)
        self.bottleneck = nn.ModuleList([conv_stack(c4, c4, 3, dilation) for dilation in (1, 2, 2)])
        self.decode3 = UpBlock(c4, c3, c3, 2)
        self.decode2 = UpBlock(c3, c2, c2, 1)
        self.decode1 = UpBlock(c2, c1, c1, 1)
        self.output_layer = nn.Conv2d(c1, outputs, 1)
        nn.init.zeros_(self.output_layer.weight)  # training starts at grey, not at loud random colours
        nn.init.zeros_(self.output_layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        skip1 = instance_norm(self.encode1(x))
        skip2 = instance_norm(self.encode2(self.halve1(skip1)))
        skip3 = instance_norm(self.encode3(self.halve2(skip2)))
        deep = self.widen(self.halve3(skip3))
        for block in self.bottleneck:
            deep = deep + instance_norm(block(deep))
        deep = instance_norm(self.decode3(deep, skip3))
        deep = instance_norm(self.decode2(deep, skip2))
        return self.output_layer(self.decode1(deep, skip1))


class ReleaseColorization(nn.Module):
    """The published program: four bottleneck blocks without local skips, a last decoder block of 128 channels."""

    lab_unit = 1.0
    # Channels at width 1, convolutions and dilation of the blocks up to the bottleneck's end.
    blocks = ((64, 2, 1), (128, 2, 1), (256, 3, 1), (512, 3, 1), (512, 3, 2), (512, 3, 2), (512, 3, 1))

    def __init__(self, width: float = 1.0, inputs: int = 7, outputs: int = 2):
        super().__init__()
        half, c1, c2, c3, c4 = (scaled(c, width) for c in (32, 64, 128, 256, 512))
        before = inputs
        for block, (channels, count, dilation) in enumerate(self.blocks, start=1):
            for index in range(1, count + 1):
                self.add_module(f"conv{block}_{index}", conv3(before, scaled(channels, width), dilation))
                before = scaled(channels, width)
        # The first of them is two in the published file.
        self.conv1_1 = nn.Sequential(conv3(inputs, half), nn.ReLU(inplace=True), conv3(half, c1))
        self.conv1_2norm_ss, self.conv2_2norm_ss, self.conv3_3norm_ss = Halve(c1), Halve(c2), Halve(c3)
        self.conv8_1, self.conv9_1, self.conv10_1 = Enlarge(c4, c3), Enlarge(c3, c2), Enlarge(c2, c2)
        self.conv3_3_short, self.conv2_2_short, self.conv1_2_short = conv3(c3, c3), conv3(c2, c2), conv3(c1, c2)
        self.conv8_2, self.conv8_3 = conv3(c3, c3), conv3(c3, c3)
        self.conv9_2, self.conv10_2 = conv3(c2, c2), conv3(c2, c2)
        self.conv10_ab = nn.Conv2d(c2, outputs, 1)

    @property
    def output_layer(self) -> nn.Conv2d:
        """The 1x1 convolution in front of the tanh."""
        return self.conv10_ab

    def encode(self, x: Tensor, block: int) -> Tensor:
        """The block of that number: its convolutions, each with ReLU, then instance norm."""
        for index in range(1, self.blocks[block - 1][1] + 1):
            x = F.relu(getattr(self, f"conv{block}_{index}")(x), inplace=True)
        return instance_norm(x)

    def forward(self, x: Tensor) -> Tensor:
        skip1 = self.encode(x, 1)
        skip2 = self.encode(self.conv1_2norm_ss(skip1), 2)
        skip3 = self.encode(self.conv2_2norm_ss(skip2), 3)
        deep = self.conv3_3norm_ss(skip3)
        for block in (4, 5, 6, 7):
            deep = self.encode(deep, block)
        deep = joined(self.conv8_1(deep), self.conv3_3_short(skip3))
        deep = instance_norm(F.relu(self.conv8_3(F.relu(self.conv8_2(deep), inplace=True)), inplace=True))
        deep = joined(self.conv9_1(deep), self.conv2_2_short(skip2))
        deep = instance_norm(F.relu(self.conv9_2(deep), inplace=True))
        deep = joined(self.conv10_1(deep), self.conv1_2_short(skip1))
        return self.conv10_ab(F.leaky_relu(self.conv10_2(deep), 0.2, inplace=True))


COLORIZATION = {"paper": PaperColorization, "release": ReleaseColorization}
