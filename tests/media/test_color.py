"""The colour conventions, pinned: units, range, rounding, and the tensor version against scikit-image."""

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.color import lab2rgb

from media.color import grey8, lab_from_rgb, rgb_from_lab, rgb_tensor_from_lab, with_luminance

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


def test_out_of_gamut_is_clipped_without_a_warning(recwarn):
    assert rgb_from_lab(np.full((2, 2, 3), (50, 120, -120), np.float32)).dtype == np.uint8
    assert not recwarn.list


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
