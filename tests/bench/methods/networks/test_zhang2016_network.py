"""Zhang 2016: the published names and sizes, the bins, the soft targets, the rebalanced loss, the annealed mean."""

import numpy as np
import pytest
import torch

from bench.methods.networks import zhang2016_network
from bench.methods.networks.zhang2016_network import (
    Zhang2016Network,
    bins,
    loss,
    rebalancing,
    soft_encoding,
    target,
)
from bench.parity.systems.systems import annealed_mean


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return Zhang2016Network(width=0.25).eval()


def test_sizes_are_the_published_ones(small):
    network = Zhang2016Network()
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert len(shapes) == 82 and sum(p.numel() for p in network.parameters()) == 32_236_011
    assert shapes["model1.4.running_var"] == (64,) and shapes["model8.0.weight"] == (512, 256, 4, 4)
    assert shapes["model8.6.weight"] == (313, 256, 1, 1) and shapes["model_out.weight"] == (2, 313, 1, 1)
    assert sum(p.numel() for p in small.parameters()) == 2_033_211


def test_the_last_layer_is_the_mean_over_the_bins(small):
    lightness = torch.rand(2, 1, 16, 24) * 100
    quarter = annealed_mean(small.logits(lightness).movedim(1, -1), temperature=1)
    wanted = torch.nn.functional.interpolate(quarter.movedim(-1, 1), scale_factor=4, mode="bilinear")
    torch.testing.assert_close(small(lightness), wanted, rtol=1e-4, atol=1e-4)


def test_a_low_temperature_makes_colors_stronger(small):
    lightness = torch.rand(1, 1, 16, 16) * 100
    cold = Zhang2016Network(width=0.25, temperature=zhang2016_network.TEMPERATURE).eval()
    cold.load_state_dict(small.state_dict())
    logits = small.logits(lightness).movedim(1, -1)
    wanted = annealed_mean(logits).movedim(-1, 1)
    got = cold(lightness)
    assert torch.allclose(got.mean((2, 3)), wanted.mean((2, 3)), atol=0.05) and not torch.allclose(
        got, small(lightness)
    )


def test_sides_that_8_does_not_divide_come_back_longer(small):
    assert small(torch.zeros(1, 1, 44, 52)).shape == (1, 2, 48, 56)


def test_bins_are_sorted_and_unique():
    table = bins().tolist()
    assert len(table) == 313 and table == sorted(table) and len({tuple(row) for row in table}) == 313
    assert table[0] == [-90, 50] and table[-1] == [100, 0]


def test_soft_encoding_is_a_gaussian_of_the_nearest_bins():
    ab = torch.tensor([[3.0, -4.0]])
    distances = (bins() - ab).square().sum(1)
    nearest = distances.argsort()[:5]
    wanted = torch.zeros(313)
    wanted[nearest] = torch.exp(-distances[nearest] / 50)
    torch.testing.assert_close(soft_encoding(ab)[0], wanted / wanted.sum())
    assert (soft_encoding(ab, nearest=10) > 0).sum() == 10


def test_soft_encoding_of_a_color_far_from_all_bins_is_a_distribution():
    encoded = soft_encoding(torch.tensor([[-500.0, -500.0]]), sigma=1.0)
    assert torch.isfinite(encoded).all() and encoded.sum().item() == pytest.approx(1)


def test_targets_are_those_of_every_fourth_pixel():
    ab = torch.randn(2, 2, 8, 12) * 30
    assert target(ab).shape == (2, 313, 2, 3)
    torch.testing.assert_close(target(ab)[1, :, 1, 2], soft_encoding(ab[1, :, 4, 8]))


def test_rebalancing_by_hand():
    prior = torch.zeros(313, dtype=torch.float64)
    prior[0], prior[1] = 30, 10
    weights = rebalancing(prior)
    mixed = np.array([0.5 * 0.75 + 0.25, 0.5 * 0.25 + 0.25])
    by_hand = (1 / mixed) / (np.array([0.75, 0.25]) / mixed).sum()
    assert weights[:2].tolist() == pytest.approx(by_hand) and 0.75 * weights[0] + 0.25 * weights[1] == pytest.approx(1)
    assert torch.isfinite(weights).all() and (weights[2:] >= weights[1]).all()


def test_a_prior_without_counts_is_refused():
    for prior in (torch.zeros(313), torch.ones(10), -torch.ones(313)):
        with pytest.raises(ValueError, match="a prior of 313 counts"):
            rebalancing(prior)


def test_the_loss_is_weighted_by_the_likeliest_bin_and_leaves_grey_images_out():
    logits, ab = torch.randn(2, 313, 1, 1), torch.stack([torch.full((2, 4, 4), 42.0), torch.full((2, 4, 4), 4.0)])
    weights = torch.ones(313)
    weights[soft_encoding(ab[0, :, 0, 0]).argmax()] = 3.0
    crossed = -(soft_encoding(ab[0, :, 0, 0]) * logits[0, :, 0, 0].log_softmax(0)).sum()
    assert loss(logits, ab, weights).item() == pytest.approx(3 * crossed.item() / 2, rel=1e-5)


def test_the_loss_refuses_another_grid():
    with pytest.raises(ValueError, match="sides that 8 divides"):
        loss(torch.zeros(1, 313, 12, 14), torch.zeros(1, 2, 44, 52), torch.ones(313))


def test_it_learns_a_color():
    torch.manual_seed(0)
    network = Zhang2016Network(width=0.125)
    lightness, ab = torch.rand(2, 1, 16, 16) * 100, torch.tensor([50.0, 30.0])[None, :, None, None].expand(2, 2, 16, 16)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(20):
        optimizer.zero_grad()
        value = loss(network.logits(lightness), ab, torch.ones(313))
        value.backward()
        optimizer.step()
    assert value.item() < 2.5 and (network(lightness).mean((0, 2, 3)) - ab[0, :, 0, 0]).abs().max() < 15
