"""Training: it learns, it repeats, it goes on where it was stopped, and it stops at a broken number."""

import json
import os
import signal
import time

import pytest
import torch
from lightning.fabric import Fabric
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from colorize import checkpoint
from colorize.model import ExemplarModel
from colorize.settings import LossWeights, TrainSettings
from colorize.training import exemplar, loop, losses
from colorize.training.exemplar import ExemplarLearner, Rendered, generator_losses, train, windows
from colorize.training.pairs import ClipPairs, PairStream, PhotoPairs
from colorize.training.resume import fingerprint, save_state
from vision.backbones import load_backbone
from vision.state_dicts import read_safetensors

CPU = Fabric(accelerator="cpu", devices=1)


def batch_of(data, settings, count, photo_share, seed=0):
    samples = PairStream(ClipPairs(data.clips, settings), PhotoPairs(data.photos, settings), count, photo_share, seed)
    return torch.utils.data.default_collate([samples[k] for k in range(count)])


def run(data, settings, folder, seed=0):
    return train(data, settings, folder, "efficientnet_lite0", folder, seed)


@pytest.fixture
def aligned(settings):
    """The extension: a sequence of three frames, a step for each."""
    model = {"history": "aligned", "output": "gated", "matching": "context"}
    changes = {"sequence": 3, "photo_share": 0.0, "crop": (32, 48), "given_first": 0.5, "losses": {"adversarial": 0}}
    return TrainSettings.model_validate(settings.model_dump() | model | changes)


def test_writes_curves_checkpoint_and_summary(data, settings, tmp_path):
    summary = run(data, settings, tmp_path / "run")
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
    assert not (tmp_path / "run/state.pt").exists()
    board = EventAccumulator(str(tmp_path / "run/tensorboard")).Reload().Tags()
    assert {"total", "validation"} <= set(board["scalars"]) and len(board["images"]) == 1


def test_the_last_checkpoint_is_kept_on_request(data, settings, tmp_path):
    best, last = (run(data, settings.model_copy(update={"keep": keep}), tmp_path / keep) for keep in ("best", "last"))
    lines = [json.loads(line) for line in (tmp_path / "last/metrics.jsonl").read_text().splitlines()]
    validated = {line["step"]: line["validation"] for line in lines if "validation" in line}
    assert (last["kept_step"], last["validation_kept"]) == (4, validated[4]) and last["best_step"] == best["best_step"]
    assert last["improved"] == (validated[4] < validated[0])
    assert best["kept_step"] == best["best_step"] and best["validation_kept"] == best["validation_best"]
    said = checkpoint.metadata(tmp_path / "last/model.safetensors")
    assert (said["keep"], said["kept_step"]) == ("last", 4)
    kept, chosen = (read_safetensors(tmp_path / name / "model.safetensors") for name in ("last", "best"))
    equal = all(torch.equal(kept[name], chosen[name]) for name in kept)
    assert equal == (best["best_step"] == 4)


def test_the_checkpoint_says_what_made_it(data, aligned, tmp_path):
    run(data, aligned, tmp_path / "run")
    metadata = checkpoint.metadata(tmp_path / "run/model.safetensors")
    assert {"config_hash", "data_hash", "commit", "best_step", "backbone", "settings", "seed"} <= set(metadata)
    model = checkpoint.load(tmp_path / "run/model.safetensors", tmp_path)
    assert (model.history, model.output, model.matching) == ("aligned", "gated", "context")


@pytest.mark.parametrize("kind", ["settings", "aligned"])
def test_the_same_seed_trains_the_same_model(data, kind, tmp_path, request):
    settings = request.getfixturevalue(kind).model_copy(update={"steps": 2, "adversarial_from": 1})
    states = []
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        run(data, settings, tmp_path / name, seed)
        states.append(checkpoint.load(tmp_path / name / "model.safetensors", tmp_path).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not all(torch.equal(states[0][key], states[2][key]) for key in states[0])


def stop(process, signum, curves, lines):
    """Stop a training once it has written so many lines of its curves."""
    while not (curves.exists() and len(curves.read_text().splitlines()) >= lines):
        assert process.is_alive()
        time.sleep(0.01)
    os.kill(process.pid, signum)
    process.join()
    assert process.exitcode == {signal.SIGTERM: 143, signal.SIGINT: 130}.get(signum, -signum)
    curves.unlink()  # as Snakemake does with the outputs of a job that failed


@pytest.mark.parametrize(
    "kind, first, second",
    [("settings", signal.SIGTERM, signal.SIGKILL), ("aligned", signal.SIGKILL, signal.SIGINT)],
)
def test_stopped_and_resumed_equals_never_stopped(data, kind, first, second, processes, tmp_path, request, monkeypatch):
    settings = request.getfixturevalue(kind).model_copy(update={"steps": 12, "validate_every": 2})
    run(data, settings, tmp_path / "whole")
    folder, curves = tmp_path / "stopped", tmp_path / "stopped/metrics.jsonl"
    for signum, lines in ((first, 7), (second, 12)):  # after step 4 and after step 7: step 0 and every other have two
        process = processes.Process(target=train, args=(data, settings, folder, "efficientnet_lite0", folder, 0))
        process.start()
        stop(process, signum, curves, lines)
        assert (folder / "state.pt").exists() and not (folder / "model.safetensors").exists()
    batches, step = [], ExemplarLearner.training_steps
    monkeypatch.setattr(ExemplarLearner, "training_steps", lambda self, batch: batches.append(0) or step(self, batch))
    run(data, settings, folder)

    assert 0 < len(batches) * settings.steps_a_batch <= 6  # it went on and did not begin again
    assert curves.read_text() == (tmp_path / "whole/metrics.jsonl").read_text()
    files = [tmp_path / name / "model.safetensors" for name in ("whole", "stopped")]
    states = [checkpoint.load(file, tmp_path).state_dict() for file in files]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_the_state_of_another_training_is_not_continued(data, settings, tmp_path, capsys):
    save_state(tmp_path / "state.pt", {"identity": {"config_hash": "other"}})
    run(data, settings, tmp_path)
    assert "other settings" in capsys.readouterr().out


@pytest.mark.parametrize(
    "changes, seed, backbone, same",
    [
        ({}, 0, "file", True),
        ({"workers": 2}, 0, "file", True),
        ({}, 1, "file", False),
        ({"learning_rate": 1e-3}, 0, "file", False),
        ({}, 0, "other file", False),
    ],
)
def test_a_training_is_another_with_another_seed_setting_or_backbone(
    data, settings, tmp_path, monkeypatch, changes, seed, backbone, same
):
    class Identified(Exception):
        pass

    def identified(*what):
        raise Identified(fingerprint(*what))

    monkeypatch.setattr(loop, "fingerprint", identified)
    identities = []
    for chosen, drawn, file in ((settings, 0, "file"), (settings.model_copy(update=changes), seed, backbone)):
        monkeypatch.setattr(exemplar, "contents", lambda *_, file=file: {"backbone.pth": file})
        with pytest.raises(Identified) as raised:
            run(data, chosen, tmp_path, drawn)
        identities.append(raised.value.args[0])
    assert (identities[0] == identities[1]) == same


def test_two_processes_train_what_one_does(data, settings, processes, tmp_path):
    """Gradients are the mean over processes; without noise and with losses that are means this is the same training."""
    plain = {"perceptual": 0, "contextual": 0, "smoothness": 1, "adversarial": 0, "temporal": 0, "l1": 1}
    changes = {"losses": plain, "own_reference": 1, "luminance_noise": 0, "feature_noise": 0, "accelerator": "cpu"}
    settings = TrainSettings.model_validate(settings.model_dump() | changes)
    run(data, settings, tmp_path / "one")
    torchrun = LaunchConfig(1, 1, 2, rdzv_backend="c10d", rdzv_endpoint="localhost:0", start_method="forkserver")
    elastic_launch(torchrun, train)(data, settings, tmp_path / "two", "efficientnet_lite0", tmp_path, 0)
    one, two = (lines_of(tmp_path / name) for name in ("one", "two"))
    # Later steps drift apart: Adam makes whole steps out of gradients that are nothing but rounding.
    assert two[2]["total"] == pytest.approx(one[2]["total"], rel=1e-4) != one[1]["total"]


def lines_of(folder):
    """The losses of each step by its number."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return {line["step"]: line for line in lines if "total" in line}


def test_bf16_trains(data, settings, tmp_path):
    settings = settings.model_copy(update={"steps": 2, "adversarial_from": 1})
    summary = run(data, settings.model_copy(update={"precision": "bf16-mixed"}), tmp_path)
    exact = run(data, settings, tmp_path / "exact")
    assert summary["validation_step0"] == exact["validation_step0"]
    assert summary["validation_best"] == pytest.approx(exact["validation_best"], rel=0.05)


def test_overfits_one_pair(data, settings):
    """L1 alone on one pair: the ab error falls below one Lab unit."""
    torch.manual_seed(0)
    changes = {"own_reference": 1.0, "luminance_noise": 0.0, "feature_noise": 0.0, "reference_noise": 0.0}
    settings = settings.model_copy(update=changes | {"frame": (32, 48), "crop": (32, 48), "steps": 150})
    batch = batch_of(data, settings, 1, 1.0)
    model = ExemplarModel(load_backbone("efficientnet_lite0", "nowhere"), width=0.25)
    optimizer = torch.optim.Adam(model.parameters(), 5e-3, (0.5, 0.999), amsgrad=True)
    errors = []
    for step in range(settings.steps):
        optimizer.param_groups[0]["lr"] = 5e-3 * (1 - step / settings.steps)
        rendered = Rendered(model, batch, windows(settings)[0], None, settings, CPU)
        loss = losses.l1(rendered.ab[-1], rendered.truth[-1][:, 1:], batch["own"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(loss.item())
    assert errors[0] > 15
    assert errors[-1] < 1


def test_every_loss_reaches_the_generator(data, settings):
    torch.manual_seed(0)
    model = ExemplarModel(load_backbone("efficientnet_lite0", "nowhere"), width=0.125)
    torch.nn.init.normal_(model.colorization.output_layer.weight, std=0.05)  # off the grey start, where slopes are 0
    batch = batch_of(data, settings, 4, 0.5)
    batch["own"][:] = 1
    terms = generator_losses(model, Rendered(model, batch, range(2), None, settings, CPU), settings)
    assert set(terms) == set(LossWeights.model_fields) - {"adversarial"}
    for name, term in terms.items():
        gradients = torch.autograd.grad(term, list(model.parameters()), retain_graph=True, allow_unused=True)
        reached = sum(g.abs().sum().item() for g in gradients if g is not None)
        assert torch.isfinite(torch.tensor(reached)) and reached > 0, name


def test_a_weight_of_zero_leaves_the_loss_out(data, settings):
    model = ExemplarModel(load_backbone("efficientnet_lite0", "nowhere"), width=0.125)
    off = settings.model_copy(update={"losses": LossWeights(contextual=0, smoothness=0)})
    rendered = Rendered(model, batch_of(data, off, 1, 1.0), range(2), None, off, CPU)
    assert set(generator_losses(model, rendered, off)) == {"perceptual", "temporal", "l1"}


def test_a_window_goes_on_where_the_one_before_ended(data, aligned):
    assert windows(aligned) == [range(0, 2), range(1, 3)]
    model = ExemplarModel(load_backbone("efficientnet_lite0", "nowhere"), **aligned.model)
    batch = batch_of(data, aligned, 2, 0.0)
    batch["given"] = torch.tensor([1.0, 0.0])
    first = Rendered(model, batch, range(0, 2), None, aligned, CPU)
    assert torch.equal(first.ab[0][0], first.truth[0][0, 1:])  # given
    assert not torch.equal(first.ab[0][1], first.truth[0][1, 1:])
    second = Rendered(model, batch, range(1, 3), first.ab[-1].detach(), aligned, CPU)
    assert second.ab[0] is not first.ab[-1] and torch.equal(second.ab[0], first.ab[-1])


def test_a_crop_is_coloured_with_the_correspondence_of_the_whole_frame(data, aligned):
    """W inside the window is what the whole frame has there: not the match of the window alone."""
    quiet = aligned.model_copy(update={"luminance_noise": 0.0, "given_first": 1.0})
    model = ExemplarModel(load_backbone("efficientnet_lite0", "nowhere"), **quiet.model)
    batch = batch_of(data, quiet, 1, 0.0)
    cut = Rendered(model, batch, range(2), None, quiet, CPU).ab[1]
    reference = model.encode_reference(batch["reference"])
    whole = model.align(model.features(batch["frames"][:, 1, :1]), reference).warped
    top, left = (batch["at"][0] // 4).tolist()
    w = torch.nn.functional.interpolate(whole[:, 1:, top : top + 8, left : left + 12], scale_factor=4, mode="bilinear")
    past = batch["frames"][:, 0, 1:, 4 * top : 4 * top + 32, 4 * left : 4 * left + 48]
    low, high = torch.minimum(w, past.amin((2, 3), True)), torch.maximum(w, past.amax((2, 3), True))
    assert ((cut >= low - 1e-3) & (cut <= high + 1e-3)).all()  # untrained: a blend of W and the given frame


def test_no_validation_photograph_stops_before_the_first_step(data, settings, tmp_path):
    data.validation.rows.clear()
    with pytest.raises(ValueError, match=r"checkpoint.*validation\.parquet.*`reason`"):
        run(data, settings, tmp_path)


def test_a_broken_number_stops_with_step_loss_and_clips(data, settings, tmp_path):
    broken = settings.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(FloatingPointError, match=r"step \d+: the \w+ loss is (nan|-?inf) .* [abcm], [abcm];"):
        run(data, broken, tmp_path)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"crop": (60, 96)}, "multiples of 8"),
        ({"crop": (128, 96)}, "larger than the frame"),
        ({"sequence": 3}, "photo_share"),
        ({"sequence": 4, "unroll": 3, "photo_share": 0}, "multiple of unroll - 1"),
        ({"sequence": 4, "photo_share": 0, "steps": 4}, "a batch makes 3 steps"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(settings, changes, said):
    with pytest.raises(ValueError, match=said):
        TrainSettings.model_validate(settings.model_dump() | changes)
