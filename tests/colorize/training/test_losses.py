"""The losses against the published program's values, and their properties."""

from pathlib import Path

import numpy as np
import pytest
import torch

from colorize.training import losses
from media.flow_files import warp_tensor


@pytest.fixture(scope="module")
def published():
    """Inputs and outputs of the published program's loss functions."""
    with np.load(Path(__file__).parents[2] / "bench/parity/devc.npz") as file:
        return {
            name: torch.from_numpy(np.asarray(file[name]))
            for name in file.files
            if name.split("/")[0] in ("ctx", "smooth", "flow", "gan")
        }


@pytest.mark.parametrize("name, bandwidth", [("forward", 0.1), ("forward_h0.5", 0.5)])
def test_contextual_equals_the_published_program(published, name, bandwidth):
    got = losses.contextual_level(published["ctx/X"], published["ctx/Y"], bandwidth)
    assert got.item() == pytest.approx(published[f"ctx/{name}"].mean().item(), abs=1e-5)


def test_smoothness_equals_the_published_program(published):
    truth = published["smooth/lab_gt"].clone()
    truth[:, 0] += 50  # the vectors store L - 50; the program weights with L
    got = 5 * losses.smoothness(published["smooth/lab_pred"][:, 1:], truth)
    assert got.item() == pytest.approx(published["smooth/loss_x5"].item(), rel=1e-5)


def test_warp_and_temporal_equal_the_published_program(published):
    warped = warp_tensor(published["flow/x"], published["flow/flow"])
    torch.testing.assert_close(warped, published["flow/warped"], atol=6.4e-4, rtol=0)
    target, mask = published["flow/target_ab"], published["flow/mask"]
    got = 0.02 * losses.temporal(target, published["flow/x"][:, 1:], published["flow/flow"], mask)
    assert got.item() == pytest.approx(published["flow/loss_x0.02"].item(), rel=1e-4)


def test_adversarial_losses_equal_the_published_program(published):
    fake, real = published["gan/y_fake"][:, 0], published["gan/y_real"][:, 0]
    assert losses.adversarial_discriminator(fake, real).item() == pytest.approx(
        published["gan/loss_D"].item(), rel=1e-5
    )
    generator = 0.2 * losses.adversarial_generator(fake, real).item()
    assert generator == pytest.approx(published["gan/loss_G_x0.2"].item(), rel=1e-5)


def test_contextual_leaves_out_a_level_of_weight_zero():
    level, other = torch.randn(2, 8, 4, 4), torch.randn(2, 8, 4, 4)
    once = losses.contextual([level] * 3, [other] * 3, [0, 0, 2])
    torch.testing.assert_close(once, 2 * losses.contextual_level(level, other))


def test_backward_matching_swaps_nothing_but_the_direction():
    """With as many positions on both sides, each the only match of another, the direction makes no difference."""
    picture = torch.randn(1, 64, 4, 4)
    shuffled = picture.flatten(2)[..., torch.randperm(16)].unflatten(2, (4, 4))
    forward, backward = (losses.contextual_each(picture, shuffled, direction=d) for d in ("forward", "backward"))
    torch.testing.assert_close(forward, backward, atol=1e-3, rtol=0)


def test_contextual_prefers_the_same_picture():
    picture, other = torch.randn(1, 16, 6, 6), torch.randn(1, 16, 6, 6)
    assert losses.contextual_level(picture, picture) < losses.contextual_level(other, picture)


def test_smoothness_is_zero_inside_an_even_colour_and_not_across_a_bleeding_edge():
    truth = torch.zeros(1, 3, 8, 8)
    truth[..., 4:] = 40.0  # a strong edge in L, a and b
    even = torch.full((1, 2, 8, 8), 3.0)
    interior = losses.smoothness(even[..., 1:-1, 1:-1], truth[..., 1:-1, 1:-1])
    bleeding = torch.linspace(0, 30, 8).expand(1, 2, 8, 8)
    assert interior < losses.smoothness(bleeding, truth)


def test_l1_counts_only_the_samples_it_applies_to():
    truth = torch.zeros(3, 2, 4, 4)
    ab = torch.stack([torch.full((2, 4, 4), value) for value in (1.0, 10.0, 3.0)])
    assert losses.l1(ab, truth, torch.tensor([1.0, 0.0, 1.0])).item() == pytest.approx(2.0)
    assert losses.l1(ab, truth, torch.zeros(3)).item() == 0


def test_the_releases_l1_divides_by_the_batch_once_more():
    ab, applies = torch.ones(4, 2, 4, 4), torch.tensor([1.0, 0.0, 1.0, 0.0])
    assert losses.l1(ab, 0 * ab, applies, protocol="release").item() == pytest.approx(1 / 4, rel=1e-4)
