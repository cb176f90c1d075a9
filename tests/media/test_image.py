"""Images and frame folders."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from media.faults import MachineFault
from media.image import (
    CorruptImage,
    content_hash,
    cover_crop,
    frame_path,
    list_images,
    read_frames,
    read_rgb,
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
def test_photographs_are_turned_upright(tmp_path, picture, orientation):
    image = Image.fromarray(picture)
    exif = image.getexif()
    exif[0x112] = orientation
    image.save(tmp_path / "photo.png", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "photo.png")))
    upright = read_rgb(tmp_path / "photo.png")
    assert upright.shape[:2] == upright_size(tmp_path / "photo.png")
    np.testing.assert_array_equal(upright, expected)


def test_frames_are_listed_in_natural_order(tmp_path):
    for name in ("f10.png", "f9.png", "F1.JPG", "notes.txt", "._f2.png"):
        (tmp_path / name).touch()
    assert [path.name for path in list_images(tmp_path)] == ["F1.JPG", "f9.png", "f10.png"]


def test_jpeg_keeps_the_colours(tmp_path):
    red = np.full((37, 53, 3), (200, 30, 60), np.uint8)
    write_jpeg(tmp_path / "new" / "red.jpg", red)
    assert np.abs(read_rgb(tmp_path / "new" / "red.jpg").astype(int) - red).max() <= 3
