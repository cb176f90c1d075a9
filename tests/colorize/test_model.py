"""The whole generator: shapes, sizes, what it must do, and what its extensions are before anything is learned."""

from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bench.methods.fusion import matched_share
from colorize.model import ExemplarModel, Last, Matched
from media.flow_files import warp
from vision.backbones import Backbone

GATED = {"matching": "context", "history": "aligned", "output": "gated"}
CHOICES = [
    dict(zip(("protocol", "matching", "history", "output"), values, strict=True))
    for values in product(("paper", "release"), ("subnet", "context"), ("previous", "aligned"), ("direct", "gated"))
]


class Pyramid(Backbone):
    """Four levels of average pooling: quick, and enough to tell places apart."""

    label, level_channels = "pyramid", (3, 3, 3, 3)

    def levels(self, rgb):
        return [torch.nn.functional.avg_pool2d(rgb, 2**k, ceil_mode=True) for k in (1, 2, 3, 4)]


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ExemplarModel(Pyramid(), width=0.125)


@pytest.fixture
def gated():
    torch.manual_seed(0)
    return ExemplarModel(Pyramid(), width=0.125, **GATED)


def some_lab(batch=1, height=64, width=96):
    """Soft colours, as of a picture: matching needs places that differ."""
    coarse = torch.rand(batch, 3, 5, 7) * torch.tensor([80.0, 80, 80]).reshape(3, 1, 1)
    lab = F.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 100)
    return lab - torch.tensor([0.0, 40, 40]).reshape(3, 1, 1)


def some_motion(batch=1, height=64, width=96):
    flow = 2 * F.interpolate(torch.randn(batch, 2, 4, 6), size=(height, width), mode="bicubic")
    return flow, (torch.rand(batch, 1, height, width) > 0.3).float()


@pytest.mark.parametrize("size", [(64, 96), (216, 384), (72, 40)])
def test_a_frame_keeps_its_size(model, size):
    lab = torch.rand(2, 3, *size) * 50
    reference = model.encode_reference(lab)
    assert model(lab[:, :1], reference).shape == (2, 2, *size)
    found, grid = model.align(model.features(lab[:, :1]), reference), tuple(-(-s // 4) for s in size)
    assert found.warped.shape == (2, 3, *grid)
    assert found.confidence.shape == found.spread.shape == (2, 1, *grid)


def test_reference_and_frame_may_differ_in_size(model):
    reference = model.encode_reference(torch.rand(1, 3, 40, 56) * 50)
    assert model(torch.rand(1, 1, 64, 96) * 100, reference).shape == (1, 2, 64, 96)


@pytest.mark.parametrize("choices", CHOICES, ids=lambda choices: "-".join(choices.values()))
def test_every_choice_colours_with_and_without_a_history(choices):
    model = ExemplarModel(Pyramid(), width=0.125, **choices)
    lab = some_lab(2)
    reference = model.encode_reference(lab)
    for last in (None, Last(lab, *some_motion(2))):
        ab = model(lab[:, :1], reference, last)
        assert ab.shape == (2, 2, 64, 96) and torch.isfinite(ab).all()


def test_training_starts_at_grey(model):
    lab = torch.rand(1, 3, 64, 96) * 50
    assert model(lab[:, :1], model.encode_reference(lab), Last(lab)).abs().max() == 0


def test_noise_on_features_moves_the_reference_only_where_asked(model):
    lab = torch.rand(2, 3, 64, 64) * 50
    clean = model.encode_reference(lab).columns
    noisy = model.encode_reference(lab, torch.tensor([0.0, 0.5])).columns
    torch.testing.assert_close(noisy[0], clean[0])
    assert (noisy[1] - clean[1]).abs().max() > 0.01


def test_by_context_only_the_greys_of_the_reference_are_compared(model, gated):
    lab = some_lab()
    other = torch.cat([lab[:, :1], -lab[:, 1:]], dim=1)
    assert torch.equal(gated.encode_reference(lab).columns, gated.encode_reference(other).columns)
    assert not torch.equal(model.encode_reference(lab).columns, model.encode_reference(other).columns)


def test_by_context_a_picture_finds_itself(gated):
    lab = some_lab()
    found = gated.align(gated.features(lab[:, :1]), gated.encode_reference(lab))
    truth = F.avg_pool2d(lab, 4)
    still = (truth - truth.mean(dim=(2, 3), keepdim=True)).abs().mean()
    assert (found.warped - truth).abs().mean() < 0.5 * still
    torch.testing.assert_close(found.confidence, torch.ones(1, 1, 16, 24))


def test_the_untrained_gate_is_the_rule_of_the_row_fusion(gated):
    """Given the same W: g W + (1 - g) P with the g of bench.methods.fusion, which the logit keeps off 0 and 1."""
    lab, last = some_lab(), some_lab()
    last[:, :1] = lab[:, :1] + 3 * torch.randn(1, 1, 64, 96)
    flow, visible = some_motion()
    found = gated.align(gated.features(lab[:, :1]), gated.encode_reference(some_lab()))
    with torch.no_grad():
        ab = gated.color(lab[:, :1], found, Last(last, flow, visible))[0].permute(1, 2, 0).numpy()

    motion = flow[0].permute(1, 2, 0).numpy()
    past = warp(last[0].permute(1, 2, 0).numpy(), motion)
    share = matched_share(lab[0, 0].numpy() - past[..., 0], visible[0, 0].numpy() > 0)[..., None]
    assert 0.1 < share.min() < 0.2 and share.max() == 1
    w = F.interpolate(found.warped[:, 1:], scale_factor=4, mode="bilinear")[0].permute(1, 2, 0).detach().numpy()
    kept = np.clip(share, 0.01, 0.99)
    np.testing.assert_allclose(ab, kept * w + (1 - kept) * past[..., 1:], atol=2e-3)
    np.testing.assert_allclose(ab, share * w + (1 - share) * past[..., 1:], atol=0.01 * np.abs(w - past[..., 1:]).max())


def test_an_untrained_gate_without_a_history_shows_the_matched_colours(gated):
    lab = some_lab()
    found = gated.align(gated.features(lab[:, :1]), gated.encode_reference(lab))
    w = F.interpolate(found.warped[:, 1:], scale_factor=4, mode="bilinear")
    torch.testing.assert_close(gated.color(lab[:, :1], found, None), 0.99 * w, atol=1e-3, rtol=0)


def test_an_aligned_history_needs_the_flow(gated):
    lab = some_lab()
    with pytest.raises(ValueError, match=r"Last\.flow"):
        gated(lab[:, :1], gated.encode_reference(lab), Last(lab))


def test_a_history_is_moved_or_fed_as_it_is():
    lab, (flow, visible) = some_lab(), some_motion()
    last = Last(lab, flow, visible)
    previous, aligned = (ExemplarModel(Pyramid(), 0.125, history=name) for name in ("previous", "aligned"))
    assert previous.past(lab[:, :1], last) is lab
    moved = aligned.past(lab[:, :1], last)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(
        moved, warp(lab[0].permute(1, 2, 0).numpy(), flow[0].permute(1, 2, 0).numpy()), atol=2e-3
    )
    torch.testing.assert_close(aligned.past(lab[:, :1], Last(lab, 0 * flow)), lab, atol=1e-3, rtol=0)
    assert previous.past(lab[:, :1], None)[0, :, 0, 0].tolist() == [50, 0, 0]


def test_a_flow_without_a_mask_counts_as_reliable(gated):
    lab, (flow, visible) = some_lab(), some_motion()
    reference = gated.encode_reference(lab)
    torch.testing.assert_close(
        gated(lab[:, :1], reference, Last(lab, flow)),
        gated(lab[:, :1], reference, Last(lab, flow, torch.ones_like(visible))),
    )


def test_the_spread_is_that_of_the_colours_which_were_mixed(gated):
    lab = some_lab()
    reference = gated.encode_reference(lab)
    reference.lab[:, 1:] = 7.0
    even = gated.align(gated.features(lab[:, :1]), reference)
    torch.testing.assert_close(even.spread, torch.full_like(even.spread, 0.1))  # its floor
    reference.lab[:, 1, ::2], gated.temperature = -7.0, 1e6  # all positions count alike, half of them 14 away
    mixed = gated.align(gated.features(lab[:, :1]), reference)
    torch.testing.assert_close(mixed.spread, torch.full_like(mixed.spread, 7.0), atol=1e-3, rtol=0)


@pytest.mark.parametrize("choices", [{}, {"protocol": "release"}, GATED], ids=["paper", "release", "gated"])
def test_gradients_reach_both_networks_and_the_history(choices):
    torch.manual_seed(0)
    model = ExemplarModel(Pyramid(), width=0.125, **choices)
    torch.nn.init.normal_(model.colorization.output_layer.weight, std=0.1)
    lab, (flow, visible) = some_lab(2), some_motion(2)
    last = some_lab(2).requires_grad_()
    ab = model(lab[:, :1], model.encode_reference(some_lab(2)), Last(last, flow, visible))
    ab.square().mean().backward()
    assert last.grad.abs().sum() > 0
    for network in (model.correspondence, model.colorization):
        assert sum(p.grad.abs().sum() for p in network.parameters() if p.grad is not None) > 0
        assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


def test_the_gradient_of_what_is_matched_is_its_slope(gated):
    """Along a random direction of the features, against a difference of the values."""
    lab = some_lab(1, 32, 40)
    reference, features = gated.encode_reference(some_lab(1, 32, 40)), gated.features(lab[:, :1]).detach()
    direction, weights = torch.randn_like(features), torch.randn(1, 5, 8, 10)

    def value(at) -> torch.Tensor:
        found: Matched = gated.align(at, reference)
        return (weights * torch.cat([found.warped, found.confidence, found.spread], dim=1)).sum()

    gated.temperature = 0.2  # smooth enough for differences in single precision
    at = features.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(at), at)
    step = 3e-3
    slope = (value(features + step * direction) - value(features - step * direction)) / (2 * step)
    assert (gradient * direction).sum().item() == pytest.approx(slope.item(), rel=0.02, abs=0.5)
