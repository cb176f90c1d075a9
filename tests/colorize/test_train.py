"""Training: it learns, it repeats, it writes what it promises, and it stops at a broken number."""

import json
import subprocess
import sys

import pytest
import torch

from colorize import checkpoint, losses
from colorize.model import ExemplarModel
from colorize.pairs import ClipPairs, PairStream, PhotoPairs
from colorize.settings import LossWeights
from colorize.train import generator_losses, render, train
from vision.backbones import load_backbone


def test_writes_curves_checkpoint_and_summary(data, settings, tmp_path):
    summary = train(data, settings, tmp_path / "run", "efficientnet_lite0", tmp_path, seed=0)
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    validated = {line["step"]: line["validation"] for line in lines if "validation" in line}
    assert list(validated) == [0, 2, 4]
    assert summary["best_step"] == min((2, 4), key=validated.get)  # step 0 is no candidate
    assert summary["validation_step0"] == validated[0]
    assert summary["improved"] == (summary["validation_best"] < validated[0])
    assert json.loads((tmp_path / "run/summary.json").read_text()) == summary
    losses_of_last_step = next(line for line in lines if line["step"] == 4 and "total" in line)
    assert {*LossWeights.model_fields, "discriminator", "total"} <= set(losses_of_last_step)
    assert "adversarial" not in next(line for line in lines if line["step"] == 2)  # it counts from step 3 on
    command = [sys.executable, "-m", "tensorboard.main", "--inspect", "--logdir", str(tmp_path / "run")]
    assert "scalars" in subprocess.run(command, capture_output=True, text=True).stdout


def test_the_same_seed_trains_the_same_model(data, settings, tmp_path):
    states = []
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        train(data, settings, tmp_path / name, "efficientnet_lite0", tmp_path, seed)
        states.append(checkpoint.load(tmp_path / name / "model.safetensors", tmp_path).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not all(torch.equal(states[0][key], states[2][key]) for key in states[0])


def test_overfits_one_batch(data, settings):
    """Two hundred steps on one pair with L1 alone: the ab error falls to a fraction of what grey has."""
    torch.manual_seed(0)
    settings = settings.model_copy(update={"own_reference": 1.0, "luminance_noise": 0.0, "feature_noise": 0.0})
    pairs = PairStream(ClipPairs(data.clips, settings), PhotoPairs(data.photos, settings), 1, 1.0, 0)
    pair = {name: value[None] for name, value in pairs[0].items()}
    model = ExemplarModel(load_backbone("efficientnet_lite0", "nowhere"), width=0.25)
    optimizer = torch.optim.Adam(model.parameters(), 2e-3, (0.5, 0.999), amsgrad=True)
    errors = []
    for _ in range(200):
        ab = render(model, pair, settings).current.ab
        loss = losses.l1(ab, pair["current"][:, 1:], pair["own"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(loss.item())
    assert errors[0] > 15
    assert min(errors[-5:]) < 0.15 * errors[0]


def test_every_loss_reaches_the_generator(data, settings):
    torch.manual_seed(0)
    model = ExemplarModel(load_backbone("efficientnet_lite0", "nowhere"), width=0.125)
    torch.nn.init.normal_(model.colorization.out.weight, std=0.05)  # off the grey start, where some slopes are 0
    pairs = PairStream(ClipPairs(data.clips, settings), PhotoPairs(data.photos, settings), 4, 0.5, 0)
    pair = torch.utils.data.default_collate([pairs[k] for k in range(4)])
    pair["own"][:] = 1
    terms = generator_losses(model, render(model, pair, settings), pair, settings)
    assert set(terms) == set(LossWeights.model_fields) - {"adversarial"}
    for name, term in terms.items():
        gradients = torch.autograd.grad(term, list(model.parameters()), retain_graph=True, allow_unused=True)
        reached = sum(g.abs().sum().item() for g in gradients if g is not None)
        assert torch.isfinite(torch.tensor(reached)) and reached > 0, name


def test_a_weight_of_zero_leaves_the_loss_out(data, settings):
    model = ExemplarModel(load_backbone("efficientnet_lite0", "nowhere"), width=0.125)
    off = settings.model_copy(update={"losses": LossWeights(contextual=0, smoothness=0)})
    pairs = PairStream(ClipPairs(data.clips, off), PhotoPairs(data.photos, off), 1, 1.0, 0)
    pair = {name: value[None] for name, value in pairs[0].items()}
    assert set(generator_losses(model, render(model, pair, off), pair, off)) == {"perceptual", "temporal", "l1"}


def test_no_validation_photograph_stops_before_the_first_step(data, settings, tmp_path):
    data.validation.rows.clear()
    with pytest.raises(ValueError, match=r"nothing to choose the checkpoint on.*validation\.parquet"):
        train(data, settings, tmp_path / "run", "efficientnet_lite0", tmp_path, seed=0)


def test_a_broken_number_stops_with_step_and_loss(data, settings, tmp_path):
    broken = settings.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(FloatingPointError, match=r"training step \d+: the \w+ loss"):
        train(data, broken, tmp_path / "run", "efficientnet_lite0", tmp_path, seed=0)
