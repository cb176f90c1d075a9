"""The release's ways of bringing an image to a size. Images are uint8 (H, W, 3), sizes (height, width).

Both resize with scikit-image (linear, antialiased) and truncate to 8 bits, so that published numbers can be met to
the last bit; `media.image.cover_crop` is the quicker and rounding one for everything else.
"""

import numpy as np
from skimage.transform import resize

# Above this ratio of height to width, the photographs of the training set are cut before they are squeezed.
TALLEST = 0.75


def cover(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The test rule: scale until the image covers `size`, cut the centre out; sides round down."""
    height, width = size
    old_height, old_width = rgb.shape[:2]
    if old_height / old_width > height / width:
        resized = resized8(rgb, (old_height * width // old_width, width))
    elif old_height == height:
        resized = rgb
    else:
        resized = resized8(rgb, (height, old_width * height // old_height))
    top, left = (resized.shape[0] - height) // 2, (resized.shape[1] - width) // 2
    return np.ascontiguousarray(resized[top : top + height, left : left + width])


def squeeze(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The rule for training photographs: a tall one is cut to 4:3 and squeezed to `size`, any other is covered."""
    height, width = rgb.shape[:2]
    if height / width <= TALLEST:
        return cover(rgb, size)
    kept = int(TALLEST * width)
    top = (height - kept) // 2
    return resized8(rgb[top : top + kept], size)


def resized8(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize to (height, width), truncating to 8 bits."""
    return resize(rgb, size, mode="reflect", preserve_range=True, clip=False, anti_aliasing=True).astype(np.uint8)
