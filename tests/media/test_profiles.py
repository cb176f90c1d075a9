"""Colour profiles of pictures, against profiles that are written here by the specification (ICC.1:2001-04)."""

import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from media.image import HighDynamicRange, read_rgb, upright_size, write_png

# The primaries of Adobe RGB (1998) in the profile connection space (D50), a column each for red, green and blue.
ADOBE = [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
# From XYZ (D50) to linear sRGB, the inverse of the matrix in sRGB's own profile.
TO_SRGB = np.linalg.inv([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
D50 = (0.9642, 1.0, 0.8249)


def profile(space: bytes, gamma: float, columns: list | None = None, code_points: bytes = b"") -> bytes:
    """A display profile of a gamma and primaries, as bytes."""

    def xyz(values) -> bytes:
        return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {b"wtpt": xyz(D50), b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"made\0" + bytes(79)}
    if code_points:
        tags[b"cicp"] = b"cicp" + bytes(4) + code_points
    if columns is None:
        tags[b"kTRC"] = curve
    else:
        tags |= {bytes([letter]) + b"TRC": curve for letter in b"rgb"}
        tags |= {bytes([letter]) + b"XYZ": xyz(c) for letter, c in zip(b"rgb", np.transpose(columns), strict=True)}
    place, table, data = 132 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table, data = table + name + struct.pack(">2I", place + len(data), len(content)), data + content
    head = struct.pack(">I4sI4s4s4s", place + len(data), b"", 0x02400000, b"mntr", space, b"XYZ ") + bytes(12) + b"acsp"
    head += bytes(28) + struct.pack(">3i", *(round(value * 65536) for value in D50))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def encoded(linear: np.ndarray) -> np.ndarray:
    """Linear light as sRGB, 0..255 (IEC 61966-2-1)."""
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
def test_adobe_rgb_becomes_srgb(tmp_path, name):
    own = np.array([[90, 150, 80], [200, 120, 100], [128, 128, 128], [60, 70, 160]], np.uint8)
    options = {"lossless": True} if name == "a.webp" else {"quality": 100, "subsampling": 0} if name == "a.jpg" else {}
    tiles = np.repeat(np.repeat(own[None], 16, axis=0), 16, axis=1)
    Image.fromarray(tiles).save(tmp_path / name, icc_profile=profile(b"RGB ", 2.19921875, ADOBE), **options)
    expected = encoded((own / 255) ** 2.19921875 @ np.transpose(ADOBE) @ TO_SRGB.T)
    np.testing.assert_allclose(read_rgb(tmp_path / name)[8, 8::16], expected, atol=2.6)


def test_a_grey_profile_is_applied(tmp_path):
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    Image.fromarray(np.repeat(levels[None], 8, axis=0)).save(tmp_path / "a.png", icc_profile=profile(b"GRAY", 1.8))
    expected = np.repeat(encoded((levels / 255) ** 1.80078125)[:, None], 3, axis=-1)
    np.testing.assert_allclose(read_rgb(tmp_path / "a.png")[0], expected, atol=2)


def test_alpha_is_dropped_and_orientation_applied_with_a_profile(tmp_path):
    image = Image.new("RGBA", (6, 4), (90, 150, 80, 10))
    exif = image.getexif()
    exif[0x112] = 6
    image.save(tmp_path / "a.png", icc_profile=profile(b"RGB ", 2.19921875, ADOBE), exif=exif)
    rgb = read_rgb(tmp_path / "a.png")
    assert rgb.shape == (6, 4, 3) and rgb[0, 0, 0] < 75


def test_srgb_in_a_profile_changes_no_pixel(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(rgb).save(tmp_path / "a.png", icc_profile=srgb)
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png"), rgb)


@pytest.mark.parametrize("content", [b"no profile at all", profile(b"GRAY", 2.2), profile(b"RGB ", 2.2, ADOBE)[:200]])
def test_a_profile_that_cannot_be_used_is_said(tmp_path, content):
    rgb = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(tmp_path / "a.png", icc_profile=content)
    with pytest.warns(UserWarning, match=r"a\.png: its colour profile cannot be used"):
        read = read_rgb(tmp_path / "a.png")
    np.testing.assert_array_equal(read, rgb)


def test_a_grey_picture_with_the_profile_of_a_screen(tmp_path):
    Image.new("L", (4, 4), 128).save(tmp_path / "a.png", icc_profile=profile(b"RGB ", 2.19921875, ADOBE))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.ptp(read_rgb(tmp_path / "a.png")) <= 1


def with_code_points(path, points: bytes):
    """A grey PNG with a cICP chunk (PNG, third edition, 11.3.2.6) before its pixels."""
    write_png(path, np.full((4, 5, 3), 128, np.uint8))
    coded, chunk = path.read_bytes(), b"cICP" + points
    chunk = struct.pack(">I", len(points)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path.write_bytes(coded[:33] + chunk + coded[33:])
    return path


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ((9, 16, 0, 1), "PQ"),
        ((9, 18, 0, 1), "HLG"),
        ((1, 16, 0, 1), "PQ"),
        ((9, 14, 0, 1), "BT.2020"),
        ((12, 13, 0, 1), "P3"),
    ],
)
def test_colours_that_only_code_points_describe_are_refused(tmp_path, points, said):
    path = with_code_points(tmp_path / "a.png", bytes(points))
    for read in (read_rgb, upright_size):
        with pytest.raises(HighDynamicRange, match=rf"a\.png: its colours are .*{said}.*expected SDR") as caught:
            read(path)
    assert caught.value.reason == "hdr"


@pytest.mark.parametrize("points", [(1, 13, 0, 1), (1, 1, 0, 1), (2, 2, 0, 1), (9,), ()])
def test_code_points_of_sdr_and_broken_ones_change_nothing(tmp_path, points):
    assert (read_rgb(with_code_points(tmp_path / "a.png", bytes(points))) == 128).all()


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
def test_a_profile_of_high_dynamic_range_is_refused_and_one_of_a_wide_gamut_is_used(tmp_path, name):
    image = Image.new("RGB", (5, 4), (90, 150, 80))
    for points in ((9, 16, 0, 1), (9, 18, 0, 1)):
        image.save(tmp_path / name, icc_profile=profile(b"RGB ", 2.2, ADOBE, bytes(points)))
        with pytest.raises(HighDynamicRange):
            read_rgb(tmp_path / name)
    image.save(tmp_path / name, icc_profile=profile(b"RGB ", 2.2, ADOBE, bytes((9, 1, 0, 1))))
    assert read_rgb(tmp_path / name)[0, 0, 0] < 75
