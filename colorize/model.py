"""The whole generator G_V (Eq. 1): frozen backbone, correspondence subnet and colorization subnet.

Lab tensors are (B, 3, H, W) with L in 0..100 and H, W multiples of 8. Besides the paper's model there are declared
extensions: history aligned by flow, gated output, and matching by context (docs/extensions.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize.networks.colorization import COLORIZATION
from colorize.networks.context import ContextCorrespondence
from colorize.networks.correspondence import CORRESPONDENCE
from colorize.settings import History, Matching, Output, Protocol
from media.color import rgb_tensor_from_lab
from media.flow_files import warp_tensor
from vision.backbones import Backbone, grey_rgb
from vision.matching import match, unit_columns

# Eq. 4. Wider for features that see their surroundings: fewer positions stand out, and the mean of some errs less.
TEMPERATURE = {"subnet": 0.01, "context": 0.02}
# Scales of a gated output, so that what goes into its network and what comes out is about 1.
SPREAD_UNIT = 20  # Lab units of the matched colours' spread
COLOR_UNIT = 50  # Lab units by which a raw 1 moves the matched colours
GATE_UNIT = 2  # logits by which a raw 1 moves the gate


@dataclass
class Reference:
    """What the networks need of a reference; computed once a clip."""

    columns: Tensor  # (B, C, M) unit features
    lab: Tensor  # (B, 3, M) its colours on the matching grid


@dataclass
class Last:
    """The last coloured frame, and for an aligned history the motion that leads to it from the current one."""

    lab: Tensor  # (B, 3, H, W)
    flow: Tensor | None = None  # (B, 2, H, W), pixels, current -> last on the grid of current
    visible: Tensor | None = None  # (B, 1, H, W), 1 where a point is seen in both frames


@dataclass
class Matched:
    """What a frame finds in its reference, on the matching grid."""

    warped: Tensor  # (B, 3, h, w), Lab: W of Eq. 4, and the reference's L gathered with it
    confidence: Tensor  # (B, 1, h, w), S of Eq. 5
    spread: Tensor  # (B, 1, h, w), Lab units: how far the colours lie apart of which W is the mean


class ExemplarModel(nn.Module):
    """Colours frames in sequence, given a reference.

    protocol: networks as in the paper or as in the published program. matching: by the paper's subnet, or by context.
    history: the last coloured frame is fed as it is (Eq. 7), or moved along the flow first. output: colours straight
    from the tanh, or a gate between matched colours and history that starts at the rule of `blend_rule`.
    """

    def __init__(
        self,
        backbone: Backbone,
        width: float = 1.0,
        protocol: Protocol = "paper",
        matching: Matching = "subnet",
        history: History = "previous",
        output: Output = "direct",
    ):
        super().__init__()
        # Not registered as a child: it is frozen, and its weights do not belong into a checkpoint.
        object.__setattr__(self, "backbone", backbone)
        self.matching, self.history, self.output = matching, history, output
        self.temperature = TEMPERATURE[matching]
        network = ContextCorrespondence if matching == "context" else CORRESPONDENCE[protocol]
        self.correspondence = network(backbone.level_channels, width)
        inputs, outputs = (9, 3) if output == "gated" else (7, 2)
        self.colorization = COLORIZATION[protocol](width, inputs, outputs)
        if output == "gated":
            nn.init.zeros_(self.colorization.output_layer.weight)
            nn.init.zeros_(self.colorization.output_layer.bias)

    def encode_reference(
        self,
        lab: Tensor,
        feature_noise: Tensor | float = 0.0,
        spreads: Sequence[Tensor] = (),
        draw: Callable[[Tensor], Tensor] = torch.randn_like,
    ) -> Reference:
        """Features of the reference and its colours, averaged over the cells of the matching grid.

        feature_noise: (B,) or a number, the spread of Gaussian noise on the features relative to their own spread.
        spreads, draw: of each level, and of noise like it; for a part of a batch, those of the whole one.
        """
        levels = self.reference_levels(lab)
        if spreads or torch.as_tensor(feature_noise).any():
            share = torch.as_tensor(feature_noise, dtype=lab.dtype, device=lab.device).reshape(-1, 1, 1, 1)
            spreads = spreads or [level.std() for level in levels]
            levels = [level + share * spread * draw(level) for level, spread in zip(levels, spreads, strict=True)]
        features = self.correspondence.reference_features(levels)
        colors = F.adaptive_avg_pool2d(lab, features.shape[-2:])
        return Reference(unit_columns(features.flatten(2)), colors.flatten(2))

    def reference_levels(self, lab: Tensor) -> list[Tensor]:
        """The backbone's levels of references (B, 3, H, W)."""
        # The paper's subnet learns to find grey features in coloured ones; raw features find only their like.
        return self.backbone.levels(grey_rgb(lab[:, :1]) if self.matching == "context" else rgb_tensor_from_lab(lab))

    def features(self, luminance: Tensor) -> Tensor:
        """Unit features (B, C, h, w) of a frame's luminance (B, 1, H, W) on the matching grid, the query of Eq. 3."""
        features = self.correspondence.frame_features(self.backbone.levels(grey_rgb(luminance)))
        return unit_columns(features.flatten(2)).unflatten(2, features.shape[-2:])

    def align(self, features: Tensor, reference: Reference) -> Matched:
        """Find the frame's unit features (B, C, h, w) in the reference (Eqs. 3-5)."""
        square = reference.lab[:, 1:].square().sum(dim=1, keepdim=True)
        values = torch.cat([reference.lab, square], dim=1)
        gathered, confidence = match(features.flatten(2), reference.columns, values, self.temperature)
        warped, square = gathered.split([3, 1], dim=1)
        variance = square - warped[:, 1:].square().sum(dim=1, keepdim=True)
        grid = features.shape[-2:]
        # The floor keeps the root's slope finite where all weight lies on one position.
        return Matched(*(x.unflatten(2, grid) for x in (warped, confidence, variance.clamp(min=1e-2).sqrt())))

    def color(self, luminance: Tensor, matched: Matched, last: Last | None) -> Tensor:
        """Colours of a frame (Eq. 7), (B, 2, H, W) in Lab units, from W, S and the last coloured frame."""
        # The published program enlarges by repeating; a gated output shows W itself, where that would be blocky.
        mode = {"mode": "bilinear", "align_corners": False} if self.output == "gated" else {"mode": "nearest"}
        size = luminance.shape[-2:]
        w, s = (F.interpolate(x, size=size, **mode) for x in (matched.warped[:, 1:], matched.confidence))
        past = self.past(luminance, last)
        inputs = self._inputs(luminance, w, s, past)
        if self.output == "direct":
            return 128 * self.colorization(inputs).tanh()
        start = blend_rule(luminance, past, last)
        spread = F.interpolate(matched.spread, size=size, **mode) / SPREAD_UNIT
        raw = self.colorization(torch.cat([inputs, start, spread], dim=1))
        gate = torch.sigmoid(torch.logit(start, eps=0.01) + GATE_UNIT * raw[:, :1])
        return gate * (w + COLOR_UNIT * raw[:, 1:]) + (1 - gate) * past[:, 1:]

    def forward(self, luminance: Tensor, reference: Reference, last: Last | None = None) -> Tensor:
        """Colour one frame (Eqs. 2, 6 and 7): luminance (B, 1, H, W) to ab (B, 2, H, W)."""
        return self.color(luminance, self.align(self.features(luminance), reference), last)

    def past(self, luminance: Tensor, last: Last | None) -> Tensor:
        """The last coloured frame (B, 3, H, W) as the network sees it.

        Without one the published program feeds zeros, that is mid-grey (L = 50, a = b = 0).
        """
        if last is None:
            return torch.cat([torch.full_like(luminance, 50), torch.zeros_like(luminance).expand(-1, 2, -1, -1)], 1)
        if self.history == "previous":
            return last.lab
        if last.flow is None:
            raise ValueError("a model with aligned history needs the flow that leads to the last frame (Last.flow)")
        return warp_tensor(last.lab, last.flow, outside="replicate")

    def _inputs(self, luminance: Tensor, warped_ab: Tensor, confidence: Tensor, past: Tensor) -> Tensor:
        """The seven channels of Eq. 7: centred L, W, S and the last coloured frame with its L centred."""
        unit = self.colorization.lab_unit
        seven = [(luminance - 50) / unit, warped_ab / unit, confidence, (past[:, :1] - 50) / unit, past[:, 1:] / unit]
        return torch.cat(seven, dim=1)


def blend_rule(luminance: Tensor, past: Tensor, last: Last | None) -> Tensor:
    """Share of the matched colours where nothing is learned yet, (B, 1, H, W): 1 - 0.9 visible exp(-(dL / 4)^2).

    The history counts where it is visible and the luminance agrees; without one nothing of it counts.
    """
    if last is None:
        return torch.ones_like(luminance)
    visible = 1.0 if last.visible is None else last.visible
    return 1 - 0.9 * visible * torch.exp(-(((luminance - past[:, :1]) / 4) ** 2))
