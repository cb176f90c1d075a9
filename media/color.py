"""sRGB and CIELAB: the one place that says what a colour array means in this project.

Convention (pinned by tests/media/test_color.py):
- rgb: uint8, (..., H, W, 3), sRGB in the order R, G, B.
- lab: float32, (..., H, W, 3), CIELAB for D65 and the 2 degree observer, L in 0..100, a and b in Lab
  units (inside the sRGB gamut -86.2..98.2 and -107.9..94.5). Never divided, shifted or quantised.
- tensors carry the same units in the layout (B, 3, H, W).
The formulas are scikit-image's; OpenCV's 8-bit and table-interpolated Lab are up to 1 and 0.25 units off.
"""

import warnings
from functools import cache

import numpy as np
from skimage import color as skimage_color

# Linear sRGB from XYZ (D65), and the white point: IEC 61966-2-1, as scikit-image has them.
WHITE = (0.95047, 1.0, 1.08883)
RGB_FROM_XYZ = (
    (3.24048134, -1.53715152, -0.49853633),
    (-0.96925495, 1.87599, 0.04155593),
    (0.05564664, -0.20404134, 1.05731107),
)

# scikit-image's matrix sends (1, 1, 1) a hair beside its white point, enough to tint every 200th neutral pixel by a
# level. Scaled by this, (L, 0, 0) becomes exactly R = G = B.
NEUTRAL = skimage_color.rgb2xyz(np.ones((1, 1, 3)))[0, 0] / np.array(WHITE)


def lab_from_rgb(rgb: np.ndarray) -> np.ndarray:
    """8-bit sRGB (..., H, W, 3) to Lab, float32 (..., H, W, 3)."""
    if rgb.dtype != np.uint8 or rgb.shape[-1] != 3:
        raise ValueError(f"expected uint8 RGB (..., H, W, 3), got {rgb.dtype} {rgb.shape}")
    return skimage_color.rgb2lab(rgb).astype(np.float32)


def luminance_from_rgb(rgb: np.ndarray) -> np.ndarray:
    """8-bit sRGB (..., H, W, 3) to L alone, float32 (..., H, W): that of `lab_from_rgb`, five times faster."""
    red, green, blue = (table[rgb[..., channel]] for channel, table in enumerate(_luminance_tables()))
    y = red + green + blue
    return (116 * np.where(y > 0.008856, np.cbrt(y), 7.787 * y + 16 / 116) - 16).astype(np.float32)


@cache
def _luminance_tables() -> np.ndarray:
    """What each level of R, G and B adds to Y: (3, 256)."""
    levels = np.arange(256, dtype=np.uint8)
    pure = np.zeros((3, 256, 1, 3), np.uint8)
    for channel in range(3):
        pure[channel, :, 0, channel] = levels
    return skimage_color.rgb2xyz(pure)[:, :, 0, 1]


def rgb_from_lab(lab: np.ndarray) -> np.ndarray:
    """Lab (..., H, W, 3) to 8-bit sRGB: out-of-gamut colours are clipped, values rounded (not truncated)."""
    with warnings.catch_warnings():  # scikit-image warns about each out-of-gamut pixel it clips
        warnings.simplefilter("ignore")
        rgb = skimage_color.xyz2rgb(skimage_color.lab2xyz(np.asarray(lab, np.float64)) * NEUTRAL)
    return np.rint(rgb * 255).astype(np.uint8)


def with_luminance(luminance: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """Join L (H, W) and ab (H, W, 2) into 8-bit sRGB (H, W, 3)."""
    return rgb_from_lab(np.concatenate([luminance[..., None], ab], axis=-1))


def grey8(luminance: np.ndarray) -> np.ndarray:
    """L (H, W) in 0..100 as the 8-bit single-channel image that flow estimators see: L * 2.55, rounded."""
    return np.rint(np.clip(luminance, 0, 100) * 2.55).astype(np.uint8)


def rgb_tensor_from_lab(lab):
    """Differentiable Lab (B, 3, H, W) to sRGB (B, 3, H, W) in 0..1, clamped (clamped values pass no gradient)."""
    import torch

    y = (lab[:, 0] + 16) / 116
    x = lab[:, 1] / 500 + y
    z = (y - lab[:, 2] / 200).clamp(min=0)
    xyz = torch.stack([x, y, z], dim=1)
    xyz = torch.where(xyz > 0.2068966, xyz**3, (xyz - 16 / 116) / 7.787)
    xyz = xyz * xyz.new_tensor(WHITE)[:, None, None]
    linear = torch.einsum("ij,bjhw->bihw", xyz.new_tensor(RGB_FROM_XYZ), xyz)
    # The power is evaluated on the clamped value: its slope at 0 is infinite and would make NaN gradients.
    gamma = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, gamma, 12.92 * linear).clamp(0, 1)


def ab_from_rgb_tensor(rgb):
    """sRGB (B, 3, H, W) in 0..1, not quantised, to ab (B, 2, H, W) in Lab units; passes no gradient."""
    import torch

    lab = skimage_color.rgb2lab(rgb.detach().permute(0, 2, 3, 1).cpu().numpy())
    return torch.from_numpy(lab[..., 1:].transpose(0, 3, 1, 2).copy()).to(rgb)
