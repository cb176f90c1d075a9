"""Still images and frame folders: reading, writing, fitting to a size.

A clip on disk is a folder of lossless PNG frames in the DAVIS layout, `<clip>/00000.png`; a photograph is a
clip of one frame. Arrays are uint8 RGB (H, W, 3); sizes are (height, width).
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from media.faults import MACHINE, MachineFault
from media.profiles import beyond_sdr, code_points_of_png, in_srgb
from media.regular import NoRegularFile, check_regular
from media.turning import OF_EXIF, STORED, Turn
from media.whole import write_whole

SUFFIXES = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
# All that is opened as a picture, whatever its name says. No format whose reader starts another program.
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "PPM", "GIF")
# The largest picture, and the largest frame of a video, that is decoded where nothing else is said.
MAX_PIXELS = 100_000_000
# Pillow's own limit: every picture is opened here, and held to the one that is set.
Image.MAX_IMAGE_PIXELS = None
# Bits of the TIFF tag NewSubfileType: a smaller copy of a page, and its mask.
NO_PAGE = 1 | 4
# Pages of one TIFF that are looked at; the smaller copies of a picture are some ten.
MOST_PAGES = 1000
# Of an image that is so many times as long as the part that is cut out of it, only the middle is scaled.
LONG = 50


@dataclass(frozen=True)
class Picture:
    """A frame in memory; media.decoding.DecodedPicture is one that is not yet RGB."""

    rgb: np.ndarray  # uint8 (H, W, 3)
    pixel_aspect: Fraction = Fraction(1)  # width of a pixel over its height

    @property
    def shape(self) -> tuple[int, ...]:
        return self.rgb.shape

    def thinned(self, step: int) -> np.ndarray:
        """Every so many rows and columns, uint8 RGB."""
        return self.rgb[::step, ::step]


class CorruptImage(ValueError):
    """An image file that cannot be used: `reason` is the fixed name, the message names the file and what failed."""

    reason = "corrupt_image"


class PictureTooLarge(CorruptImage):
    """The file declares more pixels than are decoded."""

    reason = "too_large"


class ManyPictures(CorruptImage):
    """The file is an animation or has several pages, where one picture is expected."""

    reason = "many_pictures"


class HighDynamicRange(CorruptImage):
    """The picture's colours are none of SDR: PQ, HLG, or a wide gamut without a profile."""

    reason = "hdr"


def read_rgb(path: str | Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode an image file fully, as sRGB of 8 bits (H, W, 3), upright.

    The Exif orientation is applied, colours with a profile are brought to sRGB, 16-bit greys are scaled to 8 bits,
    palettes and CMYK become RGB, alpha is dropped. Pillow is used because it raises on a truncated file; OpenCV fills
    the missing part and only warns. Raises OSError where the system cannot read the file, CorruptImage where its bytes
    are no whole picture, PictureTooLarge above max_pixels (before anything is decoded), ManyPictures, HighDynamicRange.
    """
    with _opened(path, max_pixels) as image:
        image.load()
        return np.ascontiguousarray(_turn(image).upright(np.asarray(in_srgb(_in_8_bits(image), str(path)))))


def format_and_size(path: str | Path) -> tuple[str, tuple[int, int]]:
    """The format by its name in Pillow, and the (height, width) of what `read_rgb` gives. Raises as `read_rgb` does."""
    with _opened(path, MAX_PIXELS) as image:
        # Pillow exchanges the sides of a TIFF by its own tag already, and of nothing else.
        stored = (image.tag_v2[256], image.tag_v2[257]) if image.format == "TIFF" else image.size
        return image.format, stored if _turn(image).transposed else stored[::-1]


def upright_size(path: str | Path) -> tuple[int, int]:
    """(height, width) of what `read_rgb` gives, from the file's header. Raises as `read_rgb` does."""
    return format_and_size(path)[1]


@contextmanager
def _opened(path: str | Path, max_pixels: int) -> Iterator[Image.Image]:
    try:
        check_regular(path)
    except NoRegularFile as error:
        raise CorruptImage(f"{path}: {error}") from error
    with open(path, "rb") as file:
        try:
            code_points = code_points_of_png(file)
            with Image.open(file, formats=FORMATS) as image:
                _check_declared(path, image, max_pixels)
                if colors := beyond_sdr(code_points, image.info.get("icc_profile")):
                    raise HighDynamicRange(f"{path}: its colours are {colors}; expected SDR, so convert it to sRGB")
                yield image
        except (CorruptImage, MachineFault, MemoryError):
            raise
        except UnidentifiedImageError as error:
            raise CorruptImage(f"{path}: is no image of a format that is read ({', '.join(FORMATS)})") from error
        # Of a broken file Pillow's readers raise whatever their parsing meets: struct.error, KeyError, EOFError, ...
        except Exception as error:
            if isinstance(error, OSError) and error.errno in MACHINE:
                raise
            raise CorruptImage(f"{path}: cannot be decoded as an image ({error or type(error).__name__})") from error


def _check_declared(path: str | Path, image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise PictureTooLarge(f"{path}: declares {width}x{height} pixels; expected at most {max_pixels:,} in all")
    if _shows_several(image):
        raise ManyPictures(
            f"{path}: holds several pictures ({image.format}), where one is expected; take them apart into a folder "
            "of frames, or make a video of them"
        )


def _shows_several(image: Image.Image) -> bool:
    """Whether a file shows more than one picture. The second one of an MPO is the same for the other eye, or smaller.

    No more is read than that takes: a small file can have a page for every 30 bytes.
    """
    if image.format == "MPO" or not getattr(image, "is_animated", False):
        return False
    if image.format != "TIFF":
        return True
    shown = 0
    for page in range(MOST_PAGES):
        try:
            image.seek(page)
        except EOFError:
            break
        shown += not image.tag_v2.get(254, 0) & NO_PAGE
        if shown > 1:
            return True
    else:
        return True
    image.seek(0)
    return False


def _turn(image: Image.Image) -> Turn:
    try:
        return OF_EXIF.get(image.getexif().get(ExifTags.Base.Orientation), STORED)
    except MemoryError:
        raise
    except Exception:  # a camera's damaged Exif block says nothing against the picture
        return STORED


def _in_8_bits(image: Image.Image) -> Image.Image:
    """The picture in the mode L, RGB or CMYK, with its profile."""
    # Pillow cuts 16-bit greys off at 255; its mode I also holds 32 bits, but of a PGM or PNG always 16.
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PPM", "PNG")):
        grey = image.convert("I").point(_levels(image), "L")
        grey.info = image.info
        return grey
    if image.mode in ("I", "F"):
        raise ValueError(f"its pixels are numbers of the mode {image.mode}, of which nothing says what is white")
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode in ("1", "LA", "La") else "RGB")


def _levels(image: Image.Image) -> list[int]:
    """The level of 8 bits for every value that a grey of 16 bits can have."""
    tags = image.tag_v2 if image.format == "TIFF" else {}
    # Pillow leaves a TIFF's 12 bits as they are, and its WhiteIsZero; with 8 bits it does not.
    white = 2 ** tags.get(258, (16,))[0] - 1
    levels = (np.arange(2**16) * 255 + white // 2) // white
    return (255 - levels if tags.get(262) == 0 else levels).clip(0, 255).tolist()


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


def square_size(shape: tuple[int, ...], pixel_aspect: Fraction) -> tuple[int, int]:
    """(height, width) of an image (H, W, ...) when its pixels are made square, as players do: by its width."""
    return shape[0], max(1, round(shape[1] * pixel_aspect))


def cover_crop(rgb: np.ndarray, size: tuple[int, int], pixel_aspect: Fraction = Fraction(1)) -> np.ndarray:
    """Scale until the image covers `size` (height, width) without stretching, then cut the centre out.

    Pixels are averaged over areas when shrinking and interpolated (bicubic) when enlarging. They become square:
    pixel_aspect is the width of one over its height.
    """
    height, width = size
    rgb = _middle(rgb, height / width, float(pixel_aspect))
    stretched = rgb.shape[1] * float(pixel_aspect)
    scale = max(height / rgb.shape[0], width / stretched)
    covering = (max(width, round(stretched * scale)), max(height, round(rgb.shape[0] * scale)))
    shrinks = covering[0] < rgb.shape[1] and covering[1] < rgb.shape[0] if pixel_aspect != 1 else scale < 1
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    resized = rgb if covering == rgb.shape[1::-1] else cv2.resize(rgb, covering, interpolation=interpolation)
    top, left = (resized.shape[0] - height) // 2, (resized.shape[1] - width) // 2
    return np.ascontiguousarray(resized[top : top + height, left : left + width])


def _middle(rgb: np.ndarray, slant: float, pixel_aspect: float) -> np.ndarray:
    """The middle of an extremely long image, which would be enlarged to one that fits no memory; others as they are.

    slant: height over width of what is wanted.
    """
    long = (rgb.shape[0] / (rgb.shape[1] * pixel_aspect)) / slant
    if 1 / LONG < long < LONG:
        return rgb
    if long > 1:
        kept = max(1, round(rgb.shape[0] * LONG / long))
        return rgb[(rgb.shape[0] - kept) // 2 :][:kept]
    kept = max(1, round(rgb.shape[1] * LONG * long))
    return rgb[:, (rgb.shape[1] - kept) // 2 :][:, :kept]
