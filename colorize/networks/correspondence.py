"""The correspondence subnet N (Table 2, Eqs. 2 and 3): one embedding for frame and reference, in which like finds like.

Its features are raw: `vision.matching` centres, normalises and matches them. Their grid is that of the backbone's
second level, a quarter of the image.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize.networks.layers import InstanceNorm, instance_norm, scaled


class ResidualBlock(nn.Module):
    """Two convolutions with instance norm around a shortcut (1x1 if the width changes); one PReLU slope for both."""

    def __init__(self, inputs: int, channels: int):
        super().__init__()
        self.conv1, self.prelu = nn.Conv2d(inputs, channels, 3), nn.PReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3)
        self.shortcut = nn.Identity() if inputs == channels else nn.Conv2d(inputs, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.prelu(instance_norm(self.conv1(_reflected(x))))
        return self.prelu(self.shortcut(x) + instance_norm(self.conv2(_reflected(inner))))


class Correspondence(nn.Module):
    """Four branches, one a level, brought to one grid, joined and fused by three residual blocks (Table 2).

    level_channels: of the backbone's four levels. level_width: channels that each branch contributes.
    fused_width: channels of the residual blocks.
    """

    def __init__(self, level_channels: tuple[int, ...], width: float, level_width: int, fused_width: int):
        super().__init__()
        level2, level3, level4, level5 = level_channels
        narrow, wide, out = (scaled(c, width) for c in (128, 256, level_width))
        self.channels = scaled(fused_width, width)
        self.layer2_1 = nn.Sequential(*_conv(level2, narrow), *_conv(narrow, out, stride=2))
        self.layer3_1 = nn.Sequential(*_conv(level3, narrow), *_conv(narrow, out))
        self.layer4_1 = nn.Sequential(*_conv(level4, wide), *_conv(wide, out), nn.Upsample(scale_factor=2))
        self.layer5_1 = nn.Sequential(
            *_conv(level5, wide), nn.Upsample(scale_factor=2), *_conv(wide, out), nn.Upsample(scale_factor=2)
        )
        joined = (4 * out, self.channels, self.channels)
        self.layer = nn.Sequential(*[ResidualBlock(inputs, self.channels) for inputs in joined])

    def fused(self, levels: list[Tensor]) -> Tensor:
        """What frame and reference share: levels to (B, C, h, w). Raises ValueError if the image is too small."""
        if min(levels[-1].shape[-2:]) < 2:
            raise ValueError(
                f"the deepest feature level is {tuple(levels[-1].shape[-2:])}, but reflecting its border takes 2 rows "
                "and columns: use images of at least 32 pixels a side"
            )
        grid = levels[1].shape[-2:]
        branches = (self.layer2_1, self.layer3_1, self.layer4_1, self.layer5_1)
        parts = [on_grid(branch(level), grid) for branch, level in zip(branches, levels, strict=True)]
        return self.layer(torch.cat(parts, dim=1))


class PaperCorrespondence(Correspondence):
    """Table 2: 256 channels a level, 1024 joined, residual blocks of 256; frame and reference share everything."""

    def __init__(self, level_channels: tuple[int, ...], width: float = 1.0):
        super().__init__(level_channels, width, level_width=256, fused_width=256)

    def frame_features(self, levels: list[Tensor]) -> Tensor:
        """Levels of the frame to its features (B, C, h, w)."""
        return self.fused(levels)

    def reference_features(self, levels: list[Tensor]) -> Tensor:
        """Levels of the reference to its features (B, C, h, w); they need computing only once a clip."""
        return self.fused(levels)


class ReleaseCorrespondence(Correspondence):
    """The published program: L2-normalised levels, 64 channels a level, an embedding each for frame and reference."""

    def __init__(self, level_channels: tuple[int, ...], width: float = 1.0):
        super().__init__(level_channels, width, level_width=64, fused_width=4 * 64)
        self.theta = nn.Conv2d(self.channels, self.channels, 1)
        self.phi = nn.Conv2d(self.channels, self.channels, 1)

    def frame_features(self, levels: list[Tensor]) -> Tensor:
        """Levels of the frame to theta (B, C, h, w)."""
        return self.theta(self.fused([unit(level) for level in levels]))

    def reference_features(self, levels: list[Tensor]) -> Tensor:
        """Levels of the reference to phi (B, C, h, w); they need computing only once a clip."""
        return self.phi(self.fused([unit(level) for level in levels]))


CORRESPONDENCE = {"paper": PaperCorrespondence, "release": ReleaseCorrespondence}


def unit(level: Tensor) -> Tensor:
    """A level (B, C, h, w) with the features of each position L2-normalised; all zeros stay zeros, as published."""
    return level / (level.norm(dim=1, keepdim=True) + 2.2e-16)


def on_grid(x: Tensor, grid: tuple[int, int]) -> Tensor:
    """A branch (B, C, h', w') on the matching grid: cut below and right, or its border repeated on both sides.

    At the sizes that the release supports, this is its repair of 216 rows: 52 become 54, one more above and below.
    """
    x = x[..., : grid[0], : grid[1]]
    rows, columns = (wanted - got for wanted, got in zip(grid, x.shape[-2:], strict=True))
    if rows == columns == 0:
        return x
    return F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2), mode="replicate")


def _conv(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    """Reflection pad, 3x3 convolution, instance norm, PReLU."""
    return [nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3, stride), InstanceNorm(), nn.PReLU()]


def _reflected(x: Tensor) -> Tensor:
    return F.pad(x, (1, 1, 1, 1), mode="reflect")
