"""What turns a picture upright: Exif orientations of images, display matrices of videos."""

import struct
from typing import NamedTuple

import numpy as np


class Turn(NamedTuple):
    """What is done to stored rows and columns, in this order."""

    transposed: bool = False  # rows become columns
    mirrored: bool = False  # left and right change places
    flipped: bool = False  # top and bottom change places

    def upright(self, stored: np.ndarray) -> np.ndarray:
        """(H, W, ...) upright; a view."""
        turned = stored.swapaxes(0, 1) if self.transposed else stored
        return turned[:: -1 if self.flipped else 1, :: -1 if self.mirrored else 1]


STORED = Turn()
# Exif 2.32, table "Orientation".
OF_EXIF = {
    2: Turn(mirrored=True),
    3: Turn(mirrored=True, flipped=True),
    4: Turn(flipped=True),
    5: Turn(transposed=True),
    6: Turn(transposed=True, mirrored=True),
    7: Turn(transposed=True, mirrored=True, flipped=True),
    8: Turn(transposed=True, flipped=True),
}


def of_display_matrix(matrix: bytes) -> Turn:
    """The turn of a display matrix as FFmpeg gives it: nine int32, of which (a, b), (c, d) are where x and y lead.

    Other angles than multiples of 90 degrees become the nearest one.
    """
    a, b, _, c, d = struct.unpack("=5i", matrix[:20])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Turn(mirrored=a < 0, flipped=d < 0)
    return Turn(transposed=True, mirrored=c < 0, flipped=b < 0)
