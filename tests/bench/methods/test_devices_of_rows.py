"""Where rows compute: all that a network is made of and given lies on its device, and what comes back is an array.

There need not be a GPU. PyTorch's device `meta` has shapes and no numbers, and will not be mixed with the CPU.
"""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from bench.methods.contract.rows import load, names
from vision.placing import MissingDevice

ROWS = [name for name in names() if load(name, {}).uses_device]


@pytest.fixture
def elsewhere(monkeypatch):
    """Whatever device is asked for is `meta`; the shapes of the results that came back from there."""
    returned = []

    def as_array(maps: torch.Tensor) -> np.ndarray:
        assert maps.device.type == "meta"
        returned.append(tuple(maps.shape))
        return np.zeros((*maps.shape[2:], maps.shape[1]), np.float32)

    for place in ("media.tensors", "bench.methods.contract.feature_match", "colorize.inference.colorizer"):
        monkeypatch.setattr(f"{place}.as_array", as_array)
    monkeypatch.setattr("vision.placing.device_called", lambda _: torch.device("meta"))
    # What needs numbers, or a device that PyTorch knows to compute with.
    monkeypatch.setattr("media.color.ab_from_rgb_tensor", lambda rgb: rgb[:, :2])
    monkeypatch.setattr(torch.Tensor, "unique", lambda self, **_: (self, self))
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    return returned


def networks_of(method) -> list[nn.Module]:
    held = [*vars(method).values(), *vars(vars(method).get("colorizer", object)).values()]
    return [value for value in held if isinstance(value, nn.Module)]


def test_every_row_with_a_network_of_its_own_can_use_a_device():
    assert set(ROWS) == {
        "fusion", "he2018", "iizuka2016", "lai2018", "larsson2016", "nn_match", "ours", "stn2018", "vpn2017",
        "zhang2016", "zhang2017",
    }  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_nothing_stays_on_the_cpu(name, model_of, elsewhere, toy_lab, toy_given):
    method = load(name, {}, replace(model_of(name), device="cuda"))
    results = list(method.colorize(iter(toy_lab[..., 0]), toy_given))
    assert len(results) == len(toy_lab) and all(isinstance(ab, np.ndarray) for ab in results)
    assert elsewhere and {shape[:2] for shape in elsewhere} == {(1, 2)}
    networks = networks_of(method)
    tensors = [tensor for network in networks for tensor in (*network.parameters(), *network.buffers())]
    assert tensors and {tensor.device.type for tensor in tensors} == {"meta"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_named(model_of, toy_lab, toy_given):
    method = load("zhang2016", {}, replace(model_of("zhang2016"), device="cuda"))
    with pytest.raises(MissingDevice, match="PyTorch sees no GPU here"):
        next(method.colorize(iter(toy_lab[..., 0]), toy_given))
