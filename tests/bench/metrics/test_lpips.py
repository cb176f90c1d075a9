"""LPIPS: what holds for any weights, with random ones of the right names and shapes in place of AlexNet's."""

import numpy as np
import pytest
import torch

from bench.metrics.lpips import beside, load_lpips, lpips
from vision.weights import ALEXNET, MissingWeights


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    from torchvision.models import alexnet

    torch.manual_seed(0)
    state = {f"features.{name}": value for name, value in alexnet(weights=None).features.state_dict().items()}
    folder = tmp_path_factory.mktemp("weights")
    torch.save(state, folder / ALEXNET.name)
    with pytest.warns(UserWarning, match="not those of the published network"):
        loaded = load_lpips(folder)
    assert torch.equal(loaded.net.slice3[-2].weight, state["features.6.weight"])
    return loaded


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(0, 256, (64, 72, 3), dtype=np.uint8)


def test_zero_for_the_same_and_symmetric(network, rgb):
    other = rgb[::-1].copy()
    assert lpips(rgb, rgb, network) == 0
    assert lpips(rgb, other, network) == pytest.approx(lpips(other, rgb, network), rel=1e-5)
    assert lpips(rgb, other, network) > 0


def test_the_network_sees_pictures_in_minus_one_to_one(network, rgb):
    grey = np.full_like(rgb, 128)
    first, second = (torch.from_numpy(x.transpose(2, 0, 1).copy())[None] / 127.5 - 1 for x in (rgb, grey))
    assert lpips(rgb, grey, network) == pytest.approx(float(network(first, second)), rel=1e-4)


def test_several_pictures_beside_one_truth_are_what_the_package_finds(network, rgb):
    measured = beside(rgb, network)
    tensor = lambda x: torch.from_numpy(x.transpose(2, 0, 1).copy())[None] / 255  # noqa: E731
    for other in (rgb[::-1], rgb // 2, rgb[..., ::-1]):
        expected = float(network(tensor(other), tensor(rgb), normalize=True))
        assert measured(other.copy()) == pytest.approx(expected, rel=1e-5)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingWeights, match=r"alexnet-owt-7be5be79\.pth is missing"):
        load_lpips(tmp_path)
