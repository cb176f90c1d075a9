"""Tensors of pictures: layout, sizes, and the grey that is seen of L."""

import numpy as np
import pytest
import torch

from media.color import luminance_from_rgb
from media.tensors import as_maps, grey, resized, rounded_up


def test_rounded_up():
    assert rounded_up((216, 385), 8) == (216, 392)


@pytest.mark.parametrize("shape, maps", [((3, 4), (1, 1, 3, 4)), ((3, 4, 2), (1, 2, 3, 4))])
def test_maps_have_their_channels_first(shape, maps):
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    x = as_maps(array)
    assert x.shape == maps and x.dtype == torch.float32
    assert x[0, -1, 2, 1] == array.reshape(3, 4, -1)[2, 1, -1]


def test_the_grey_of_a_grey_picture_is_its_level():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    seen = grey(as_maps(luminance_from_rgb(levels)))
    assert torch.allclose(255 * seen[0, 0], torch.arange(256.0).reshape(16, 16), atol=0.01)


def test_a_tensor_of_the_right_size_is_itself_and_another_keeps_its_mean():
    x = torch.rand(2, 3, 8, 12)
    assert resized(x, (8, 12)) is x
    assert resized(x, (4, 6)).shape == (2, 3, 4, 6)
    torch.testing.assert_close(resized(x, (4, 6)).mean(), x.mean(), rtol=0.02, atol=0.02)
