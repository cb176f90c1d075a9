"""Larsson 2016: sizes, the hypercolumn's order and grid, decoding, target histograms and their loss."""

import colorsys

import pytest
import torch

from bench.methods.networks import larsson2016_network
from bench.methods.networks.larsson2016_network import (
    Larsson2016Network,
    SmallLarsson2016Network,
    decode,
    enlarged,
    histograms,
    hue_and_chroma,
    lightness_matched,
    loss,
    rgb_from_hsv,
)


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return SmallLarsson2016Network(width=0.25).eval()


def one_hot(index, shape=(1, 1)):
    """Histograms (1, 32, *shape) with all in one bin."""
    histogram = torch.zeros(1, 32, *shape)
    histogram[:, index] = 1
    return histogram


def test_sizes_are_the_published_ones(small):
    with torch.device("meta"):
        network = Larsson2016Network()
    assert sum(p.numel() for p in network.parameters()) == 147_041_024
    shapes = {name: tuple(p.shape) for name, p in network.state_dict().items()}
    assert len(shapes) == 36 and shapes["fc6.weight"] == (4096, 512, 7, 7)
    assert shapes["h_fc1.weight"] == (1024, 12417, 1, 1) and shapes["prediction_c.weight"] == (32, 1024, 1, 1)
    assert sum(p.numel() for p in small.parameters()) == 692_848


def test_the_hypercolumn_has_the_order_of_the_table():
    torch.manual_seed(0)
    network = Larsson2016Network(width=1 / 64).eval()  # 8 channels in each block, 64 in fc6 and fc7
    grey = torch.rand(1, 1, 32, 64)
    column = network.hypercolumn(grey)
    assert column.shape == (1, 1 + 13 * 8 + 2 * 64, 8, 16)
    torch.testing.assert_close(column[:, :1], torch.nn.functional.avg_pool2d(grey, 4))
    conv1_1 = torch.relu(network.conv1_1(grey))
    torch.testing.assert_close(column[:, 1:9], torch.nn.functional.avg_pool2d(conv1_1, 4))
    assert network(grey)[0].shape == (1, 32, 32, 64)


def test_enlarging_is_bilinear_with_zeros_around():
    x = torch.rand(1, 2, 6, 7)
    for factor in (2, 4, 8):
        wanted = torch.nn.functional.interpolate(x, scale_factor=factor, mode="bilinear")
        inner = (..., slice(factor, -factor), slice(factor, -factor))
        torch.testing.assert_close(enlarged(x, factor)[inner], wanted[inner])
    assert enlarged(torch.ones(1, 1, 4, 4), 4)[0, 0, 0, 0].item() == pytest.approx(0.625**2)


def test_predictions_are_distributions_inside(small):
    hue, chroma = small(torch.rand(2, 1, 32, 48))
    for histogram in (hue, chroma):
        torch.testing.assert_close(histogram.sum(1)[:, 2:-2, 2:-2], torch.ones(2, 28, 44))


def test_sides_that_do_not_fit_are_refused(small):
    with pytest.raises(ValueError, match="multiples of 16, got \\(24, 32\\)"):
        small(torch.zeros(1, 1, 24, 32))


@pytest.mark.parametrize("rgb", [(0.2, 0.9, 0.4), (0.9, 0.1, 0.3), (0.1, 0.2, 0.8), (0.8, 0.8, 0.1), (0.5, 0.5, 0.5)])
def test_hue_and_chroma_are_those_of_hsv(rgb):
    hue, chroma = (x.item() for x in hue_and_chroma(torch.tensor(rgb).reshape(1, 3, 1, 1)))
    wanted, saturation, value = colorsys.rgb_to_hsv(*rgb)
    assert hue == pytest.approx(wanted, abs=1e-5) and chroma == pytest.approx(saturation * value, abs=1e-6)
    back = rgb_from_hsv(*(torch.tensor([[[x]]]) for x in (wanted, saturation, value)))
    assert back.flatten().tolist() == pytest.approx(rgb, abs=1e-5)


def test_decoding_keeps_chroma_where_the_hue_is_certain_and_fades_where_it_is_not():
    grey = torch.full((1, 1, 1), 0.5)
    certain = decode(one_hot(4), one_hot(8), grey)
    wanted = colorsys.hsv_to_rgb(4.5 / 32, (8.5 / 32) / (0.5 + 4.25 / 32), 0.5 + 4.25 / 32)
    assert certain.flatten().tolist() == pytest.approx(wanted, abs=1e-5)
    uncertain = decode(torch.full((1, 32, 1, 1), 1 / 32), one_hot(8), grey)
    assert uncertain.flatten().tolist() == pytest.approx([0.5] * 3, abs=1e-5)


def test_the_fade_divides_the_resultant_by_the_bins():
    """Two opposite bins of 0.5 + r / 2 and 0.5 - r / 2 leave a resultant of r / 32: half of 0.03 at r = 0.48."""
    hue = 0.74 * one_hot(0) + 0.26 * one_hot(16)
    rgb = decode(hue, one_hot(8), torch.full((1, 1, 1), 0.5))
    assert (rgb.amax() - rgb.amin()).item() == pytest.approx(8.5 / 32 / 2, abs=1e-5)


def test_lightness_is_matched():
    grey = torch.full((1, 1, 1), 0.5)
    rgb = decode(one_hot(4), one_hot(8), grey)
    assert rgb.mean().item() != pytest.approx(0.5, abs=1e-3)
    assert lightness_matched(rgb, grey).mean().item() == pytest.approx(0.5, abs=1e-6)


def test_histograms_count_the_window_and_end_at_the_border():
    values = torch.zeros(1, 16, 20)
    values[:, :, 10:] = 1.0  # of the last bin
    found = histograms(values)
    assert found.shape == (1, 32, 4, 5) and found.sum(1).allclose(torch.ones(1, 4, 5))
    # The second cell's window is of columns 3..9, the third's of 7..13.
    assert found[0, 31, 1].tolist() == pytest.approx([0, 0, 4 / 7, 1, 1])


def test_the_loss_is_zero_for_the_truth_and_weighs_by_color():
    rgb = torch.tensor([0.75, 0.25, 0.25]).reshape(1, 3, 1, 1).expand(1, 3, 8, 8)
    right = [(1e4 * one_hot(index, (2, 2))) for index in (0, 16)]
    assert loss(*right, rgb).item() == pytest.approx(0, abs=1e-4)
    uniform, by_bins = torch.zeros(1, 32, 2, 2), torch.log(torch.tensor(32.0)).item()
    assert loss(uniform, right[1], rgb).item() == pytest.approx(5 * 0.5 * by_bins, rel=1e-4)
    assert loss(right[0], uniform, rgb).item() == pytest.approx(by_bins, rel=1e-4)  # of a grey of 5/12: weight 1
    assert loss(right[0], uniform, torch.full((1, 3, 8, 8), 0.1)).item() == pytest.approx(0.3 * by_bins, rel=1e-4)


def test_the_modes_are_the_released_ones():
    assert larsson2016_network.CHROMA["mode"](one_hot(0)).item() == 0  # the first bin is grey
    assert larsson2016_network.HUE["mode"](one_hot(3))[0].item() == pytest.approx(3.5 / 32)
    assert larsson2016_network.CHROMA["median"](0.4 * one_hot(2) + 0.6 * one_hot(9)).item() == pytest.approx(9.5 / 32)
