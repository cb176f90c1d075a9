"""The correspondence subnet N (Table 2, Eqs. 2-6): aligns the reference's colours with the frame."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vision.matching import match, unit_columns


class ConvBlock(nn.Sequential):
    """Reflection pad, 3x3 convolution, instance norm, PReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__(
            nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3, stride), nn.InstanceNorm2d(outputs), nn.PReLU()
        )


class ResidualBlock(nn.Module):
    """Two convolutions with instance norm around an identity; one PReLU slope for both."""

    def __init__(self, channels: int):
        super().__init__()
        self.pad, self.norm, self.activation = nn.ReflectionPad2d(1), nn.InstanceNorm2d(channels), nn.PReLU()
        self.conv1, self.conv2 = nn.Conv2d(channels, channels, 3), nn.Conv2d(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.activation(self.norm(self.conv1(self.pad(x))))
        return self.activation(x + self.norm(self.conv2(self.pad(inner))))


class CorrespondenceNet(nn.Module):
    """Embeds the backbone's levels of frame and reference with shared weights and matches them.

    level_channels: of the backbone's four levels. The matching grid is that of the second level, a quarter of
    the image. Each level contributes 64 channels at width 1, as in the published program.
    """

    def __init__(self, level_channels: tuple[int, ...], width: float = 1.0, temperature: float = 0.01):
        super().__init__()
        self.temperature = temperature
        middle = [max(8, round(c * width)) for c in (128, 128, 256, 256)]
        out = max(4, round(64 * width))
        strides = (2, 1, 1, 1)  # the first level comes at half size
        self.first = nn.ModuleList(ConvBlock(c, m) for c, m in zip(level_channels, middle, strict=True))
        self.second = nn.ModuleList(ConvBlock(m, out, s) for m, s in zip(middle, strides, strict=True))
        self.fusion = nn.Sequential(*[ResidualBlock(4 * out) for _ in range(3)])
        self.frame_embedding = nn.Conv2d(4 * out, 4 * out, 1)
        self.reference_embedding = nn.Conv2d(4 * out, 4 * out, 1)
        # Two random embeddings know nothing of each other: training starts with like already finding like.
        self.reference_embedding.load_state_dict(self.frame_embedding.state_dict())

    def fused(self, levels: list[Tensor]) -> Tensor:
        """The common part of both branches: (B, C, H/4, W/4)."""
        grid = levels[1].shape[-2:]
        parts = []
        for index, level in enumerate(levels):
            x = self.first[index](F.normalize(level, dim=1))
            if index == 3:  # the deepest level is enlarged in two steps
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = self.second[index](x)
            parts.append(x if x.shape[-2:] == grid else F.interpolate(x, size=grid, mode="nearest"))
        return self.fusion(torch.cat(parts, dim=1))

    def frame_columns(self, levels: list[Tensor]) -> Tensor:
        """Unit feature vectors of the frame (B, C, N), the query of Eq. 3."""
        return unit_columns(self.frame_embedding(self.fused(levels)).flatten(2))

    def reference_columns(self, levels: list[Tensor]) -> Tensor:
        """Unit feature vectors of the reference (B, C, M); they need computing only once a clip."""
        return unit_columns(self.reference_embedding(self.fused(levels)).flatten(2))

    def align(self, frame: Tensor, reference: Tensor, reference_ab: Tensor, grid: tuple[int, int]):
        """Warped colour W (B, 2, h, w) and confidence S (B, 1, h, w) on the matching grid (Eqs. 4 and 5).

        frame (B, C, h*w) and reference (B, C, M) are unit columns; reference_ab (B, 2, M).
        """
        warped, confidence = [], []
        for query, key, ab in zip(frame, reference, reference_ab, strict=True):
            w, s = match(query, key, ab.T, self.temperature)
            warped.append(w.T.unflatten(1, grid))
            confidence.append(s.unflatten(0, grid)[None])
        return torch.stack(warped), torch.stack(confidence)
