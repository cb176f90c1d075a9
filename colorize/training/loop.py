"""The training loop: whatever learns takes its steps on the pipeline's samples and is chosen on the validation set.

Writes into its folder: model.safetensors (the checkpoint with the lowest validation error, step 0 excluded, or the
last one: `keep`), metrics.jsonl and tensorboard/ (loss curves, pictures), summary.json (what was kept and whether
training helped), and state.pt while it runs: stopped by SIGTERM, SIGINT or SIGKILL, the same command goes on from
there.

Several GPUs: `torchrun --nproc-per-node 4 -m bench.run.train ...`; `batch` is the sum over all of them.
"""

import json
import math
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, default_collate

from colorize.settings import TrainSettings
from colorize.training.curves import Curves
from colorize.training.devices import Devices, launched
from colorize.training.pairs import ClipPairs, PairStream, PhotoPairs, TrainingData
from colorize.training.resume import Interrupted, Stoppable, fingerprint, load_state, save_state
from media.bar import Bar
from media.color import rgb_tensor_from_lab
from media.stopping import SIGNALS
from media.whole import written_whole

# The validation samples are drawn from a stream of their own.
VALIDATION_SEED = 1_000_003
STATE = "state.pt"  # in the folder of the training, while it runs

Batch = dict[str, Tensor | list[str]]


class Learner(ABC):
    """What learns: networks with their optimisers, and how far they are. `modules` and `optimizers` are its state.

    The first of the modules is the one that colours: its weights are kept.
    """

    modules: tuple[nn.Module, ...]
    optimizers: tuple[torch.optim.Optimizer, ...]
    step = 0
    batches = 0

    @abstractmethod
    def training_steps(self, batch: Batch) -> Iterator[dict[str, float]]:
        """Take the optimiser steps of a batch (pairs.py), counting them in `step`; yields each one's losses."""

    @abstractmethod
    def results(self, batch: Batch) -> list[Tensor]:
        """Colours (B, 2, H, W), Lab units, of every frame of validation samples but the first."""

    def errors(self, batch: Batch, results: list[Tensor]) -> Tensor:
        """What validation measures, (B,): the mean absolute error of ab, Lab units, on the frames after the first."""
        truth = batch["frames"]
        each = [(ab - truth[:, t, 1:]).abs().mean(dim=(1, 2, 3)) for t, ab in enumerate(results, start=1)]
        return torch.stack(each).mean(dim=0)

    @abstractmethod
    def description(self) -> dict:
        """What the model is, in JSON values, for the summary."""

    @abstractmethod
    def save(self, path: Path, metadata: dict) -> None:
        """Write the checkpoint of the module that colours."""

    def state(self) -> dict:
        """Everything, for resuming."""
        return {
            "modules": [module.state_dict() for module in self.modules],
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "batches": self.batches,
        }

    def restore(self, state: dict) -> None:
        for module, saved in zip(self.modules, state["modules"], strict=True):
            module.load_state_dict(saved)
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.batches = state["step"], state["batches"]


def run(
    start: Callable[[Devices], Learner],
    data: TrainingData,
    settings: TrainSettings,
    out_dir: Path,
    seed: int,
    made_by: dict,
    source: Callable[[TrainingData, TrainSettings, int], tuple[PairStream, list[Batch]]] | None = None,
) -> dict:
    """Train what `start` makes, or go on with it, and return its summary.

    made_by: what else decides the numbers (backbone, its file's content, version of the code), in JSON values.
    source: the samples of the whole training and the validation batches; default: `samples_of`.
    Raises FloatingPointError naming the step, the loss that broke and the clips, and Interrupted after a signal.
    """
    torch.set_num_threads(settings.threads)
    devices = launched(settings)
    torch.manual_seed(seed)
    learner = start(devices)
    stream, validation = (source or samples_of)(data, settings, seed)
    validation = [to_device(batch, devices) for batch in validation]
    identity = fingerprint(data, settings.model_dump(exclude={"workers"}) | made_by | {"seed": seed})
    metadata = {**made_by, "settings": settings.model_dump(), "seed": seed, "commit": commit(), **identity}
    path = out_dir / STATE
    state = load_state(path, identity) or new_state(learner, validation)
    learner.restore(state)
    began = time.monotonic() - state["seconds"]
    bar = {"desc": f"train {out_dir.name}", "disable": not devices.is_global_zero}
    progress = Bar(total=settings.steps, initial=learner.step, **bar)
    with Curves(out_dir if devices.is_global_zero else None, state["lines"]) as curves, Stoppable() as stop:
        for batch in loader(stream, settings, learner.batches, devices):
            torch.manual_seed((seed * 1_000_003 + learner.batches) * 1_009 + devices.global_rank)
            before = learner.step
            for values in learner.training_steps(to_device(batch, devices)):
                curves.write(learner.step, averaged(values, devices))
                progress.update()
            learner.batches += 1
            looked = learner.step // settings.validate_every > before // settings.validate_every
            if looked or learner.step == settings.steps:
                validate(learner, validation, curves, state)
            asked = stop.asked
            if devices.is_global_zero and (looked or asked):
                now = {"lines": curves.lines, "seconds": time.monotonic() - began, "identity": identity}
                save_state(path, state | learner.state() | now)
            if asked:
                raise Interrupted(asked, learner.step)
    summary = summary_of(state, learner, settings, time.monotonic() - began)
    if devices.is_global_zero:
        finish(learner, state["weights"] if settings.keep == "best" else None, metadata, summary, out_dir)
    return summary


def finish(learner: Learner, weights: dict | None, metadata: dict, summary: dict, out_dir: Path) -> None:
    """Write the model, and its summary; then nothing is left to go on with. weights: of the chosen step; None: of the
    last."""
    if weights is not None:
        learner.modules[0].load_state_dict(weights)
    learner.save(out_dir / "model.safetensors", metadata | summary)
    with written_whole(out_dir / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=2))
    (out_dir / STATE).unlink(missing_ok=True)


def new_state(learner: Learner, validation: list[Batch]) -> dict:
    """The state before the first step: what learns, the curves so far, and the best look at the validation set."""
    error, _ = look(learner, validation)
    lines = [json.dumps({"step": 0, "validation": error})]
    return learner.state() | {"lines": lines, "best": None, "weights": None, "seconds": 0.0, "start": error}


def validate(learner: Learner, validation: list[Batch], curves: Curves, state: dict) -> None:
    """Look at the validation set: its error and a picture go to the curves, the best weights into the state."""
    error, picture = look(learner, validation)
    curves.write(learner.step, {"validation": error})
    curves.picture(learner.step, "input, result, truth", picture)
    state["last"] = error
    if state["best"] is None or error < state["best"]["validation_best"]:
        state["best"] = {"best_step": learner.step, "validation_best": error}
        state["weights"] = {name: value.clone() for name, value in learner.modules[0].state_dict().items()}


@torch.no_grad()
def look(learner: Learner, batches: list[Batch]) -> tuple[float, Tensor]:
    """The mean error of the validation samples (`Learner.errors`), and a picture.

    The picture, RGB (3, H, 3W) in 0..1, has input, result and truth of the first sample's last frame.
    """
    errors, picture = [], None
    for batch in batches:
        results = learner.results(batch)
        errors += learner.errors(batch, results).tolist()
        if picture is None:
            picture = side_by_side(batch["frames"][:1, -1], results[-1][:1])
    error = sum(errors) / len(errors)
    if not math.isfinite(error):
        raise FloatingPointError(
            f"training step {learner.step}: the validation error is {error}; lower learning_rate, or look at the "
            "validation set"
        )
    return error, picture


def side_by_side(truth: Tensor, ab: Tensor) -> Tensor:
    """Input, result and truth of a frame (1, 3, H, W) and its colours (1, 2, H, W): RGB (3, H, 3W) in 0..1."""
    panels = [torch.cat([truth[:, :1], colors], dim=1) for colors in (torch.zeros_like(ab), ab, truth[:, 1:])]
    return rgb_tensor_from_lab(torch.cat(panels, dim=3))[0]


def commit() -> str:
    """The commit of the code, with a `+` if it was changed since; empty outside a checkout, or without git."""
    if not (git := shutil.which("git")):
        return ""
    command = [git, "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def samples_of(data: TrainingData, settings: TrainSettings, seed: int) -> tuple[PairStream, list[Batch]]:
    """What is learned from, and what the checkpoint is chosen on."""
    return training_stream(data, settings, seed), validation_batches(data, settings, seed)


def training_stream(data: TrainingData, settings: TrainSettings, seed: int) -> PairStream:
    """The samples of the whole training, in order."""
    clips, photos = ClipPairs(data.clips, settings), PhotoPairs(data.photos, settings)
    batches = settings.steps // settings.steps_a_batch
    return PairStream(clips, photos, batches * settings.batch, settings.photo_share, seed)


def loader(stream: PairStream, settings: TrainSettings, first: int, devices: Devices) -> DataLoader:
    """This process's share of every batch from number `first` on."""
    size, rank, world = settings.batch, devices.global_rank, devices.world_size
    batches = [list(range(k * size + rank, (k + 1) * size, world)) for k in range(first, len(stream) // size)]
    return DataLoader(stream, batch_sampler=batches, num_workers=settings.workers, worker_init_fn=hear_no_signals)


def hear_no_signals(_number: int) -> None:
    """A process that loads samples leaves signals to the training, which needs it until the batch's end."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def to_device(batch: Batch, devices: Devices) -> Batch:
    """The batch with its tensors on this process's device."""
    return {name: value.to(devices.device) if isinstance(value, Tensor) else value for name, value in batch.items()}


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


def set_rates(learner: Learner, settings: TrainSettings) -> None:
    """The course of the learning rate: none, or half a cosine down to 0."""
    done = min(1.0, (learner.step - 1) / settings.steps)
    share = (1 + math.cos(math.pi * done)) / 2 if settings.decay == "cosine" else 1.0
    for optimizer in learner.optimizers:
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
            group["lr"] = group["initial_lr"] * share


def checked(terms: dict[str, Tensor], step: int, batch: Batch) -> dict[str, float]:
    """The values of loss terms. Raises FloatingPointError naming step, term and clips where one is not finite."""
    values = {name: term.item() for name, term in terms.items()}
    for name, value in values.items():
        if not math.isfinite(value):
            raise FloatingPointError(
                f"training step {step}: the {name} loss is {value} on the batch "
                f"{', '.join(batch['item'])}; lower learning_rate, or look at these clips"
            )
    return values


def averaged(values: dict[str, float], devices: Devices) -> dict[str, float]:
    """Loss values as means over all processes."""
    return {name: float(devices.all_reduce(torch.tensor(value), reduce_op="mean")) for name, value in values.items()}


def update(loss: Tensor, net: nn.Module, optimizer: torch.optim.Optimizer, devices: Devices) -> None:
    """One optimiser step on `net` alone, by the mean of the gradients over all processes."""
    parameters = [parameter for parameter in net.parameters() if parameter.requires_grad]
    optimizer.zero_grad(set_to_none=True)
    loss.backward(inputs=parameters)
    # By hand: the networks are called several times a step, in more ways than the hooks of DistributedDataParallel see.
    if devices.world_size > 1:
        for parameter in parameters:
            parameter.grad = devices.all_reduce(parameter.grad, reduce_op="mean")
    optimizer.step()


def summary_of(state: dict, learner: Learner, settings: TrainSettings, seconds: float) -> dict:
    """What was trained, which step was kept, and whether it is better than step 0."""
    best = state["best"]
    kept = {"kept_step": best["best_step"], "validation_kept": best["validation_best"]}
    if settings.keep == "last":
        kept = {"kept_step": learner.step, "validation_kept": state["last"]}
    return {
        "steps": settings.steps,
        "batch": settings.batch,
        **learner.description(),
        **best,
        "keep": settings.keep,
        **kept,
        "validation_step0": state["start"],
        "improved": kept["validation_kept"] < state["start"],
        "seconds": round(seconds, 1),
    }
