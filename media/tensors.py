"""Pictures as tensors for networks: array to maps, grey from L, sizes that a network can take."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from media.color import rgb_tensor_from_lab


def as_maps(array: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """(H, W) or (H, W, C) to float32 (1, C, H, W)."""
    layered = array[..., None] if array.ndim == 2 else array
    return torch.from_numpy(np.ascontiguousarray(layered.transpose(2, 0, 1), np.float32))[None].to(device)


def as_array(maps: Tensor) -> np.ndarray:
    """(1, C, H, W), wherever it lies, to (H, W, C)."""
    return maps[0].permute(1, 2, 0).cpu().numpy()


def grey(luminance: Tensor) -> Tensor:
    """L (B, 1, H, W) as the grey of an sRGB picture, (B, 1, H, W) in 0..1: what systems see that do not work in Lab."""
    return rgb_tensor_from_lab(torch.cat([luminance, torch.zeros_like(luminance).repeat(1, 2, 1, 1)], dim=1))[:, :1]


def resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    """x (B, C, H, W) brought to a size bilinearly, antialiased where that is smaller; itself where it is the same."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False, antialias=True)


def rounded_up(shape: tuple[int, int], multiple: int) -> tuple[int, int]:
    """Sides rounded up to multiples."""
    return tuple(-(-side // multiple) * multiple for side in shape)
