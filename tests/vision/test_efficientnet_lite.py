"""EfficientNet-Lite0 is timm's, bit for bit, and leaves random numbers where timm's constructor leaves them."""

import pytest
import timm
import torch

from vision.backbones import load_backbone


@pytest.fixture(scope="module")
def ours():
    return load_backbone("efficientnet_lite0", "nowhere")


@pytest.fixture(scope="module")
def timms(ours):
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    network.load_state_dict(dict(zip(network.state_dict(), ours.net.state_dict().values(), strict=True)))
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("size", [(64, 96), (112, 192), (97, 131)])
def test_equals_timm(ours, timms, size):
    rgb = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    levels = timms.forward_intermediates(2 * rgb - 1, indices=[0, 1, 2, 3], intermediates_only=True, stop_early=True)
    for found, expected in zip(ours.levels(rgb), levels, strict=True):
        assert torch.equal(found, expected)
    assert torch.equal(ours.pooled(rgb), timms.forward_head(timms.forward_features(2 * rgb - 1), pre_logits=True))
    assert torch.equal(ours.logits(rgb), timms(2 * rgb - 1))


def test_its_gradients_equal_timms(ours, timms):
    pictures = [torch.full((1, 3, 64, 96), 0.3, requires_grad=True) for _ in range(2)]
    ours.levels(pictures[0])[-1].square().sum().backward()
    options = {"indices": [3], "intermediates_only": True, "stop_early": True}
    timms.forward_intermediates(2 * pictures[1] - 1, **options)[0].square().sum().backward()
    assert torch.equal(pictures[0].grad, pictures[1].grad)


def test_what_is_drawn_next_is_what_timm_leaves():
    torch.manual_seed(0)
    timm.create_model("tf_efficientnet_lite0", pretrained=False)
    expected = torch.rand(4)
    torch.manual_seed(0)
    load_backbone("efficientnet_lite0", "nowhere")
    assert torch.equal(torch.rand(4), expected)
