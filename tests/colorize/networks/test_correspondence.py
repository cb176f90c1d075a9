"""The correspondence subnet: any size, what each protocol has, and like finding like."""

import pytest
import torch
import torch.nn.functional as F

from colorize.networks.correspondence import CORRESPONDENCE, PaperCorrespondence, ReleaseCorrespondence, on_grid, unit
from vision.matching import unit_columns

VGG19 = (128, 256, 512, 512)


def pyramid(rgb, ceil_mode=True):
    """Four levels of average pooling: quick, and enough to tell places apart."""
    return [F.avg_pool2d(rgb, 2**k, ceil_mode=ceil_mode) for k in (1, 2, 3, 4)]


@pytest.mark.parametrize("protocol", CORRESPONDENCE)
@pytest.mark.parametrize("ceil_mode", [True, False])
@pytest.mark.parametrize("size", [(64, 96), (216, 384), (72, 40), (70, 99)])
def test_features_lie_on_the_grid_of_the_second_level(protocol, ceil_mode, size):
    network = CORRESPONDENCE[protocol]((3, 3, 3, 3), width=0.125)
    levels = pyramid(torch.rand(2, 3, *size), ceil_mode)
    for features in (network.frame_features(levels), network.reference_features(levels)):
        assert features.shape == (2, 32, *levels[1].shape[-2:])


def test_an_image_finds_itself_before_training():
    """In the paper's protocol frame and reference share everything, so every position matches itself."""
    network = PaperCorrespondence((3, 3, 3, 3), width=0.25)
    levels = pyramid(torch.rand(1, 3, 64, 64))
    query, key = (unit_columns(f(levels).flatten(2)) for f in (network.frame_features, network.reference_features))
    similar = (query.transpose(1, 2) @ key)[0]
    assert similar.argmax(dim=1).equal(torch.arange(len(similar)))


def test_the_paper_joins_1024_channels_into_256():
    network = PaperCorrespondence(VGG19)
    first, *others = network.layer
    assert first.shortcut.weight.shape == (256, 1024, 1, 1)
    assert all(isinstance(block.shortcut, torch.nn.Identity) for block in others) and len(others) == 2


def test_the_release_has_as_many_values_as_the_published_file():
    state = ReleaseCorrespondence(VGG19).state_dict()
    assert (len(state), sum(value.numel() for value in state.values())) == (43, 6_917_131)


def test_the_release_normalises_the_levels_and_the_paper_does_not():
    levels = pyramid(torch.rand(1, 3, 64, 64))
    strengths = torch.linspace(0.5, 2, 8).expand(1, 1, 8, 8)
    uneven = levels[:2] + [levels[2] * strengths] + levels[3:]
    for protocol, same in (("release", True), ("paper", False)):
        network = CORRESPONDENCE[protocol]((3, 3, 3, 3), width=0.125)
        difference = (network.frame_features(levels) - network.frame_features(uneven)).abs().max()
        assert (difference < 1e-4) == same


def test_a_position_without_features_stays_zero():
    assert unit(torch.zeros(1, 4, 2, 2)).abs().max() == 0


def test_a_branch_is_padded_evenly_or_cut_below_and_right():
    x = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert on_grid(x, (2, 3)).equal(x)
    assert on_grid(x, (4, 3))[0, 0, :, 0].tolist() == [0, 0, 3, 3]
    assert on_grid(x, (5, 3))[0, 0, :, 0].tolist() == [0, 0, 3, 3, 3]
    assert on_grid(x, (1, 4))[0, 0].tolist() == [[0, 1, 2, 2]]


def test_too_small_an_image_says_how_large_it_must_be():
    with pytest.raises(ValueError, match="at least 32 pixels"):
        ReleaseCorrespondence((3, 3, 3, 3), 0.125).frame_features(pyramid(torch.rand(1, 3, 16, 64)))
