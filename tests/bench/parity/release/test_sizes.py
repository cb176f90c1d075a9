"""The release's fitting rules; test_parity_release.py holds them to the published program's images."""

import numpy as np
import pytest

from bench.parity.release import sizes


@pytest.mark.parametrize("rule", [sizes.cover, sizes.squeeze])
@pytest.mark.parametrize("source", [(90, 100), (60, 150), (80, 120), (64, 96), (33, 77), (200, 90)])
@pytest.mark.parametrize("size", [(64, 96), (54, 96), (65, 97)])
def test_the_size_is_met(rule, source, size):
    image = np.random.default_rng(0).integers(0, 256, (*source, 3), dtype=np.uint8)
    fitted = rule(image, size)
    assert fitted.shape == (*size, 3) and fitted.dtype == np.uint8


def test_an_image_of_the_right_size_is_left_alone():
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    assert np.array_equal(sizes.cover(image, (64, 96)), image)


def test_a_tall_photograph_is_squeezed_and_a_wide_one_is_cut():
    gradient = np.tile(np.arange(96, dtype=np.uint8)[:, None, None], (1, 96, 3))
    squeezed, covered = sizes.squeeze(gradient, (36, 96)), sizes.cover(gradient, (36, 96))
    assert np.ptp(squeezed[:, 0, 0]) > 60 > np.ptp(covered[:, 0, 0])
