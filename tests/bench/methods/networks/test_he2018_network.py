"""ExampleColorNet: the published network's numbers, its thirteen channels and its losses."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.methods.networks import he2018_network
from bench.methods.networks.he2018_network import ExampleColorNet, error_map, network_input
from bench.parity.recipe import filled

VECTORS = "he2018_examplecolornet.gain1.5.case0"


@pytest.fixture(scope="module")
def vectors():
    with np.load(Path(__file__).parents[2] / "parity/baselines.npz") as arrays:
        yield arrays


def test_equals_the_published_network(vectors):
    """1e-3 of a deviation: in float64 the same network differs by 1.3e-4."""
    with torch.inference_mode():
        ab = filled(ExampleColorNet(), 1.5)(torch.from_numpy(vectors[f"{VECTORS}.in"])).numpy()
    expected = vectors[f"{VECTORS}.out_ab"]
    assert np.abs(ab - expected).max() <= 1e-3 * expected.std()


def test_as_many_values_as_the_published_file():
    state = ExampleColorNet().state_dict()
    assert (len(state), sum(value.numel() for value in state.values())) == (92, 34_071_435)
    small = sum(parameter.numel() for parameter in ExampleColorNet(0.25).parameters())
    assert small == pytest.approx(2.13e6, rel=0.01)


def test_gradients_reach_every_parameter():
    network = ExampleColorNet(0.125)
    ab = network(torch.randn(2, 13, 16, 24))
    assert ab.shape == (2, 2, 16, 24)
    ab.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_sides_that_do_not_halve_three_times_are_refused():
    with pytest.raises(ValueError, match=r"multiples of 8, got \(16, 20\)"):
        ExampleColorNet(0.125)(torch.zeros(1, 13, 16, 20))


def test_channels_of_the_input():
    luminance, ab = torch.full((1, 1, 4, 4), 80.0), torch.tensor([10.0, -20.0])[None, :, None, None].expand(1, 2, 4, 4)
    forward = torch.tensor([127.0, 129, 131, 133, 135])[None, :, None, None].expand(1, 5, 4, 4)
    x = network_input(luminance, ab, forward, torch.zeros(1, 5, 4, 4))
    assert x[0, :, 2, 3].tolist() == [30, 10, -20, 0, 1, 2, 3, 4, *[-63.5] * 5]
    with pytest.raises(ValueError, match="4 and 5 levels"):
        network_input(luminance, ab, forward[:, :4], forward)


def test_error_map_is_a_byte():
    assert error_map(torch.tensor([1.0, 0.5, 0.0, -0.3, 1.2])).tolist() == [0, 127, 255, 255, 0]


def test_losses():
    ab, truth = torch.full((1, 2, 4, 4), 3.0), torch.zeros(1, 2, 4, 4)
    features, true_features = torch.full((1, 8, 2, 2), 20.0), torch.zeros(1, 8, 2, 2)
    assert he2018_network.chrominance(ab, truth) == 2.5  # beyond 1 it is linear
    assert he2018_network.perceptual(features, true_features) == 400
    assert he2018_network.loss(ab, truth, features, true_features) == pytest.approx(4.5)
