"""The video discriminator in both protocols."""

import pytest
import torch

from colorize.networks.discriminator import DISCRIMINATOR, PaperDiscriminator, ReleaseDiscriminator


@pytest.mark.parametrize(
    "protocol, size", [("paper", (64, 64)), ("paper", (112, 192)), ("release", (192, 384)), ("release", (216, 448))]
)
def test_it_scores_each_pair(protocol, size):
    assert DISCRIMINATOR[protocol](0.125)(torch.randn(3, 6, *size)).shape == (3,)


def test_the_release_says_what_size_it_needs():
    with pytest.raises(ValueError, match=r"at least \(192, 384\).*got \(64, 96\).*`paper`"):
        ReleaseDiscriminator(0.125)(torch.randn(1, 6, 64, 96))


def test_the_release_has_as_many_values_as_the_published_file():
    network = ReleaseDiscriminator()
    state = network.state_dict()
    assert (len(state), sum(value.numel() for value in state.values())) == (41, 11_283_107)
    assert sum(parameter.numel() for parameter in network.parameters()) == 11_245_762  # u and v are not trained


def test_the_releases_spectral_norm_moves_in_eval_mode_and_converges():
    network = ReleaseDiscriminator(0.125).eval()
    norm = network.layer3[0]
    before = norm.module.weight_u.clone()
    with torch.no_grad():
        for _ in range(200):
            norm(torch.randn(1, 8, 4, 4))
    assert not before.equal(norm.module.weight_u)
    largest = torch.linalg.matrix_norm(norm.module.weight_bar.flatten(1), 2)
    assert norm.sigma(norm.module.weight_u, norm.module.weight_v).item() == pytest.approx(largest.item(), rel=1e-3)


@pytest.mark.parametrize("network", [PaperDiscriminator(0.125), ReleaseDiscriminator(0.125)])
def test_two_calls_may_share_one_backward_pass(network):
    """As in Eq. 12, where real and fake pairs enter the same loss."""
    fake, real = (network(torch.randn(1, 6, 192, 384)) for _ in range(2))
    (fake - real).sum().backward()
    assert all(p.grad is not None for p in network.parameters() if p.requires_grad)
