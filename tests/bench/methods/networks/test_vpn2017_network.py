"""The lattice by its invariants and other people's numbers, and the network on top of it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.methods.networks.vpn2017_network import ColorStage, connect, identity, lattice, loss, point_features
from bench.parity.recipe import filled


@pytest.fixture(scope="module")
def vectors():
    with np.load(Path(__file__).parents[2] / "parity/baselines.npz") as arrays:
        yield arrays


def points(vectors) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features of the earlier points, their colours, and features of the frame, float64."""
    return tuple(
        torch.from_numpy(vectors[f"vpn2017.{name}"]) for name in ("feat_in_scaled", "color_in", "feat_out_scaled")
    )


def test_lattice_of_the_vectors(vectors):
    keys, weights = lattice(points(vectors)[0])
    np.testing.assert_array_equal(keys.numpy(), vectors["vpn2017.lattice_keys_in"])
    np.testing.assert_allclose(weights.numpy(), vectors["vpn2017.lattice_bary_in"], atol=1e-5)


def test_weighted_vertices_give_the_point():
    features = 40 * torch.randn(500, 4, dtype=torch.float64)
    keys, weights = lattice(features)
    assert weights.min() >= 0
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(500, dtype=torch.float64))
    found = (weights[..., None] * keys).sum(dim=1)
    for j in range(4):  # the embedding, coordinate by coordinate
        scaled = [features[:, i] * (2 / 3) ** 0.5 * 5 / ((i + 1) * (i + 2)) ** 0.5 for i in range(4)]
        expected = sum(scaled[j:]) - (j * scaled[j - 1] if j else 0)
        torch.testing.assert_close(found[:, j], expected)
    # All coordinates of vertex r, the fifth included, are r modulo 5.
    whole = torch.cat([keys, -keys.sum(dim=-1, keepdim=True)], dim=-1)
    assert (whole % 5 == torch.arange(5)[:, None]).all()


def test_identity_stage_of_the_vectors(vectors):
    earlier, colors, frame = points(vectors)
    expected = vectors["vpn2017.bnn_identity_out"]
    assert np.abs(identity(earlier, colors, frame).numpy() - expected).max() <= 1e-4 * expected.std()
    reached = vectors["vpn2017.bnn_identity_norm"]
    found = connect(earlier, frame).reached(torch.float64)[:, 0].numpy()
    assert np.abs(found - reached).max() <= 1e-4 * reached.std()


def test_color_stage_of_the_vectors(vectors):
    earlier, colors, frame = points(vectors)
    network = filled(ColorStage(), 1.5)
    found = network(earlier, colors.float(), frame, tuple(vectors["vpn2017.HW"].tolist()))
    expected = vectors["vpn2017.stage1_out_gain1.5"]
    assert np.abs(found.numpy() - expected).max() <= 1e-4 * expected.std()


def test_far_points_get_grey_and_near_ones_the_colour():
    earlier = torch.zeros(3, 4)
    frame = torch.tensor([[0.0, 0, 0, 0], [50, 50, 50, 50]])
    found = identity(earlier, torch.tensor([[0.2, -0.1]] * 3), frame)
    torch.testing.assert_close(found, torch.tensor([[0.2, -0.1], [0, 0]]))


def test_features_count_pixels_as_in_a_frame_854_wide():
    luma = torch.full((3, 427), 100.0)
    features = point_features(luma, 2)
    torch.testing.assert_close(features[0], torch.tensor([20, 0, 0, 0.08]))
    torch.testing.assert_close(features[2 * 427 + 5], torch.tensor([20, 0.4, 0.16, 0.08]))


def test_starts_as_stage_0():
    points, grid = (point_features(255 * torch.rand(6, 8), time) for time in (0, 1))
    colors = torch.rand(48, 2) - 0.5
    expected = identity(points, colors, grid).T.unflatten(1, (6, 8))
    torch.testing.assert_close(ColorStage()(points, colors, grid, (6, 8)), expected)


def test_learns_a_hue_that_the_identity_cannot_give():
    network, size = ColorStage(), (6, 8)
    assert sum(parameter.numel() for parameter in network.parameters()) == 11_726
    grid = point_features(255 * torch.rand(size), 1)
    colors, truth = torch.rand(48, 2) - 0.5, torch.full((2, *size), 0.25)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    errors = []
    for _ in range(30):
        error = loss(network(grid, colors, grid, size), truth)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < 0.1 * errors[0]
    assert loss(truth, truth + 0.5) == pytest.approx(0.25)
