"""sRGB and CIELAB: the one place that says what a colour array means in this project.

Convention (pinned by tests/media/test_color.py):
- rgb: uint8, (..., H, W, 3), sRGB in the order R, G, B.
- lab: float32, (..., H, W, 3), CIELAB for D65 and the 2 degree observer, L in 0..100, a and b in Lab
  units (inside the sRGB gamut -86.2..98.2 and -107.9..94.5). Never divided, shifted or quantised.
- tensors carry the same units in the layout (B, 3, H, W).
The formulas are scikit-image's; OpenCV's 8-bit and table-interpolated Lab are up to 1 and 0.25 units off.
"""

import warnings
from collections.abc import Callable
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
# In linear sRGB: how far the two matrices, each rounded, put a colour of the gamut beyond it; half a level at white.
MATRIX_ROUNDING, HALF_LEVEL = 2e-5, 0.004
IN_CACHE = 8192  # pixels reduced at a time: four times faster than a frame at once
STRIP = 2**18  # values of a picture that are converted at a time: float64 copies of all of a large one take gigabytes


def lab_from_rgb(rgb: np.ndarray) -> np.ndarray:
    """8-bit sRGB (..., H, W, 3) to Lab, float32 (..., H, W, 3)."""
    if rgb.dtype != np.uint8 or rgb.shape[-1] != 3:
        raise ValueError(f"expected uint8 RGB (..., H, W, 3), got {rgb.dtype} {rgb.shape}")
    return _in_strips(lambda rows: skimage_color.rgb2lab(rows).astype(np.float32), rgb)


def luminance_from_rgb(rgb: np.ndarray) -> np.ndarray:
    """8-bit sRGB (..., H, W, 3) to L alone, float32 (..., H, W): that of `lab_from_rgb`, five times faster."""
    return _in_strips(_luminance, rgb)


def _luminance(rgb: np.ndarray) -> np.ndarray:
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
    """Lab (..., H, W, 3) to 8-bit sRGB, values rounded (not truncated); L below 0 or above 100 is black or white.

    A colour outside the gamut keeps its L and hue: its ab is scaled towards 0 until it lies inside. L changes by the
    rounding alone, at most 0.25 (0.62 of a level of `grey8`, as that of a neutral grey does), and no black gets a
    colour. Raises ValueError for values that are not finite.
    """
    _check_finite(lab)
    return _in_strips(_rgb, np.asarray(lab))


def _rgb(lab: np.ndarray) -> np.ndarray:
    lightness, a, b = np.moveaxis(np.asarray(lab, np.float64), -1, 0)
    lightness = np.clip(lightness, 0, 100)
    linear = _linear_rgb(lightness, a, b)
    outside = ~_in_gamut(linear, lightness)
    if outside.any():
        linear[:, outside] = _reduced(lightness[outside], a[outside], b[outside])
    linear = np.clip(linear, 0, 1)
    rgb = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return np.moveaxis(np.rint(255 * rgb).astype(np.uint8), 0, -1).copy()


def clipped_rgb_from_lab(lab: np.ndarray) -> np.ndarray:
    """`rgb_from_lab` with each channel cut off at the gamut's edge, as the published program does it.

    This changes L and hue (black with ab becomes red, green or blue); for `--finish release` alone.
    """
    _check_finite(lab)
    with warnings.catch_warnings():  # scikit-image warns about each out-of-gamut pixel it clips
        warnings.simplefilter("ignore")
        return _in_strips(_clipped_rgb, np.asarray(lab))


def _clipped_rgb(lab: np.ndarray) -> np.ndarray:
    rgb = skimage_color.xyz2rgb(skimage_color.lab2xyz(np.asarray(lab, np.float64)) * NEUTRAL)
    return np.rint(rgb * 255).astype(np.uint8)


def with_luminance(luminance: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """Join L (H, W) and ab (H, W, 2) into 8-bit sRGB (H, W, 3), by `rgb_from_lab`."""
    _check_finite(luminance, ab)
    return _in_strips(lambda *rows: _rgb(np.concatenate([rows[0][..., None], rows[1]], axis=-1)), luminance, ab)


def _in_strips(convert: Callable[..., np.ndarray], *pictures: np.ndarray) -> np.ndarray:
    """What `convert`, which takes each pixel for itself, makes of pictures, some rows at a time."""
    height = len(pictures[0])
    step = max(1, STRIP * height // max(1, *(picture.size for picture in pictures)))
    if height <= step:
        return convert(*pictures)
    whole = None
    for start in range(0, height, step):
        part = convert(*(picture[start : start + step] for picture in pictures))
        if whole is None:
            whole = np.empty((height, *part.shape[1:]), part.dtype)
        whole[start : start + step] = part
    return whole


def _check_finite(*lab: np.ndarray) -> None:
    size = sum(map(np.size, lab))
    wrong = size - sum(np.count_nonzero(np.isfinite(part)) for part in lab)
    if wrong:
        raise ValueError(f"{wrong} of {size} values of a picture in Lab are not finite: they are no colour")


def _linear_rgb(lightness: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Linear sRGB (3, ...) of L, a, b (...), not clipped: what lies outside the gamut is below 0 or above 1."""
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200])
    xyz = np.where(f > 0.2068966, f * f * f, (f - 16 / 116) / 7.787)
    return np.tensordot(RGB_FROM_XYZ * (WHITE * NEUTRAL), xyz, axes=1)


def _in_gamut(linear: np.ndarray, lightness: np.ndarray) -> np.ndarray:
    """Whether colours (3, ...) of this L lie in the gamut, or so near that clipping is within the rounding.

    Near the yellow edge lines of one hue graze the gamut, and half a level beyond it would cost most of the chroma; so
    half a level is allowed, and less towards white, which stays white.
    """
    largest = linear.max(axis=0)
    beyond = np.minimum(HALF_LEVEL, MATRIX_ROUNDING + 0.003 * (100 - lightness))
    return (linear.min(axis=0) >= -1e-4 * largest) & (largest <= 1 + beyond)


def _reduced(lightness: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Linear sRGB (3, N) of N colours outside the gamut, their ab scaled to within 1/4096 of its edge: bisection."""
    linear = np.empty((3, len(a)))
    for start in range(0, len(a), IN_CACHE):
        part = slice(start, start + IN_CACHE)
        own, own_a, own_b, factor = lightness[part], a[part], b[part], np.zeros_like(a[part])
        for step in 0.5 ** np.arange(1, 13):
            tried = factor + step
            factor = np.where(_in_gamut(_linear_rgb(own, tried * own_a, tried * own_b), own), tried, factor)
        linear[:, part] = _linear_rgb(own, factor * own_a, factor * own_b)
    return linear


def grey8(luminance: np.ndarray) -> np.ndarray:
    """L (H, W) in 0..100 as the 8-bit single-channel image that flow estimators see: L * 2.55, rounded."""
    return np.rint(np.clip(luminance, 0, 100) * 2.55).astype(np.uint8)


def rgb_tensor_from_lab(lab):
    """Differentiable Lab (B, 3, H, W) to sRGB (B, 3, H, W) in 0..1, clamped (clamped values pass no gradient).

    What networks and losses see, as published: colours outside the gamut are clipped, not reduced as in a picture.
    """
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
