"""Colour profiles (ICC) of pictures: their colours become those of sRGB, which is all that the project knows."""

import warnings
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

# The mode in which Pillow holds the pixels of a profile's colour space.
MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
# A profile that moves no colour by more levels than this is sRGB in other numbers, and the pixels stay as they are.
SAME = 2
INTENT, FLAGS = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION


def in_srgb(image: Image.Image, name: str) -> Image.Image:
    """A picture of the mode L, RGB or CMYK in sRGB, mode RGB; one without a profile is taken for sRGB.

    A profile that cannot be used is said in a warning that begins with `name`.
    """
    profile = image.info.get("icc_profile")
    if profile:
        try:
            mode, transform = _to_srgb(profile)
            if mode == "RGB" or image.mode == mode:
                return transform.apply(image.convert(mode)) if transform else image.convert("RGB")
            raise ValueError(f"it is one of {mode}, the picture is {image.mode}")
        except (ImageCms.PyCMSError, OSError, ValueError) as error:
            warnings.warn(f"{name}: its colour profile cannot be used ({error}); read as sRGB", stacklevel=2)
    return image.convert("RGB")


@lru_cache(maxsize=8)
def _to_srgb(profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform | None]:
    """The mode that a profile is for, and what brings it to sRGB: None if it is sRGB."""
    opened = ImageCms.ImageCmsProfile(BytesIO(profile))
    space = opened.profile.xcolor_space.strip()
    if space not in MODES:
        raise ValueError(f"its colour space is {space}; expected one of {', '.join(MODES)}")
    mode = MODES[space]
    srgb = ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(opened, srgb, mode, "RGB", renderingIntent=INTENT, flags=FLAGS)
    return mode, None if mode != "CMYK" and _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    if mode == "L":
        colors = Image.fromarray(levels[None])
    else:
        colors = Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3))
    moved = np.asarray(transform.apply(colors)).astype(int) - np.asarray(colors.convert("RGB"))
    return int(np.abs(moved).max()) <= SAME
