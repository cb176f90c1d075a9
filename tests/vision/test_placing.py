"""Naming the device on which networks run."""

import pytest
import torch

from vision.placing import MissingDevice, device_called


def test_the_cpu_is_always_there():
    assert device_called("cpu") == torch.device("cpu")


@pytest.mark.parametrize("there", [True, False])
def test_a_gpu_is_taken_where_there_is_one(monkeypatch, there):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert device_called("auto").type == ("cuda" if there else "cpu")
    if there:
        assert device_called("cuda").type == "cuda"
    else:
        with pytest.raises(ValueError, match="PyTorch sees no GPU"):
            device_called("cuda")


@pytest.mark.parametrize("name", ["tpu", "", "CPU"])
def test_another_name_is_refused(name):
    with pytest.raises(MissingDevice, match=r"there is no device .*expected one of cpu, cuda, auto"):
        device_called(name)
