"""Images and frame folders."""

import struct
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps, TiffImagePlugin

from media.faults import MachineFault
from media.image import (
    CorruptImage,
    ManyPictures,
    PictureTooLarge,
    content_hash,
    cover_crop,
    frame_path,
    list_images,
    read_frames,
    read_rgb,
    square_size,
    upright_size,
    write_jpeg,
    write_png,
)


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)


def test_png_is_lossless_and_rgb(tmp_path, picture):
    path = tmp_path / "été 狼 (1)" / "00000.png"
    write_png(path, picture)
    np.testing.assert_array_equal(read_rgb(path), picture)
    assert Image.open(path).getpixel((0, 0)) == tuple(picture[0, 0])


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "I;16"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    suffix = "tif" if mode == "CMYK" else "png"
    Image.new(mode, (8, 6)).save(tmp_path / f"image.{suffix}")
    assert read_rgb(tmp_path / f"image.{suffix}").shape == (6, 8, 3)


def test_a_truncated_jpeg_is_corrupt(tmp_path, picture):
    path = tmp_path / "cut.jpg"
    Image.fromarray(np.tile(picture, (8, 8, 1))).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert cv2.imread(str(path)) is not None  # why OpenCV is not asked
    with pytest.raises(CorruptImage, match=r"cut\.jpg"):
        read_rgb(path)


def test_text_is_corrupt_and_nothing_is_not_found(tmp_path):
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(CorruptImage):
        read_rgb(tmp_path / "text.png")
    with pytest.raises(FileNotFoundError):
        read_rgb(tmp_path / "none.png")


def test_a_missing_frame_says_what_to_do(tmp_path, picture):
    write_png(frame_path(tmp_path / "clip", 0), picture)
    frames = read_frames(tmp_path / "clip", 2)
    np.testing.assert_array_equal(next(frames), picture)
    with pytest.raises(MachineFault, match=r"frame 1 of 2"):
        next(frames)


def test_hash_is_of_pixels_and_shape(picture):
    assert content_hash([picture]) == content_hash([picture.copy()])
    assert content_hash([picture]) != content_hash([picture.transpose(1, 0, 2)])
    other = picture.copy()
    other[0, 0, 0] ^= 1
    assert content_hash([picture]) != content_hash([other])


@pytest.mark.parametrize("shape", [(480, 854), (854, 480), (144, 176), (216, 384), (217, 384)])
def test_cover_crop_fills_the_size_without_stretching(shape):
    """A centred disc stays a disc, as large as the scale says."""
    image = np.zeros((*shape, 3), np.uint8)
    radius = min(shape) // 4
    cv2.circle(image, (shape[1] // 2, shape[0] // 2), radius, (255, 255, 255), -1)
    cropped = cover_crop(image, (216, 384))
    assert cropped.shape == (216, 384, 3)
    scale = max(216 / shape[0], 384 / shape[1])
    lit = cropped[..., 0] > 127
    assert lit.any(0).sum() == pytest.approx(min(384, 2 * radius * scale), abs=3)
    assert lit.any(1).sum() == pytest.approx(min(216, 2 * radius * scale), abs=3)


def test_cover_crop_of_the_right_size_changes_nothing(picture):
    np.testing.assert_array_equal(cover_crop(picture, picture.shape[:2]), picture)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bit_greys_are_scaled_not_cut_off(tmp_path, suffix):
    levels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    cv2.imwrite(str(tmp_path / f"deep.{suffix}"), levels * 257)
    np.testing.assert_array_equal(read_rgb(tmp_path / f"deep.{suffix}"), np.stack([levels] * 3, axis=-1))


def test_sixteen_bit_colours_are_scaled(tmp_path, picture):
    cv2.imwrite(str(tmp_path / "deep.png"), picture[..., ::-1].astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_rgb(tmp_path / "deep.png"), picture)


def test_alpha_is_dropped(tmp_path, picture):
    Image.fromarray(np.dstack([picture, np.full(picture.shape[:2], 90, np.uint8)])).save(tmp_path / "alpha.png")
    np.testing.assert_array_equal(read_rgb(tmp_path / "alpha.png"), picture)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "lzw.tif"])
def test_photographs_are_turned_upright(tmp_path, picture, orientation, suffix):
    image = Image.fromarray(picture)
    exif = image.getexif()
    exif[0x112] = orientation
    path = tmp_path / f"photo.{suffix}"
    image.save(path, exif=exif, **{"webp": {"lossless": True}, "lzw.tif": {"compression": "tiff_lzw"}}.get(suffix, {}))
    image.getexif()[0x112] = orientation
    upright = read_rgb(path)
    assert upright.shape[:2] == upright_size(path)
    np.testing.assert_array_equal(upright, np.asarray(ImageOps.exif_transpose(image)))


def test_frames_are_listed_in_natural_order(tmp_path):
    for name in ("f10.png", "f9.png", "F1.JPG", "notes.txt", "._f2.png"):
        (tmp_path / name).touch()
    assert [path.name for path in list_images(tmp_path)] == ["F1.JPG", "f9.png", "f10.png"]


def test_jpeg_keeps_the_colours(tmp_path):
    red = np.full((37, 53, 3), (200, 30, 60), np.uint8)
    write_jpeg(tmp_path / "new" / "red.jpg", red)
    assert np.abs(read_rgb(tmp_path / "new" / "red.jpg").astype(int) - red).max() <= 3


def test_a_damaged_exif_block_says_nothing_against_the_picture(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "photo.jpg", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert read_rgb(tmp_path / "photo.jpg").shape == picture.shape
    assert upright_size(tmp_path / "photo.jpg") == picture.shape[:2]


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "gif"])
def test_several_pictures_are_not_one(tmp_path, picture, suffix):
    images = [Image.fromarray(np.roll(picture, step, axis=0)) for step in range(3)]
    images[0].save(tmp_path / f"many.{suffix}", save_all=True, append_images=images[1:])
    for read in (read_rgb, upright_size):
        with pytest.raises(ManyPictures, match=rf"many\.{suffix}: holds several pictures") as caught:
            read(tmp_path / f"many.{suffix}")
    assert caught.value.reason == "many_pictures"


def test_a_smaller_copy_in_the_file_is_no_second_picture(tmp_path, picture):
    image = Image.fromarray(picture)
    small = image.resize((8, 6))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    image.save(tmp_path / "scan.tif", save_all=True, append_images=[small])
    image.save(tmp_path / "photo.jpg", "MPO", quality=95, save_all=True, append_images=[small])
    np.testing.assert_array_equal(read_rgb(tmp_path / "scan.tif"), picture)
    assert read_rgb(tmp_path / "photo.jpg").shape == picture.shape


def tiff(data: bytes, bits: int = 8, photometric: int = 1, pages: int = 1) -> bytes:
    """A TIFF of grey pages 16 x 8, all of the same data and tags: 8 after its header, then the pages."""
    coded = b"II*\0" + struct.pack("<I", 8 + len(data)) + data
    for page in range(pages):
        fields = [(256, 16), (257, 8), (258, bits), (259, 1), (262, photometric), (273, 8), (278, 8), (279, len(data))]
        coded += struct.pack("<H", len(fields)) + b"".join(struct.pack("<HHII", tag, 4, 1, of) for tag, of in fields)
        coded += struct.pack("<I", len(coded) + 4 if page < pages - 1 else 0)
    return coded


@pytest.mark.parametrize(("bits", "photometric"), [(8, 0), (8, 1), (12, 1), (16, 0), (16, 1)])
def test_greys_of_a_tiff_are_read_by_their_depth_and_their_white(tmp_path, bits, photometric):
    levels = np.arange(128, dtype=np.uint8).reshape(8, 16) * 2
    stored = np.rint((levels if photometric else 255 - levels) / 255 * (2**bits - 1)).astype(int).ravel()
    places = (stored[:, None] >> np.arange(bits)[::-1] & 1).astype(np.uint8)
    data = stored.astype("<u2").tobytes() if bits == 16 else np.packbits(places).tobytes()
    (tmp_path / "scan.tif").write_bytes(tiff(data, bits, photometric))
    np.testing.assert_array_equal(read_rgb(tmp_path / "scan.tif"), np.stack([levels] * 3, axis=-1))


def test_no_more_pages_are_looked_at_than_tell_that_there_are_several(tmp_path, monkeypatch):
    (tmp_path / "many.tif").write_bytes(tiff(bytes(128), pages=20))
    sought = []
    seek = TiffImagePlugin.TiffImageFile.seek
    monkeypatch.setattr(
        TiffImagePlugin.TiffImageFile, "seek", lambda image, page: (sought.append(page), seek(image, page))
    )
    with pytest.raises(ManyPictures):
        upright_size(tmp_path / "many.tif")
    assert sought == [0, 1]


def declaring(width: int, height: int) -> bytes:
    """A GIF of one pixel that declares to be larger."""
    size = struct.pack("<2H", width, height)
    return b"GIF89a" + size + b"\x80\0\0" + bytes(3) + b"\xff" * 3 + b"," + bytes(4) + size + b"\0\x02\x02D\x01\0;"


def test_declared_sizes_are_bounded_before_decoding(tmp_path, picture):
    (tmp_path / "bomb.png").write_bytes(declaring(16000, 16000))
    for read in (read_rgb, upright_size):
        with pytest.raises(PictureTooLarge, match="declares 16000x16000 pixels") as caught:
            read(tmp_path / "bomb.png")
    assert caught.value.reason == "too_large"
    write_png(tmp_path / "small.png", picture)
    assert read_rgb(tmp_path / "small.png", max_pixels=37 * 53).shape == picture.shape
    with pytest.raises(PictureTooLarge):
        read_rgb(tmp_path / "small.png", max_pixels=37 * 53 - 1)


@pytest.mark.parametrize("content", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"II*\0" + b"\xff" * 4, b""])
def test_what_is_no_picture_of_ours_is_corrupt(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(CorruptImage, match=r"a\.png"):
        read_rgb(tmp_path / "a.png")


def test_numbers_without_a_white_are_refused(tmp_path):
    Image.fromarray(np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8)).save(tmp_path / "float.tif")
    with pytest.raises(CorruptImage, match=r"float\.tif: .*nothing says what is white"):
        read_rgb(tmp_path / "float.tif")


@pytest.mark.parametrize("aspect", [Fraction(64, 45), Fraction(1, 2), Fraction(128, 117)])
def test_cover_crop_makes_pixels_square(aspect):
    """A disc as stored, squeezed, becomes a disc."""
    stored = np.zeros((120, round(200 / aspect), 3), np.uint8)
    axes = round(40 / aspect), 40
    cv2.ellipse(stored, (stored.shape[1] // 2, 60), axes, 0, 0, 360, (255, 255, 255), -1)
    lit = cover_crop(stored, (120, 200), aspect)[..., 0] > 127
    assert lit.any(0).sum() == pytest.approx(lit.any(1).sum(), abs=2)
    assert square_size(stored.shape, aspect) == (120, pytest.approx(200, abs=1))


@pytest.mark.parametrize("shape", [(3, 200_000), (200_000, 3)])
def test_cover_crop_of_a_long_strip_takes_its_middle(shape):
    strip = np.full((*shape, 3), 200, np.uint8)
    strip[shape[0] // 2 - 1 : shape[0] // 2 + 2, shape[1] // 2 - 1 : shape[1] // 2 + 2] = (200, 30, 60)
    middle = cover_crop(strip, (216, 384))
    assert middle.shape == (216, 384, 3) and middle[108, 192, 1] < 60
