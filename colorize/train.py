"""Training of the model (sections 3.3 and 4): one loop, all six losses, the video discriminator.

Writes into its folder: model.safetensors (the checkpoint with the lowest validation error, step 0 excluded),
metrics.jsonl and tensorboard/ (loss curves, pictures), summary.json (what was chosen and whether training helped), and
state.pt while it runs: stopped by SIGTERM or SIGKILL, the same command goes on from there.

Several GPUs: `torchrun --nproc-per-node 4 -m bench.train ...`; `batch` is the sum over all of them.
"""

import json
import math
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader, default_collate
from tqdm import tqdm

from colorize import checkpoint, losses
from colorize.curves import Curves
from colorize.model import ExemplarModel, Last, Reference
from colorize.networks.discriminator import DISCRIMINATOR
from colorize.pairs import GRID, ClipPairs, PairStream, PhotoPairs, TrainingData, slices
from colorize.resume import Interrupted, Stoppable, fingerprint, load_state, save_state
from colorize.settings import TrainSettings
from media.color import rgb_tensor_from_lab
from media.tables import written_whole
from vision.backbones import load_backbone

VERSION = 2

# The validation samples are drawn from a stream of their own.
VALIDATION_SEED = 1_000_003

Batch = dict[str, Tensor | list[str]]


@dataclass
class Learner:
    """What learns: the generator and the discriminator, each with its optimiser, and how far they are."""

    model: ExemplarModel
    judge: nn.Module
    optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer]
    step: int = 0
    batches: int = 0

    def state(self) -> dict:
        """Everything, for resuming."""
        return {
            "model": self.model.state_dict(),
            "judge": self.judge.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "batches": self.batches,
        }

    def restore(self, state: dict) -> None:
        self.model.load_state_dict(state["model"])
        self.judge.load_state_dict(state["judge"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.batches = state["step"], state["batches"]


def train(
    data: TrainingData, settings: TrainSettings, out_dir: Path, backbone: str, weights_dir: Path, seed: int
) -> dict:
    """Train one model, or go on with it, and return its summary.

    Raises FloatingPointError naming the step, the loss that broke and the clips, and Interrupted after a SIGTERM.
    """
    torch.set_num_threads(settings.threads)
    fabric = launched(settings)
    learner = new_learner(settings, backbone, weights_dir, seed, fabric)
    stream = training_stream(data, settings, seed)
    validation = [to_device(batch, fabric) for batch in validation_batches(data, settings, seed)]
    identity = fingerprint(data, settings, backbone, seed, VERSION)
    metadata = {"backbone": backbone, "settings": settings.model_dump(), "seed": seed, "commit": commit(), **identity}

    path = out_dir / "state.pt"
    state = load_state(path, identity) or new_state(learner, validation)
    learner.restore(state)
    began = time.monotonic() - state["seconds"]
    bar = {"desc": f"train {out_dir.name}", "mininterval": 5, "disable": not fabric.is_global_zero}
    progress = tqdm(total=settings.steps, initial=learner.step, **bar)
    with Curves(out_dir if fabric.is_global_zero else None, state["lines"]) as curves, Stoppable() as stop:
        for batch in loader(stream, settings, learner.batches, fabric):
            torch.manual_seed((seed * 1_000_003 + learner.batches) * 1_009 + fabric.global_rank)
            before = learner.step
            for values in training_steps(learner, to_device(batch, fabric), settings, fabric):
                curves.write(learner.step, values)
                progress.update()
            learner.batches += 1
            looked = learner.step // settings.validate_every > before // settings.validate_every
            if looked or learner.step == settings.steps:
                validate(learner, validation, curves, state)
            if fabric.is_global_zero and (looked or stop.asked):
                now = {"lines": curves.lines, "seconds": time.monotonic() - began, "identity": identity}
                save_state(path, state | learner.state() | now)
            if stop.asked:
                raise Interrupted(f"SIGTERM at step {learner.step}: the state is saved, the same command goes on")
    summary = summary_of(state, settings, time.monotonic() - began)
    if fabric.is_global_zero:
        learner.model.load_state_dict(state["weights"])
        checkpoint.save(learner.model, out_dir / "model.safetensors", metadata | summary)
        with written_whole(out_dir / "summary.json") as temporary:
            temporary.write_text(json.dumps(summary, indent=2))
        path.unlink(missing_ok=True)
    return summary


def new_state(learner: Learner, validation: list[Batch]) -> dict:
    """The state before the first step: what learns, the curves so far, and the best look at the validation set."""
    error, _ = look(learner.model, validation)
    lines = [json.dumps({"step": 0, "validation": error})]
    return learner.state() | {"lines": lines, "best": None, "weights": None, "seconds": 0.0, "start": error}


def validate(learner: Learner, validation: list[Batch], curves: Curves, state: dict) -> None:
    """Look at the validation set: its error and a picture go to the curves, the best weights into the state."""
    error, picture = look(learner.model, validation)
    curves.write(learner.step, {"validation": error})
    curves.picture(learner.step, "input, result, truth", picture)
    if state["best"] is None or error < state["best"]["validation_best"]:
        state["best"] = {"best_step": learner.step, "validation_best": error}
        state["weights"] = {name: value.clone() for name, value in learner.model.state_dict().items()}


def commit() -> str:
    """The commit of the code, with a `+` if it was changed since; empty outside a checkout, or without git."""
    if not (git := shutil.which("git")):
        return ""
    command = [git, "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def launched(settings: TrainSettings) -> Fabric:
    """Lightning Fabric on this process's device; the processes and their number are torchrun's affair."""
    local, world = (int(os.environ.get(name, 1)) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
    fabric = Fabric(
        accelerator=settings.accelerator,
        devices=local,
        num_nodes=world // local,
        strategy="ddp" if world > 1 else "auto",
        precision=settings.precision,
    )
    fabric.launch()
    if settings.batch % world:
        raise ValueError(f"batch {settings.batch} cannot be shared equally among {world} processes")
    return fabric


def new_learner(settings: TrainSettings, backbone: str, weights_dir: Path, seed: int, fabric: Fabric) -> Learner:
    """Untrained networks and their optimisers (section 4: AMSGrad, one rate for both, without decay)."""
    torch.manual_seed(seed)
    network = load_backbone(backbone, weights_dir).to(fabric.device)
    model = ExemplarModel(network, **settings.model).to(fabric.device)
    judge = DISCRIMINATOR[settings.protocol](settings.width).to(fabric.device)
    model.correspondence.requires_grad_(settings.correspondence_rate > 0)
    rate = settings.learning_rate
    groups = [
        {"params": list(model.colorization.parameters()), "lr": rate},
        {"params": list(model.correspondence.parameters()), "lr": rate * settings.correspondence_rate},
    ]
    optimizers = tuple(
        torch.optim.Adam(parameters, rate, settings.betas, amsgrad=True)
        for parameters in (groups if settings.correspondence_rate else groups[:1], judge.parameters())
    )
    return Learner(model, judge, optimizers)


def training_stream(data: TrainingData, settings: TrainSettings, seed: int) -> PairStream:
    """The samples of the whole training, in order."""
    clips, photos = ClipPairs(data.clips, settings), PhotoPairs(data.photos, settings)
    batches = settings.steps // len(windows(settings))
    return PairStream(clips, photos, batches * settings.batch, settings.photo_share, seed)


def loader(stream: PairStream, settings: TrainSettings, first: int, fabric: Fabric) -> DataLoader:
    """This process's share of every batch from number `first` on."""
    size, rank, world = settings.batch, fabric.global_rank, fabric.world_size
    batches = [list(range(k * size + rank, (k + 1) * size, world)) for k in range(first, len(stream) // size)]
    return DataLoader(stream, batch_sampler=batches, num_workers=settings.workers)


def to_device(batch: Batch, fabric: Fabric) -> Batch:
    """The batch with its tensors on this process's device."""
    return {name: value.to(fabric.device) if isinstance(value, Tensor) else value for name, value in batch.items()}


def windows(settings: TrainSettings) -> list[range]:
    """The frames of a sample that each step colours; its first one is the last of the step before."""
    hop = settings.unroll - 1
    return [range(first, first + settings.unroll) for first in range(0, settings.sequence - 1, hop)]


def validation_batches(data: TrainingData, settings: TrainSettings, seed: int) -> list[Batch]:
    """The fixed validation samples, whole frames that are not trained on, their first frame as the reference.

    They are clips whose first frame is given, or else pseudo-video of photographs.
    """
    whole = settings.model_copy(update={"crop": settings.frame, "given_first": 1.0})
    clips = ClipPairs(data.validation_clips, whole) if data.validation_clips else []
    source = clips or PhotoPairs(data.validation, whole)
    if not len(source):
        raise ValueError(
            f"there is nothing to choose the checkpoint on: no photograph of {data.validation.table} "
            "passes the filter; see its column `reason`"
        )
    generators = [np.random.default_rng((seed + VALIDATION_SEED, k)) for k in range(settings.validation_pairs)]
    samples = [
        source.sample(k * len(source) // len(generators) if clips else k % len(source), rng)
        for k, rng in enumerate(generators)
    ]
    samples = [sample | {"reference": sample["frames"][0]} for sample in samples]
    return [default_collate(samples[at : at + settings.batch]) for at in range(0, len(samples), settings.batch)]


def training_steps(
    learner: Learner, batch: Batch, settings: TrainSettings, fabric: Fabric
) -> Iterator[dict[str, float]]:
    """One optimiser step for each window of the batch's frames, from the first to the last; yields its loss values."""
    ab = None
    for window in windows(settings):
        learner.step += 1
        set_rates(learner, settings)
        rendered = Rendered(learner.model, batch, window, ab, settings, fabric)
        yield training_step(learner, rendered, settings, fabric)
        ab = rendered.ab[-1].detach()


def set_rates(learner: Learner, settings: TrainSettings) -> None:
    """The course of the learning rate: none, or half a cosine down to 0."""
    done = min(1.0, (learner.step - 1) / settings.steps)
    share = (1 + math.cos(math.pi * done)) / 2 if settings.decay == "cosine" else 1.0
    for optimizer in learner.optimizers:
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
            group["lr"] = group["initial_lr"] * share


class Rendered:
    """A window of a batch, coloured frame after frame; gradients flow through all of it (Eq. 7).

    ab: colours of each frame of the window (B, 2, h, w); truth: its true Lab (B, 3, h, w). The first frame is the last
    of the window before (`start`), or it is coloured without a history, or it is given.
    """

    def __init__(
        self,
        model: ExemplarModel,
        batch: Batch,
        window: range,
        start: Tensor | None,
        settings: TrainSettings,
        fabric: Fabric,
    ):
        self.batch, self.window, self.settings = batch, window, settings
        self.truth = [self._cut(batch["frames"][:, t]) for t in window]
        with fabric.autocast():
            noise = settings.feature_noise * batch["own"] * (1 - batch["given"])
            reference = model.encode_reference(batch["reference"], noise)
            self.ab = [self._first(model, reference) if start is None else start]
            for t in window[1:]:
                self.ab.append(self._color(model, reference, t, self._last(t)).float())

    def fake(self) -> Tensor:
        """The last two coloured frames as the discriminator sees them: current (L, a, b), then last (L, a, b)."""
        return torch.cat([self.lab(-1), self.lab(-2)], dim=1)

    def real(self) -> Tensor:
        """True pairs for the discriminator, rolled by one so that no coloured pair meets its own truth."""
        return torch.cat([self.truth[-1], self.truth[-2]], dim=1).roll(1, dims=0)

    def lab(self, index: int) -> Tensor:
        """A coloured frame of the window with its true luminance (B, 3, h, w)."""
        return torch.cat([self.truth[index][:, :1], self.ab[index]], dim=1)

    def motion(self, t: int, direction: str = "") -> tuple[Tensor, Tensor]:
        """Flow and mask between frames t-1 and t of the sample; direction `_back` for t -> t-1."""
        return self.batch[f"flow{direction}"][:, t - 1], self.batch[f"visible{direction}"][:, t - 1]

    def _first(self, model: ExemplarModel, reference: Reference) -> Tensor:
        true_ab, given = self.truth[0][:, 1:], self.batch["given"].reshape(-1, 1, 1, 1)
        if given.all():
            return true_ab
        return torch.where(given > 0, true_ab, self._color(model, reference, self.window[0], None).float())

    def _color(self, model: ExemplarModel, reference: Reference, t: int, last: Last | None) -> Tensor:
        luminance = noisy(self.batch["frames"][:, t, :1], self.settings)
        features = self._cut(model.features(luminance), scale=GRID)
        return model.color(self._cut(luminance), model.align(features, reference), last)

    def _last(self, t: int) -> Last:
        return Last(self.lab(t - 1 - self.window[0]), *self.motion(t, "_back"))

    def _cut(self, x: Tensor, scale: int = 1) -> Tensor:
        """The window (h, w) of each sample cut out of whole frames, or out of maps `scale` times smaller."""
        if self.settings.crop == self.settings.frame:
            return x
        size = tuple(side // scale for side in self.settings.crop)
        places = (self.batch["at"] // scale).tolist()
        return torch.stack([sample[:, *slices(at, size)] for sample, at in zip(x, places, strict=True)])


def training_step(learner: Learner, rendered: Rendered, settings: TrainSettings, fabric: Fabric) -> dict[str, float]:
    """One step of the discriminator (once the adversarial loss counts) and one of the generator; the loss values."""
    judge, values = learner.judge, {}
    adversarial = settings.losses.adversarial > 0 and learner.step > settings.adversarial_from
    if adversarial:
        with fabric.autocast():
            loss = losses.adversarial_discriminator(judge(rendered.fake().detach()), judge(rendered.real()))
        values = checked({"discriminator": loss}, learner, rendered)
        update(loss, judge, learner.optimizers[1], fabric)
    with fabric.autocast():
        terms = generator_losses(learner.model, rendered, settings)
        if adversarial:
            terms["adversarial"] = losses.adversarial_generator(judge(rendered.fake()), judge(rendered.real()))
    values |= checked(terms, learner, rendered)
    weights = settings.losses.model_dump()
    total = sum(weights[name] * term for name, term in terms.items())
    update(total, learner.model, learner.optimizers[0], fabric)
    values["total"] = total.item()
    return {name: float(fabric.all_reduce(torch.tensor(value), reduce_op="mean")) for name, value in values.items()}


def checked(terms: dict[str, Tensor], learner: Learner, rendered: Rendered) -> dict[str, float]:
    """The values of loss terms. Raises FloatingPointError naming step, term and clips where one is not finite."""
    values = {name: term.item() for name, term in terms.items()}
    for name, value in values.items():
        if not math.isfinite(value):
            raise FloatingPointError(
                f"training step {learner.step}: the {name} loss is {value} on the batch "
                f"{', '.join(rendered.batch['item'])}; lower learning_rate, or look at these clips"
            )
    return values


def update(loss: Tensor, net: nn.Module, optimizer: torch.optim.Optimizer, fabric: Fabric) -> None:
    """One optimiser step on `net` alone, by the mean of the gradients over all processes."""
    parameters = [parameter for parameter in net.parameters() if parameter.requires_grad]
    optimizer.zero_grad(set_to_none=True)
    loss.backward(inputs=parameters)
    # By hand: the networks are called several times a step, in more ways than the hooks of DistributedDataParallel see.
    if fabric.world_size > 1:
        for parameter in parameters:
            parameter.grad = fabric.all_reduce(parameter.grad, reduce_op="mean")
    optimizer.step()


def generator_losses(model: ExemplarModel, rendered: Rendered, settings: TrainSettings) -> dict[str, Tensor]:
    """The losses of Eq. 15 without the adversarial one, the mean over the window's frames but its first.

    Those with weight 0 are not computed.
    """
    style = None
    if settings.losses.contextual:
        with torch.no_grad():
            style = model.backbone.levels(rgb_tensor_from_lab(rendered.batch["reference"]))
    frames = [frame_losses(model, rendered, index, style, settings) for index in range(1, len(rendered.ab))]
    return {name: sum(terms[name] for terms in frames) / len(frames) for name in frames[0]}


def frame_losses(
    model: ExemplarModel, rendered: Rendered, index: int, style: list[Tensor] | None, settings: TrainSettings
) -> dict[str, Tensor]:
    """The losses of one frame of the window; `style`: the reference's feature levels, for the contextual loss."""
    weights, truth, ab = settings.losses, rendered.truth[index], rendered.ab[index]
    terms = {}
    if weights.perceptual or weights.contextual:
        result = model.backbone.levels(rgb_tensor_from_lab(rendered.lab(index)))
    if weights.perceptual:
        with torch.no_grad():
            wanted = model.backbone.levels(rgb_tensor_from_lab(truth))[-1]
        terms["perceptual"] = losses.perceptual(result[-1], wanted)
    if weights.contextual:
        terms["contextual"] = losses.contextual(result, style, settings.context_weights)
    if weights.smoothness:
        terms["smoothness"] = losses.smoothness(ab, truth)
    if weights.temporal:
        motion = rendered.motion(rendered.window[index])
        terms["temporal"] = losses.temporal(rendered.ab[index - 1], ab, *motion)
    if weights.l1:
        terms["l1"] = losses.l1(ab, truth[:, 1:], rendered.batch["own"])
    return terms


def noisy(luminance: Tensor, settings: TrainSettings) -> Tensor:
    """The L that the networks see: with noise on each pixel. The losses see the clean one."""
    return (luminance + settings.luminance_noise * torch.randn_like(luminance)).clamp(0, 100)


@torch.no_grad()
def validation_results(model: ExemplarModel, batch: Batch) -> list[Tensor]:
    """Colours (B, 2, H, W) of every frame of validation samples but the first.

    Where the model takes its history aligned, the first frame is given; else it is coloured too, as in a pair.
    """
    frames, reference = batch["frames"], model.encode_reference(batch["reference"])
    given = model.history == "aligned"
    ab = frames[:, 0, 1:] if given else model(frames[:, 0, :1], reference)
    results = []
    for t in range(1, frames.shape[1]):
        lab = torch.cat([frames[:, t - 1, :1], ab], dim=1)
        last = Last(lab, batch["flow_back"][:, t - 1], batch["visible_back"][:, t - 1])
        ab = model(frames[:, t, :1], reference, last)
        results.append(ab)
    return results


def look(model: ExemplarModel, batches: list[Batch]) -> tuple[float, Tensor]:
    """Mean absolute error of ab, Lab units, on the validation samples' frames after the first, and a picture.

    The picture, RGB (3, H, 3W) in 0..1, has input, result and truth of the first sample's last frame.
    """
    errors, picture = [], None
    for batch in batches:
        results, truth = validation_results(model, batch), batch["frames"]
        each = [(ab - truth[:, t, 1:]).abs().mean(dim=(1, 2, 3)) for t, ab in enumerate(results, start=1)]
        errors += torch.stack(each).mean(dim=0).tolist()
        if picture is None:
            picture = side_by_side(truth[:1, -1], results[-1][:1])
    return sum(errors) / len(errors), picture


def side_by_side(truth: Tensor, ab: Tensor) -> Tensor:
    """Input, result and truth of a frame (1, 3, H, W) and its colours (1, 2, H, W): RGB (3, H, 3W) in 0..1."""
    panels = [torch.cat([truth[:, :1], colours], dim=1) for colours in (torch.zeros_like(ab), ab, truth[:, 1:])]
    return rgb_tensor_from_lab(torch.cat(panels, dim=3))[0]


def summary_of(state: dict, settings: TrainSettings, seconds: float) -> dict:
    """What was trained, which step was chosen, and whether it is better than step 0."""
    return {
        "steps": settings.steps,
        **settings.model,
        **state["best"],
        "validation_step0": state["start"],
        "improved": state["best"]["validation_best"] < state["start"],
        "seconds": round(seconds, 1),
    }
