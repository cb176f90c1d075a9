"""The whole generator G_V (Eq. 1): frozen backbone, correspondence subnet and colorization subnet."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize.networks.colorization import ColorizationNet
from colorize.networks.correspondence import CorrespondenceNet
from media.color import rgb_tensor_from_lab
from vision.backbones import Backbone, grey_rgb


@dataclass
class Reference:
    """What the networks need of a reference; computed once a clip."""

    columns: Tensor  # (B, C, M) unit features
    ab: Tensor  # (B, 2, M) colours on the matching grid, Lab units


@dataclass
class Colored:
    """One coloured frame."""

    ab: Tensor  # (B, 2, H, W), Lab units
    warped_ab: Tensor  # (B, 2, h, w), W of Eq. 4
    confidence: Tensor  # (B, 1, h, w), S of Eq. 5


class ExemplarModel(nn.Module):
    """Colours frames in sequence, given a reference. Lab tensors (B, 3, H, W) with L in 0..100; H, W multiples of 8."""

    def __init__(self, backbone: Backbone, width: float = 1.0):
        super().__init__()
        # Not registered as a child: it is frozen, and its weights do not belong into a checkpoint.
        object.__setattr__(self, "backbone", backbone)
        self.correspondence = CorrespondenceNet(backbone.level_channels, width)
        self.colorization = ColorizationNet(width)

    def encode_reference(self, lab: Tensor, feature_noise: Tensor | float = 0.0) -> Reference:
        """Features of the colour reference and its colours, averaged over the cells of the matching grid.

        feature_noise: (B,) or a number, the spread of Gaussian noise on the features relative to their own spread.
        """
        levels = self.backbone.levels(rgb_tensor_from_lab(lab))
        if torch.as_tensor(feature_noise).any():
            share = torch.as_tensor(feature_noise, dtype=lab.dtype).reshape(-1, 1, 1, 1)
            levels = [level + share * level.std() * torch.randn_like(level) for level in levels]
        ab = F.adaptive_avg_pool2d(lab[:, 1:], levels[1].shape[-2:])
        return Reference(self.correspondence.reference_columns(levels), ab.flatten(2))

    def forward(self, luminance: Tensor, reference: Reference, last_lab: Tensor | None) -> Colored:
        """Colour one frame (Eqs. 6 and 7): luminance (B, 1, H, W); last_lab is the last coloured frame.

        Without a last frame the published program feeds zeros, that is mid-grey (L = 50, a = b = 0).
        """
        levels = self.backbone.levels(grey_rgb(luminance))
        grid = levels[1].shape[-2:]
        columns = self.correspondence.frame_columns(levels)
        warped, confidence = self.correspondence.align(columns, reference.columns, reference.ab, grid)
        full = [F.interpolate(x, size=luminance.shape[-2:], mode="nearest") for x in (warped, confidence)]
        if last_lab is None:
            last = luminance.new_zeros(luminance.shape[0], 3, *luminance.shape[-2:])
        else:
            last = torch.cat([last_lab[:, :1] - 50, last_lab[:, 1:]], dim=1)
        # About unit scale: raw Lab units saturate an untrained network. The published weights want them raw.
        inputs = torch.cat([(luminance - 50) / 50, full[0] / 50, full[1], last / 50], dim=1)
        return Colored(self.colorization(inputs), warped, confidence)
