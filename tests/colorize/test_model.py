"""The networks: shapes, sizes and what each part must do."""

import pytest
import torch

from colorize.model import ExemplarModel
from colorize.networks.colorization import ColorizationNet
from colorize.networks.correspondence import CorrespondenceNet
from colorize.networks.discriminator import Discriminator
from vision.backbones import Backbone


class Pyramid(Backbone):
    """Four levels of average pooling: quick, and enough to tell places apart."""

    label, level_channels = "pyramid", (3, 3, 3, 3)

    def levels(self, rgb):
        return [torch.nn.functional.avg_pool2d(rgb, 2**k, ceil_mode=True) for k in (1, 2, 3, 4)]


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ExemplarModel(Pyramid(), width=0.125)


@pytest.mark.parametrize("size", [(64, 96), (216, 384), (72, 40)])
def test_a_frame_keeps_its_size(model, size):
    lab = torch.rand(2, 3, *size) * 50
    colored = model(lab[:, :1], model.encode_reference(lab), None)
    grid = tuple(-(-s // 4) for s in size)
    assert colored.ab.shape == (2, 2, *size)
    assert colored.warped_ab.shape == (2, 2, *grid)
    assert colored.confidence.shape == (2, 1, *grid)


def test_reference_and_frame_may_differ_in_size(model):
    reference = model.encode_reference(torch.rand(1, 3, 40, 56) * 50)
    assert model(torch.rand(1, 1, 64, 96) * 100, reference, None).ab.shape == (1, 2, 64, 96)


def test_training_starts_at_grey(model):
    lab = torch.rand(1, 3, 64, 96) * 50
    assert model(lab[:, :1], model.encode_reference(lab), lab).ab.abs().max() == 0


def test_output_stays_within_tanh():
    net = ColorizationNet(0.125)
    torch.nn.init.normal_(net.out.weight, std=100)
    assert net(torch.randn(1, 7, 16, 24)).abs().max() <= 128


def test_an_image_finds_itself():
    """Frame = reference before training: every position matches itself with confidence 1."""
    torch.manual_seed(0)
    net = CorrespondenceNet((3, 3, 3, 3), width=0.25)
    levels = Pyramid().levels(torch.rand(1, 3, 64, 64))
    grid = levels[1].shape[-2:]
    ab = torch.randn(1, 2, grid[0] * grid[1])
    warped, confidence = net.align(net.frame_columns(levels), net.reference_columns(levels), ab, grid)
    torch.testing.assert_close(confidence, torch.ones_like(confidence), atol=1e-4, rtol=0)
    assert (warped.flatten(2) - ab).abs().mean() < 0.5


def test_full_width_is_the_papers():
    """Tables 2-4 at width 1, within the count of the published program (6.92, 32.8 and 11.2 million)."""
    millions = [
        sum(p.numel() for p in net.parameters()) / 1e6
        for net in (CorrespondenceNet((128, 256, 512, 512)), ColorizationNet(), Discriminator())
    ]
    assert millions[0] == pytest.approx(6.9, abs=0.1)
    assert 25 < millions[1] < 33
    assert millions[2] == pytest.approx(11.2, abs=0.3)


@pytest.mark.parametrize("size", [(64, 64), (112, 192), (216, 384)])
def test_discriminator_scores_each_pair(size):
    scores = Discriminator(0.125)(torch.randn(3, 6, *size))
    assert scores.shape == (3,)


def test_noise_on_features_moves_the_reference_only_where_asked(model):
    lab = torch.rand(2, 3, 64, 64) * 50
    clean = model.encode_reference(lab).columns
    noisy = model.encode_reference(lab, torch.tensor([0.0, 0.5])).columns
    torch.testing.assert_close(noisy[0], clean[0])
    assert (noisy[1] - clean[1]).abs().max() > 0.01
