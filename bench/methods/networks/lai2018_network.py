"""Blind temporal consistency: the recurrent network of Lai et al. 2018 (reference [22]) and its losses.

Frame by frame it corrects a processed video so that it stays near what it was but flickers no more than its input.
Parameters have their published names. Pictures are RGB tensors (B, 3, H, W) in 0..1; a grey frame is three equal
channels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from media.flow_files import warp_tensor

VISIBILITY = 50.0  # alpha of the visibility mask
SHORT_TERM = LONG_TERM = 100.0
PERCEPTUAL = 10.0

State = tuple[Tensor, Tensor]  # hidden and cell of the recurrent layer, each (B, 4 nf, H/4, W/4)


class Convolution(nn.Module):
    """A convolution that keeps the size by reflection; `norm_layer` holds what the published file has of it.

    The published network is built with instance norm but never applies it, and was trained like that.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1):
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect")
        self.norm_layer = nn.InstanceNorm2d(outputs, track_running_stats=True)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.conv2d(x), 0.2)


class Output(nn.Module):
    """The last convolution, to a residual in -1..1; it starts at 0, so the processed frames as they are."""

    def __init__(self, inputs: int):
        super().__init__()
        self.conv2d = nn.Conv2d(inputs, 3, 7, padding=3, padding_mode="reflect")
        for parameter in self.conv2d.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.conv2d(x))


class LaiResidualBlock(nn.Module):
    """Two convolutions beside an identity; nothing follows the sum."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1, self.conv2 = Convolution(channels, channels), Convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2.conv2d(self.conv1(x))


class ConvLSTM(nn.Module):
    """A recurrent layer whose gates are a 3x3 convolution of input and hidden state; no peepholes."""

    def __init__(self, channels: int):
        super().__init__()
        self.Gates = nn.Conv2d(2 * channels, 4 * channels, 3, padding=1)

    def forward(self, x: Tensor, state: State | None) -> State:
        hidden, cell = (torch.zeros_like(x), torch.zeros_like(x)) if state is None else state
        enter, keep, leave, candidate = self.Gates(torch.cat([x, hidden], dim=1)).chunk(4, dim=1)
        cell = keep.sigmoid() * cell + enter.sigmoid() * candidate.tanh()
        return leave.sigmoid() * cell.tanh(), cell


class TransformNet(nn.Module):
    """One step: (P_t, O_{t-1}, I_t, I_{t-1}) as (B, 12, H, W) to a residual and a state. Sides are multiples of 4.

    P is the processed frame, O the network's own last result, I the input. The residual (B, 3, H, W) is not yet added:
    O_t = P_t + residual, and O_0 = P_0. The state is None at a clip's start; training detaches it at every step.
    nf, blocks: 32 and 5 as published, 16 and 3 the small version of 0.60 million parameters.
    """

    def __init__(self, nf: int = 32, blocks: int = 5):
        super().__init__()
        self.conv1a, self.conv1b = Convolution(6, nf, 7), Convolution(6, nf, 7)
        self.conv2a, self.conv2b = Convolution(nf, 2 * nf, stride=2), Convolution(nf, 2 * nf, stride=2)
        self.conv3 = Convolution(4 * nf, 4 * nf, stride=2)
        self.ResBlocks = nn.ModuleList([LaiResidualBlock(4 * nf) for _ in range(blocks)])
        self.convlstm = ConvLSTM(4 * nf)
        self.deconv1, self.deconv2 = Convolution(4 * nf, 2 * nf), Convolution(4 * nf, nf)
        self.deconv3 = Output(2 * nf)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Raises ValueError for sides that are no multiples of 4."""
        if any(side % 4 for side in x.shape[-2:]):
            raise ValueError(f"the sides have to be multiples of 4, got {tuple(x.shape[-2:])}: resize the input first")
        video, frames = x.split(6, dim=1)
        skip1 = self.conv1a(video)
        skip2 = self.conv2a(skip1)
        deep = self.conv3(torch.cat([skip2, self.conv2b(self.conv1b(frames))], dim=1))
        for block in self.ResBlocks:
            deep = block(deep)
        state = self.convlstm(deep, state)
        up = self.deconv1(doubled(state[0]))
        up = self.deconv2(doubled(torch.cat([up, skip2], dim=1)))
        return self.deconv3(torch.cat([up, skip1], dim=1)), state


def doubled(x: Tensor) -> Tensor:
    """Twice the size, nearest."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


def visibility(frame: Tensor, earlier: Tensor, flow: Tensor) -> Tensor:
    """M = exp(-alpha (sum over channels of I_t - warp(I_s))^2), (B, 1, H, W): 1 where the flow fits the input.

    flow (B, 2, H, W), pixels, from t back to s. The square of the sum is the published program's; the paper prints the
    sum of squares.
    """
    difference = frame - warp_tensor(earlier, flow, outside="replicate")
    return torch.exp(-VISIBILITY * difference.sum(dim=1, keepdim=True).square())


def temporal(result: Tensor, earlier: Tensor, flow: Tensor, visible: Tensor) -> Tensor:
    """Mean |M O_t - M warp(O_s)|; no gradient reaches the earlier result."""
    return (visible * (result - warp_tensor(earlier.detach(), flow, outside="replicate"))).abs().mean()


def short_term(results: list[Tensor], frames: list[Tensor], flows: list[Tensor]) -> Tensor:
    """100 times the sum over t >= 1 of `temporal` between t and t-1; flows[t - 1] leads from t to t-1."""
    steps = [
        temporal(results[t], results[t - 1], flow, visibility(frames[t], frames[t - 1], flow))
        for t, flow in enumerate(flows, start=1)
    ]
    return SHORT_TERM * torch.stack(steps).sum()


def long_term(results: list[Tensor], frames: list[Tensor], flows: list[Tensor]) -> Tensor:
    """100 times the sum over t >= 2 of `temporal` between t and 0; flows[t - 2] leads from t to 0."""
    steps = [
        temporal(results[t], results[0], flow, visibility(frames[t], frames[0], flow))
        for t, flow in enumerate(flows, start=2)
    ]
    return LONG_TERM * torch.stack(steps).sum()


def perceptual(features: Tensor, processed: Tensor) -> Tensor:
    """10 times the mean absolute difference of features (VGG16's relu4_3) of O_t and P_t."""
    return PERCEPTUAL * F.l1_loss(features, processed)
