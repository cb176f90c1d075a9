"""Colour by nearest neighbours in a backbone's features, without learning: what nn_match and fusion share."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vision.backbones import Backbone, grey_rgb
from vision.matching import match, matching_features

# Features are matched at a quarter of the resolution (section 3.2), rounded up where it does not divide.
STRIDE = 4
TEMPERATURE = 0.01  # Eq. 4


class Exemplar:
    """A coloured picture of which frames of any size can borrow the chroma; its features are computed once."""

    @torch.inference_mode()
    def __init__(self, backbone: Backbone, lab: np.ndarray):
        """lab: (H', W', 3) float32, Lab units. Only its grey version is matched: colour features match grey badly."""
        self.backbone = backbone
        self.features = self._features(lab[..., 0])  # (1, C, M)
        ab = torch.from_numpy(np.ascontiguousarray(lab[..., 1:].transpose(2, 0, 1)))[None]
        pooled = F.avg_pool2d(ab, STRIDE, ceil_mode=True)  # (1, 2, h', w')
        self.ab = pooled.flatten(2)  # (1, 2, M)

    @torch.inference_mode()
    def warped(self, luminance: np.ndarray) -> np.ndarray:
        """Chroma gathered for a frame (Eq. 5): (H, W, 2) float32 for L (H, W)."""
        height, width = luminance.shape
        ab, _ = match(self._features(luminance), self.features, self.ab, temperature=TEMPERATURE)
        grid = ab.unflatten(2, _quarter(luminance.shape))
        full = F.interpolate(grid, scale_factor=STRIDE, mode="bilinear", align_corners=False)
        return full[0, :, :height, :width].permute(1, 2, 0).contiguous().numpy()

    def _features(self, luminance: np.ndarray) -> Tensor:
        grey = grey_rgb(torch.from_numpy(np.ascontiguousarray(luminance, np.float32))[None, None])
        return matching_features(self.backbone.levels(grey), _quarter(luminance.shape)).flatten(2)


def _quarter(shape: tuple[int, int]) -> tuple[int, int]:
    return -(-shape[0] // STRIDE), -(-shape[1] // STRIDE)
