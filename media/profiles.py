"""Colour profiles (ICC) of pictures: their colours become those of sRGB, which is all that the project knows.

And the code points (cICP: primaries, transfer, matrix, range) that say that colours are none that this can be done to.
"""

import warnings
from functools import lru_cache
from io import SEEK_CUR, BytesIO
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms

# The mode in which Pillow holds the pixels of a profile's colour space.
MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
# A profile that moves no colour by more levels than this is sRGB in other numbers, and the pixels stay as they are.
SAME = 2
# Numbers of ITU-T H.273: transfers and primaries.
HIGH_DYNAMIC_RANGE = {16: "PQ, SMPTE ST 2084", 18: "HLG, ARIB STD-B67"}
BT2020 = 9
WIDE_GAMUTS = {BT2020: "BT.2020", 11: "DCI-P3", 12: "Display P3"}
MOST_TAGS = 100  # of a profile; some have thirty
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
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


def code_points_of_png(file: BinaryIO) -> bytes:
    """What the cICP chunk of a PNG holds, which Pillow passes over; empty without one, and for any other file."""
    if file.read(len(PNG_SIGNATURE)) != PNG_SIGNATURE:
        return b""
    while len(head := file.read(8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
        length = int.from_bytes(head[:4], "big")
        if head[4:] == b"cICP":
            return file.read(min(length, 4))
        file.seek(length + 4, SEEK_CUR)
    return b""


def beyond_sdr(code_points: bytes, profile: bytes | None) -> str | None:
    """What a picture's colours are, if `in_srgb` cannot bring them to sRGB; None if it can.

    They are of high dynamic range, or of a wide gamut that no profile describes. A profile may have code points, too.
    """
    for points in (code_points, _code_points_of_profile(profile or b"")):
        if len(points) < 4:
            continue
        primaries, transfer = points[:2]
        if transfer in HIGH_DYNAMIC_RANGE:
            return HIGH_DYNAMIC_RANGE[transfer]
        if primaries in WIDE_GAMUTS and not profile:
            return f"of the gamut {WIDE_GAMUTS[primaries]}, without a colour profile"
    return None


def _code_points_of_profile(profile: bytes) -> bytes:
    """Of ICC.1:2022, 9.2.17: a tag of 12 bytes, the last four of which are the code points."""
    for number in range(min(int.from_bytes(profile[128:132], "big"), MOST_TAGS)):
        tag = profile[132 + 12 * number :][:12]
        if tag[:4] == b"cicp":
            return profile[int.from_bytes(tag[4:8], "big") :][8:12]
    return b""


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
