"""Checkpoints: they rebuild the model and explain themselves."""

import json

import pytest
import torch
from safetensors import safe_open

from colorize import checkpoint
from colorize.model import ExemplarModel
from vision.backbones import load_backbone


@pytest.fixture
def saved(tmp_path):
    model = ExemplarModel(load_backbone("efficientnet_lite0", tmp_path), width=0.125)
    path = tmp_path / "model.safetensors"
    checkpoint.save(model, path, {"backbone": "efficientnet_lite0", "width": 0.125, "step": 7})
    return model, path


def test_round_trip_is_exact(saved, tmp_path):
    model, path = saved
    loaded = checkpoint.load(path, tmp_path)
    assert not loaded.training
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in model.state_dict().items())


def test_the_file_says_what_it_is_and_holds_no_backbone(saved):
    _, path = saved
    with safe_open(path, "pt") as file:
        assert {name: json.loads(value) for name, value in file.metadata().items()}["step"] == 7
        assert {name.split(".")[0] for name in file.keys()} == {"correspondence", "colorization"}


def test_a_missing_checkpoint_says_how_to_make_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="snakemake"):
        checkpoint.load(tmp_path / "model.safetensors", tmp_path)
