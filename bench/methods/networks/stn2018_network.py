"""Switchable temporal propagation (Liu et al., ECCV 2018, reference [28]): a reconstruction, not the authors' network.

No program or weights were published. What the paper says of the principle is kept: a network looks at the luminance of
two frames and gives the coefficients of a linear propagation that carries the colours of one to the other, and the same
coefficients, switched, carry them back. Sizes, and what is marked as chosen here, are this project's.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize.networks.colorization import conv3
from colorize.networks.layers import scaled

# Where each direction's coefficients lie among the guidance's, and which one runs against it.
DIRECTIONS = ("right", "left", "down", "up")
OPPOSITE = (1, 0, 3, 2)
REACH = 3  # a pixel hears from three neighbours in the line before its own
UNIT = 100.0  # Lab units a property of 1 stands for
BACKWARD = 0.1  # weight of the way back in the loss; "small" in the paper, the value chosen here


class Propagation(nn.Module):
    """Colours of frame k carried to frame k + tau, and back with `switched` coefficients.

    width scales the guidance's channels, channels is how many maps the propagated property has. 1 and 32 are the full
    size, 0.25 and 16 the small one of 0.165 million parameters. Sides have to be multiples of 4.

    It starts as a copy at half the resolution: no coefficient, means of 2x2 pixels in, the enlarged means out.
    """

    def __init__(self, width: float = 1.0, channels: int = 32):
        super().__init__()
        self.channels = channels
        self.guide = Guide(width, channels * len(DIRECTIONS) * REACH)
        self.encode = nn.Conv2d(2, channels, 3, stride=2, padding=1, bias=False)
        self.decode = nn.Conv2d(channels, 2, 3, padding=1)
        with torch.no_grad():
            for parameter in (self.guide.output.weight, self.guide.output.bias, self.decode.weight, self.decode.bias):
                parameter.zero_()
            self.encode.weight[:2] = 0
            for component in range(2):
                self.encode.weight[component, component, 1:, 1:] = 0.25  # of the two pixels that a half-size one covers
                self.decode.weight[component, component, 1, 1] = 1

    def coefficients(self, earlier: Tensor, later: Tensor) -> Tensor:
        """L (B, 1, H, W) of both frames to stable coefficients (B, 4, 3, C, H/2, W/2): direction, neighbour, map.

        Raises ValueError for sides that are no multiples of 4.
        """
        if any(side % 4 for side in earlier.shape[-2:]):
            raise ValueError(f"the sides have to be multiples of 4, got {tuple(earlier.shape[-2:])}: resize L first")
        raw = self.guide(torch.cat([earlier, later], dim=1) / UNIT)
        return stable(raw.unflatten(1, (len(DIRECTIONS), REACH, self.channels)))

    def carried(self, ab: Tensor, coefficients: Tensor) -> Tensor:
        """ab (B, 2, H, W) of one frame as ab of the other, Lab units."""
        property_maps = propagated(self.encode(ab / UNIT), coefficients)
        enlarged = F.interpolate(property_maps, scale_factor=2, mode="bilinear", align_corners=False)
        return UNIT * self.decode(enlarged)

    def forward(self, earlier: Tensor, later: Tensor, ab: Tensor) -> Tensor:
        """ab of the later frame from that of the earlier one."""
        return self.carried(ab, self.coefficients(earlier, later))


class Guide(nn.Module):
    """A light U-Net: two luminances (B, 2, H, W) to maps (B, outputs, H/2, W/2)."""

    def __init__(self, width: float, outputs: int):
        super().__init__()
        c1, c2, c3 = (scaled(c, width) for c in (64, 128, 256))
        self.whole = nn.Sequential(conv3(2, c1), nn.ReLU(), conv3(c1, c1), nn.ReLU())
        self.halved = nn.Sequential(nn.Conv2d(c1, c2, 3, 2, 1), nn.ReLU(), conv3(c2, c2), nn.ReLU())
        self.quartered = nn.Sequential(nn.Conv2d(c2, c3, 3, 2, 1), nn.ReLU(), conv3(c3, c3), nn.ReLU())
        self.joined = nn.Sequential(conv3(c2 + c3, c2), nn.ReLU(), conv3(c2, c2), nn.ReLU())
        self.output = conv3(c2, outputs)

    def forward(self, pair: Tensor) -> Tensor:
        halved = self.halved(self.whole(pair))
        deep = F.interpolate(self.quartered(halved), scale_factor=2, mode="nearest")
        return self.output(self.joined(torch.cat([halved, deep], dim=1)))


def stable(raw: Tensor) -> Tensor:
    """Coefficients (B, 4, 3, C, h, w) whose magnitudes sum to at most 1 over the three neighbours.

    Then no difference grows on its way along a line of pixels, however long (spatial propagation networks, 2017).
    """
    return raw / raw.abs().sum(dim=2, keepdim=True).clamp(min=1)


def switched(coefficients: Tensor) -> Tensor:
    """The same coefficients for the way back, k + tau to k: those of opposite directions exchanged."""
    return coefficients[:, list(OPPOSITE)]


def propagated(x: Tensor, coefficients: Tensor) -> Tensor:
    """The maps x (B, C, h, w), propagated in each direction and merged by the largest value.

    Each direction is linear in x; the merge, which spatial propagation networks have too, is not.
    """
    ways = [propagated_along(x, part, way) for part, way in zip(coefficients.unbind(1), DIRECTIONS, strict=True)]
    return torch.stack(ways).amax(dim=0)


def propagated_along(x: Tensor, coefficients: Tensor, direction: str) -> Tensor:
    """One direction: line j is h_j = (1 - sum of w) x_j + sum over m of w_m h_{j-1} shifted by m, and h_0 = x_0.

    x: (B, C, h, w). coefficients: (B, 3, C, h, w), for the neighbours m = -1, 0, 1 in the line before, in the order of
    the pixels of a line. direction: one of DIRECTIONS, where the colours go.
    """
    if direction in ("down", "up"):
        turned = propagated_along(x.mT, coefficients.mT, {"down": "right", "up": "left"}[direction])
        return turned.mT
    if direction == "left":
        return propagated_along(x.flip(-1), coefficients.flip(-1), "right").flip(-1)
    own = ((1 - coefficients.sum(dim=1)) * x).unbind(-1)
    lines = [x[..., 0]]
    for index, weights in enumerate(coefficients.unbind(-1)[1:], start=1):
        before = F.pad(lines[-1], (1, 1)).unfold(-1, REACH, 1)  # (B, C, h, 3)
        lines.append(own[index] + (before * weights.permute(0, 2, 3, 1)).sum(dim=-1))
    return torch.stack(lines, dim=-1)


def loss(later: Tensor, true_later: Tensor, earlier: Tensor, true_earlier: Tensor) -> Tensor:
    """Squared error of ab carried to k + tau, and with a small weight of ab carried back to k."""
    return F.mse_loss(later, true_later) + BACKWARD * F.mse_loss(earlier, true_earlier)
