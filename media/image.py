"""Still images and frame folders: reading, writing, fitting to a size.

A clip on disk is a folder of lossless PNG frames in the DAVIS layout, `<clip>/00000.png`; a photograph is a
clip of one frame. Arrays are uint8 RGB (H, W, 3); sizes are (height, width).
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

from media.faults import MachineFault
from media.whole import write_whole

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}


@dataclass(frozen=True)
class Picture:
    """A frame in memory; media.decoding.DecodedPicture is one that is not yet RGB."""

    rgb: np.ndarray  # uint8 (H, W, 3)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.rgb.shape

    def thinned(self, step: int) -> np.ndarray:
        """Every so many rows and columns, uint8 RGB."""
        return self.rgb[::step, ::step]


class CorruptImage(ValueError):
    """An image file that is broken or cut off. The message names the file and what failed."""


def read_rgb(path: str | Path) -> np.ndarray:
    """Decode an image file fully, as uint8 RGB (H, W, 3).

    16-bit greys are scaled to 8 bits, palettes and CMYK become RGB, alpha is dropped. An Exif orientation is left to
    `read_upright`. Pillow is used because it raises on a truncated file; OpenCV fills the missing part and only warns.
    Raises CorruptImage if the file cannot be decoded to its end.
    """
    with _opened(path) as image:
        return _rgb8(image)


def read_upright(path: str | Path) -> np.ndarray:
    """As `read_rgb`, turned upright by the Exif orientation that cameras write."""
    with _opened(path) as image:
        return _rgb8(ImageOps.exif_transpose(image))


def upright_size(path: str | Path) -> tuple[int, int]:
    """(height, width) of what `read_upright` gives, from the file's header. Raises CorruptImage."""
    with _opened(path) as image:
        lying = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
        return image.size if lying else image.size[::-1]


@contextmanager
def _opened(path: str | Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    except FileNotFoundError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise CorruptImage(f"{path}: cannot be decoded as an image ({error})") from error


def _rgb8(image: Image.Image) -> np.ndarray:
    # Pillow cuts 16-bit greys off at 255; its mode I also holds 32 bits, but of a PGM or PNG always 16.
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PPM", "PNG")):
        grey = np.rint(np.asarray(image).astype(np.float64) / 257).astype(np.uint8)
        return np.stack([grey] * 3, axis=-1)
    return np.asarray(image.convert("RGB"))


def list_images(folder: str | Path) -> list[Path]:
    """The image files of a folder, by name with numbers in numerical order; hidden files are passed over."""
    return sorted(
        (path for path in Path(folder).iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != "."),
        key=lambda path: [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path.name)],
    )


def write_jpeg(path: str | Path, rgb: np.ndarray) -> None:
    """Write uint8 RGB (H, W, 3) as a JPEG of high quality with colours at full resolution, making its folder."""
    coded = BytesIO()
    Image.fromarray(rgb).save(coded, "JPEG", quality=95, subsampling="4:4:4")
    write_whole(path, coded.getvalue())


def write_png(path: str | Path, rgb: np.ndarray) -> None:
    """Write RGB (H, W, 3) or grey (H, W), uint8 or uint16, as a lossless PNG, whole or not at all; makes its folder."""
    write_whole(path, coded_png(rgb[..., ::-1] if rgb.ndim == 3 else rgb))


def coded_png(array: np.ndarray) -> bytes:
    """The bytes of a PNG of an array in OpenCV's order of channels (B, G, R)."""
    # Not cv2.imwrite: it says that all is well of files that a full disk has cut off.
    done, coded = cv2.imencode(".png", array)
    if not done:
        raise ValueError(f"OpenCV could not make a PNG of an array {array.shape} of {array.dtype}")
    return coded.tobytes()


def frame_path(clip_dir: str | Path, index: int) -> Path:
    """Path of frame `index` (from 0) of a clip in the DAVIS layout."""
    return Path(clip_dir) / f"{index:05d}.png"


def read_frames(clip_dir: str | Path, n_frames: int) -> Iterator[np.ndarray]:
    """Frames 0..n_frames-1 of a prepared clip, one at a time.

    Raises MachineFault naming a frame that is missing or broken, and the way to make it again: the pipeline wrote it
    whole, so that no method and no clip is to blame.
    """
    for index in range(n_frames):
        path = frame_path(clip_dir, index)
        try:
            yield read_rgb(path)
        except (OSError, CorruptImage) as error:
            raise MachineFault(
                f"{path}: frame {index} of {n_frames}, which its table lists, cannot be read ({error}); look at the "
                f"disk or mount, or delete the table beside the folder {Path(clip_dir).parent} and run again"
            ) from error


def content_hash(frames: list[np.ndarray]) -> str:
    """SHA-256 over the sizes and pixels of a list of frames: equal pixels, equal hash, whatever the file."""
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(repr(frame.shape).encode())
        digest.update(np.ascontiguousarray(frame).tobytes())
    return digest.hexdigest()


def cover_crop(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scale until the image covers `size` (height, width) without stretching, then cut the centre out.

    Pixels are averaged over areas when shrinking and interpolated (bicubic) when enlarging.
    """
    height, width = size
    scale = max(height / rgb.shape[0], width / rgb.shape[1])
    covering = (max(width, round(rgb.shape[1] * scale)), max(height, round(rgb.shape[0] * scale)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = rgb if covering == rgb.shape[1::-1] else cv2.resize(rgb, covering, interpolation=interpolation)
    top, left = (resized.shape[0] - height) // 2, (resized.shape[1] - width) // 2
    return np.ascontiguousarray(resized[top : top + height, left : left + width])
