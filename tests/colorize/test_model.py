"""The whole generator: shapes, sizes and what it must do."""

import pytest
import torch

from colorize.model import ExemplarModel, Last
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
    reference = model.encode_reference(lab)
    grid = tuple(-(-s // 4) for s in size)
    assert model(lab[:, :1], reference).shape == (2, 2, *size)
    found = model.align(model.features(lab[:, :1]), reference)
    assert found.warped.shape == (2, 3, *grid)
    assert found.confidence.shape == found.spread.shape == (2, 1, *grid)


def test_reference_and_frame_may_differ_in_size(model):
    reference = model.encode_reference(torch.rand(1, 3, 40, 56) * 50)
    assert model(torch.rand(1, 1, 64, 96) * 100, reference).shape == (1, 2, 64, 96)


def test_training_starts_at_grey(model):
    lab = torch.rand(1, 3, 64, 96) * 50
    assert model(lab[:, :1], model.encode_reference(lab), Last(lab)).abs().max() == 0


def test_noise_on_features_moves_the_reference_only_where_asked(model):
    lab = torch.rand(2, 3, 64, 64) * 50
    clean = model.encode_reference(lab).columns
    noisy = model.encode_reference(lab, torch.tensor([0.0, 0.5])).columns
    torch.testing.assert_close(noisy[0], clean[0])
    assert (noisy[1] - clean[1]).abs().max() > 0.01
