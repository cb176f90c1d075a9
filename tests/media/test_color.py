"""The colour conventions, pinned: units, range, rounding, and the tensor version against scikit-image."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.color import lab2rgb

from media.color import (
    clipped_rgb_from_lab,
    grey8,
    lab_from_rgb,
    luminance_from_rgb,
    rgb_from_lab,
    rgb_tensor_from_lab,
    with_luminance,
)

PUBLISHED = np.load(Path(__file__).parents[1] / "bench" / "parity" / "devc.npz")


def test_convention_lab_units():
    """White, black and the primaries, from the definition of CIELAB for D65."""
    colors = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]]], np.uint8)
    expected = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]]
    np.testing.assert_allclose(lab_from_rgb(colors)[0], expected, atol=0.02)
    assert lab_from_rgb(colors).dtype == np.float32


def test_lab_equals_the_published_program():
    expected = PUBLISHED["lab/lab_from_rgb_u8"].transpose(1, 2, 0) + (50, 0, 0)
    np.testing.assert_allclose(lab_from_rgb(PUBLISHED["lab/rgb_u8"]), expected, atol=1e-4)


def test_every_grey_and_many_colours_survive_the_round_trip():
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    colors = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for rgb in (greys, colors):
        lab = lab_from_rgb(rgb)
        np.testing.assert_array_equal(rgb_from_lab(lab), rgb)
        np.testing.assert_array_equal(with_luminance(lab[..., 0], lab[..., 1:]), rgb)


def test_no_chroma_is_exactly_grey():
    lab = np.zeros((100, 101, 3), np.float32)
    lab[..., 0] = np.linspace(0, 100, 100 * 101).reshape(100, 101)
    rgb = rgb_from_lab(lab)
    assert (rgb == rgb[..., :1]).all()


def test_every_color_of_the_gamut_survives_the_round_trip():
    """A grid of all three channels with its faces, edges and corners: rounding puts nothing outside."""
    levels = np.array([0, 1, 2, 5, 9, 10, 11, 30, 60, 90, 128, 160, 200, 230, 250, 253, 254, 255], np.uint8)
    rgb = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
    for lab in (lab_from_rgb(rgb), lab_from_rgb(rgb).astype(np.float64)):
        np.testing.assert_array_equal(rgb_from_lab(lab), rgb)


def grid_of_lab():
    """Colours in and far outside the gamut, half of them nearly black or nearly white: (59, 41, 41, 3)."""
    chroma = np.linspace(-200, 200, 41)
    lightness = np.concatenate([np.linspace(0, 3, 16), np.linspace(4, 96, 27), np.linspace(97, 100, 16)])
    return np.stack(np.meshgrid(lightness, chroma, chroma, indexing="ij"), axis=-1)


def grey_level(lightness):
    """The level, not rounded, of the neutral grey of this L: CIE's and sRGB's definitions."""
    y = np.where(lightness > 8, ((np.asarray(lightness) + 16) / 116) ** 3, np.asarray(lightness) / 903.3)
    return 255 * np.where(y > 0.0031308, 1.055 * y ** (1 / 2.4) - 0.055, 12.92 * y)


def test_luminance_is_kept_for_any_chroma():
    lab = grid_of_lab()
    kept = lab_from_rgb(rgb_from_lab(lab))[..., 0]
    assert np.abs(kept - lab[..., 0]).max() < 0.25
    in_levels = np.abs(grey_level(kept) - grey_level(lab[..., 0]))
    assert in_levels.max() < 0.57 and (in_levels > 0.5).mean() < 2e-4  # the few are darker than level 12


def test_out_of_gamut_keeps_its_hue_and_as_much_chroma_as_there_is():
    lab = grid_of_lab()[16:43]
    kept = lab_from_rgb(rgb_from_lab(lab))
    ab, wanted = kept[..., 1] + 1j * kept[..., 2], lab[..., 1] + 1j * lab[..., 2]
    colored = np.abs(ab) > 20
    turned = np.degrees(np.abs(np.angle(ab[colored] / wanted[colored])))
    assert turned.max() < 3 and turned.mean() < 0.3  # of the 8 bits
    assert (np.abs(ab) <= np.abs(wanted) + 1.5).all()
    red = rgb_from_lab(np.array([[[53.24, 1.5 * 80.09, 1.5 * 67.20]]]))  # beyond the primary: the primary itself
    np.testing.assert_array_equal(red, [[[255, 0, 0]]])


def test_black_stays_black_and_white_stays_white():
    chroma = np.stack(np.meshgrid(*[np.linspace(-200, 200, 21)] * 2), axis=-1)
    for lightness, level in ((0, 0), (-3, 0), (100, 255), (104, 255)):
        assert (with_luminance(np.full((21, 21), np.float32(lightness)), chroma) == level).all()


def test_a_yellow_that_grazes_the_edge_keeps_its_chroma():
    """Lines of one hue run along the gamut's edge there: a step in L of half a level must not cost half the chroma."""
    yellow = lab_from_rgb(np.array([[[255, 255, 0]]], np.uint8)) + np.float32([0.1, 0, 0])
    assert rgb_from_lab(yellow)[0, 0, 2] < 50


def test_clipping_is_there_for_the_published_program(recwarn):
    """Black with ab becomes a colour, as published; inside the gamut nothing differs. No warning for each pixel."""
    black = np.array([[[0, 30.0, 0]]])
    np.testing.assert_array_equal(clipped_rgb_from_lab(black), np.rint(255 * lab2rgb(black)))
    assert clipped_rgb_from_lab(black)[0, 0, 0] > 40
    recwarn.clear()  # lab2rgb's own
    rgb = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    np.testing.assert_array_equal(clipped_rgb_from_lab(lab_from_rgb(rgb)), rgb)
    assert not recwarn.list


@pytest.mark.parametrize("convert", [rgb_from_lab, clipped_rgb_from_lab])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_no_picture(convert, value):
    lab = np.zeros((4, 4, 3))
    lab[1, 2, 1] = value
    with pytest.raises(ValueError, match="1 of 48 values"):
        convert(lab)


def test_large_pictures_are_converted_in_strips_with_the_same_bytes(monkeypatch):
    rgb = np.random.default_rng(0).integers(0, 256, (67, 53, 3), np.uint8)
    lab = lab_from_rgb(rgb) * np.float32([1, 1.5, 1.5])

    def converted():
        joined = with_luminance(lab[..., 0], lab[..., 1:])
        return [*(convert(rgb) for convert in (lab_from_rgb, luminance_from_rgb)), rgb_from_lab(lab), joined,
                clipped_rgb_from_lab(lab)]  # fmt: skip

    whole = converted()
    for strip in (1, 53 * 3 * 10):
        monkeypatch.setattr("media.color.STRIP", strip)
        for expected, found in zip(whole, converted(), strict=True):
            assert found.dtype == expected.dtype and np.array_equal(found, expected)


def test_a_large_picture_takes_no_multiple_of_its_own_memory():
    rgb = np.full((1500, 1000, 3), 90, np.uint8)
    tracemalloc.start()
    luminance = luminance_from_rgb(rgb)
    with_luminance(luminance, np.zeros((*luminance.shape, 2), np.float32))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6  # the float64 copies of all of it took 500 MB


def test_grey8_spans_eight_bits():
    np.testing.assert_array_equal(grey8(np.array([[0.0, 60.0, 100.0, 100.4]])), [[0, 153, 255, 255]])


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="uint8 RGB"):
        lab_from_rgb(np.zeros((4, 4, 3), np.float32))


def test_tensor_version_equals_scikit_image_inside_the_gamut():
    lab = lab_from_rgb(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8))
    got = rgb_tensor_from_lab(torch.from_numpy(lab).permute(2, 0, 1)[None])
    np.testing.assert_allclose(got[0].permute(1, 2, 0), lab2rgb(lab), atol=2e-4)


def test_tensor_version_equals_the_published_program():
    got = rgb_tensor_from_lab(torch.from_numpy(PUBLISHED["lab/lab"]))
    np.testing.assert_allclose(got, PUBLISHED["lab/rgb"], atol=2e-5)


def test_tensor_version_has_finite_gradients_everywhere():
    lab = (
        torch.rand(1, 3, 32, 32) * torch.tensor([100.0, 250, 250])[:, None, None]
        - torch.tensor([0, 125, 125])[:, None, None]
    )
    lab[..., :4, :] = 0  # black, where the slope of the gamma is infinite
    lab.requires_grad_()
    rgb_tensor_from_lab(lab).sum().backward()
    assert torch.isfinite(lab.grad).all()
