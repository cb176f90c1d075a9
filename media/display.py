"""Decoded frames as players show them: YCbCr of any kind as sRGB of 8 bits, turned and mirrored upright.

The matrix and range are those that the file names; where it names no matrix, BT.709 in high definition and BT.601
below. Wide gamuts are brought to BT.709's, PQ and HLG tone-mapped to SDR by FFmpeg's libswscale: relative colorimetric
intent, with the reference white of BT.2408 (203 cd/m2) as white.
"""

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc, VideoReformatter

from media.profiles import BT2020, HIGH_DYNAMIC_RANGE, WIDE_GAMUTS
from media.turning import STORED, Turn, of_display_matrix

# What players take for high definition, where a file names no matrix.
HD_LINES, HD_COLUMNS = 720, 1280
# Numbers of ITU-T H.273.
UNNAMED = 2
PRIMARIES = {int(primaries) for primaries in ColorPrimaries} - {UNNAMED}
# Transfers that take part in a change of gamut; others are taken for BT.709's.
TRANSFERS = {1, 4, 5, 6, 7, 13, 14, 15}


def high_dynamic_range(frame: av.VideoFrame) -> str | None:
    """The name of a frame's transfer if it is one of high dynamic range."""
    return HIGH_DYNAMIC_RANGE.get(int(frame.color_trc))


def turn_of(frame: av.VideoFrame) -> Turn:
    """What turns a frame upright."""
    matrix = frame.side_data.get(Type.DISPLAYMATRIX)
    return STORED if matrix is None else of_display_matrix(bytes(matrix))


def can_be_shown(frame: av.VideoFrame) -> bool:
    """Whether libswscale knows a frame's format and matrix."""
    try:
        VideoReformatter().reformat(frame, 8, 8, "rgb24", interpolation="POINT")
    except av.FFmpegError:
        return False
    return True


def rgb_of(frame: av.VideoFrame, converter: VideoReformatter, **scaling) -> np.ndarray:
    """uint8 RGB (H, W, 3) as stored. `converter` is a file's own: FFmpeg prepares a conversion once.

    scaling: width, height and interpolation, of VideoReformatter.reformat.
    """
    return converter.reformat(frame, format="rgb24", **scaling, **_conversion(frame)).to_ndarray()


def _conversion(frame: av.VideoFrame) -> dict:
    """What libswscale has to be told of a frame's colours. May name the frame's own, where it does not."""
    given: dict = {}
    wide = high_dynamic_range(frame) or int(frame.color_primaries) in WIDE_GAMUTS
    if int(frame.colorspace) == UNNAMED and not frame.format.is_rgb:
        if high_dynamic_range(frame) or int(frame.color_primaries) == BT2020:
            frame.colorspace = BT2020
        elif frame.height >= HD_LINES or frame.width >= HD_COLUMNS:
            given["src_colorspace"] = Colorspace.ITU709
    if wide:
        if high_dynamic_range(frame):
            given["dst_color_trc"] = ColorTrc.IEC61966_2_1
            if int(frame.color_primaries) not in PRIMARIES:
                frame.color_primaries = BT2020
        else:
            if int(frame.color_trc) not in TRANSFERS:
                frame.color_trc = ColorTrc.BT709
            given["dst_color_trc"] = frame.color_trc
        given["dst_color_primaries"] = ColorPrimaries.BT709
    return given
