"""A correspondence without the paper's subnet: the backbone's features, and what surrounds them. An extension.

Raw features already match better than a subnet learns in minutes; what they lack is their surroundings. One convolution
over them adds these: as it is drawn at random it keeps likeness (a random projection), and it may learn.
"""

import torch
from torch import Tensor, nn

from colorize.networks.layers import scaled
from vision.matching import matching_features


class ContextCorrespondence(nn.Module):
    """Features (B, C, h, w) of frame or reference, on the grid of the second level, for `vision.matching`.

    level_channels: of the backbone's four levels.
    """

    def __init__(self, level_channels: tuple[int, ...], width: float = 1.0):
        super().__init__()
        inputs, outputs = sum(level_channels), scaled(512, width)
        self.surroundings = nn.Conv2d(inputs, outputs, 3, padding=2, dilation=2, padding_mode="replicate", bias=False)
        # Unit features come out as long as they go in, so that place and surroundings weigh the same.
        nn.init.normal_(self.surroundings.weight, std=(9 * outputs) ** -0.5)

    def frame_features(self, levels: list[Tensor]) -> Tensor:
        """Levels of the frame to its features."""
        features = matching_features(levels, levels[1].shape[-2:])
        return torch.cat([features, self.surroundings(features)], dim=1)

    def reference_features(self, levels: list[Tensor]) -> Tensor:
        """Levels of the reference, seen in grey, to its features: frame and reference share everything."""
        return self.frame_features(levels)
