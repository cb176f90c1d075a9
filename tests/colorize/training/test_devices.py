"""One device in 32 bits goes without Lightning Fabric, and trains the same numbers."""

import subprocess
import sys

import pytest
import torch
from lightning.fabric import Fabric
from safetensors.torch import load_file

from colorize.training import loop
from colorize.training.devices import OneDevice, launched, one_device
from colorize.training.exemplar import train
from colorize.training.processes import OF_TORCHRUN


def test_trains_what_fabric_trains(data, settings, tmp_path, monkeypatch):
    results = {}
    for name, place in (("one", OneDevice(torch.device("cpu"))), ("fabric", Fabric(accelerator="cpu", devices=1))):
        monkeypatch.setattr(loop, "launched", lambda settings, place=place: place)
        train(data, settings, tmp_path / name, "efficientnet_lite0", tmp_path, 0)
        results[name] = tmp_path / name
    curves = [(folder / "metrics.jsonl").read_text() for folder in results.values()]
    assert curves[0] == curves[1]
    one, fabric = (load_file(folder / "model.safetensors") for folder in results.values())
    assert one.keys() == fabric.keys() and all(torch.equal(one[name], fabric[name]) for name in one)


def test_fabric_is_for_less_precision_and_several_processes(settings, monkeypatch):
    assert launched(settings) == OneDevice(torch.device("cpu"))
    assert isinstance(launched(settings.model_copy(update={"precision": "bf16-mixed"})), Fabric)
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert launched(settings) == OneDevice(torch.device("cpu"))  # not torchrun's
    monkeypatch.setenv(OF_TORCHRUN, "none")
    with pytest.raises(ValueError, match="3 processes"):
        launched(settings)


def test_one_process_is_one_whatever_a_job_of_slurm_has(settings, monkeypatch):
    slurm = {"NTASKS": "2", "JOB_ID": "5", "JOB_NAME": "x", "PROCID": "0", "LOCALID": "0", "NODEID": "0"}
    for name, value in slurm.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert launched(settings.model_copy(update={"precision": "bf16-mixed"})).world_size == 1


def test_what_is_no_device_of_ours_is_left_to_fabric():
    assert one_device("cpu") == torch.device("cpu")
    assert one_device("tpu") is None


def test_a_training_does_not_import_fabric_before_it_is_asked_for():
    code = "import sys, colorize.training.exemplar; sys.exit('lightning' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
