"""The reconstructed switchable propagation: linear, stable, and its own opposite."""

import pytest
import torch
from torch import Tensor

from bench.methods.networks.stn2018_network import (
    DIRECTIONS,
    Propagation,
    loss,
    propagated,
    propagated_along,
    stable,
    switched,
)

SHAPE = (2, 3, 5, 7)  # B, C, h, w


def coefficients(total: float) -> Tensor:
    """Random ones of one direction (B, 3, C, h, w), whose magnitudes sum to `total`."""
    raw = torch.randn(2, 3, *SHAPE[1:], dtype=torch.float64)
    return total * raw / raw.abs().sum(dim=1, keepdim=True)


def maps() -> Tensor:
    return torch.randn(SHAPE, dtype=torch.float64)


def turned(x: Tensor) -> Tensor:
    """By half a turn."""
    return x.flip(-1, -2)


def test_sizes_and_gradients():
    network = Propagation(0.25, 16)
    assert sum(parameter.numel() for parameter in network.parameters()) == 164_930
    earlier, later = 100 * torch.rand(2, 2, 1, 16, 24)
    ab = network(earlier, later, torch.randn(2, 2, 16, 24))
    assert ab.shape == (2, 2, 16, 24)
    ab.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_starts_as_a_copy_at_half_the_size():
    ramp = torch.stack(torch.meshgrid(torch.arange(16.0), torch.arange(24.0), indexing="ij"))[None]
    copy = Propagation(0.25, 16)(*100 * torch.rand(2, 1, 1, 16, 24), ramp)
    torch.testing.assert_close(copy[..., 1:-1, 1:-1], ramp[..., 1:-1, 1:-1])  # nothing has moved


def test_sides_that_do_not_halve_twice_are_refused():
    with pytest.raises(ValueError, match=r"multiples of 4, got \(16, 22\)"):
        Propagation(0.25, 16).coefficients(torch.zeros(1, 1, 16, 22), torch.zeros(1, 1, 16, 22))


def test_lines_hear_from_the_three_neighbours_before_them():
    x, part = maps(), coefficients(1)
    found = propagated_along(x, part, "right")
    line = x[..., 0]
    torch.testing.assert_close(found[..., 0], line)
    for j in range(1, SHAPE[-1]):
        w = part[..., j]
        heard = w[:, 1] * line
        heard[..., 1:] += w[:, 0, :, 1:] * line[..., :-1]
        heard[..., :-1] += w[:, 2, :, :-1] * line[..., 1:]
        line = (1 - w.sum(dim=1)) * x[..., j] + heard
        torch.testing.assert_close(found[..., j], line)


@pytest.mark.parametrize("direction, source", [("right", (2, 0)), ("left", (2, 6)), ("down", (0, 3)), ("up", (4, 3))])
def test_colours_go_where_the_direction_says(direction, source):
    x = torch.zeros(1, 1, 5, 7)
    x[0, 0, source[0], source[1]] = 1
    straight = torch.zeros(1, 3, 1, 5, 7)
    straight[:, 1] = 1
    carried = propagated_along(x, straight, direction)[0, 0]
    expected = torch.zeros(5, 7)
    if direction in ("right", "left"):
        expected[source[0]] = 1
    else:
        expected[:, source[1]] = 1
    torch.testing.assert_close(carried, expected)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_each_direction_is_linear(direction):
    x, y, part = maps(), maps(), coefficients(1)
    together = propagated_along(2 * x - 3 * y, part, direction)
    apart = 2 * propagated_along(x, part, direction) - 3 * propagated_along(y, part, direction)
    torch.testing.assert_close(together, apart)


def test_no_difference_grows_on_its_way():
    """Raw coefficients of any size, a line of 200: what differs in the first pixel differs by no more in the last."""
    part = stable(10 * torch.randn(2, 4, 3, 3, 5, 200, dtype=torch.float64))
    assert part.abs().sum(dim=2).max() <= 1 + 1e-12
    x = torch.randn(2, 3, 5, 200, dtype=torch.float64)
    other = x.clone()
    other[..., 0] += torch.rand(2, 3, 5, dtype=torch.float64)
    way = part[:, 0]
    difference = (propagated_along(other, way, "right") - propagated_along(x, way, "right")).abs().amax(dim=2)
    assert (difference.diff(dim=-1) <= 1e-12).all()


def test_small_coefficients_are_left_alone():
    raw = 0.1 * torch.rand(1, 4, 3, 2, 4, 4)
    torch.testing.assert_close(stable(raw), raw)


def test_the_transpose_runs_the_other_way():
    """The matrix of one direction, its gains put aside, is the transpose of that of the opposite direction."""
    part = coefficients(0.9)
    opposite = torch.zeros_like(part)
    # What line j hears from line j - 1 is what line j - 1 hears from line j, neighbours mirrored.
    opposite[:, 1, ..., :-1] = part[:, 1, ..., 1:]
    opposite[:, 0, :, 1:, :-1] = part[:, 2, :, :-1, 1:]
    opposite[:, 2, :, :-1, :-1] = part[:, 0, :, 1:, 1:]
    gain, opposite_gain = 1 - part.sum(dim=1), 1 - opposite.sum(dim=1)
    gain[..., 0] = opposite_gain[..., -1] = 1
    x, y = maps(), maps()
    there = (y * propagated_along(x / gain, part, "right")).sum()
    back = (x * propagated_along(y / opposite_gain, opposite, "left")).sum()
    torch.testing.assert_close(there, back)


def test_switched_coefficients_run_against_the_first_ones():
    """After half a turn of everything, opposite directions have changed places and neighbours their order."""
    x, given = maps(), torch.stack([coefficients(1) for _ in DIRECTIONS], dim=1)
    against = propagated(turned(x), turned(switched(given).flip(2)))
    torch.testing.assert_close(turned(against), propagated(x, given))
    torch.testing.assert_close(switched(switched(given)), given)


def test_loss_counts_the_way_back_less():
    zero, one = torch.zeros(1, 2, 4, 4), torch.ones(1, 2, 4, 4)
    assert loss(one, zero, zero, zero) == 1
    assert 0 < loss(zero, zero, one, zero) < 0.5
