"""Training of the paper's model (sections 3.3 and 4): one loop, all six losses, the video discriminator.

Writes into its folder: model.safetensors (the checkpoint with the lowest validation error, step 0 excluded),
metrics.jsonl and tensorboard/ (the loss curves), summary.json (what was chosen and whether training helped).
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, default_collate
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from colorize import checkpoint, losses
from colorize.model import Colored, ExemplarModel
from colorize.networks.discriminator import Discriminator
from colorize.pairs import ClipPairs, PairStream, PhotoPairs, TrainingData
from colorize.settings import TrainSettings
from media.color import rgb_tensor_from_lab
from media.tables import written_whole
from vision.backbones import load_backbone

VERSION = 1

# The validation pairs are drawn from a stream of their own.
VALIDATION_SEED = 1_000_003


@dataclass
class Rendered:
    """Both frames of a batch of pairs, coloured one after the other."""

    last: Colored
    current: Colored

    def fake(self, pair: dict[str, Tensor]) -> Tensor:
        """The coloured pair as the discriminator sees it: current (L, a, b), then last (L, a, b)."""
        frames = ((pair["current"], self.current.ab), (pair["last"], self.last.ab))
        return torch.cat([torch.cat([lab[:, :1], ab], dim=1) for lab, ab in frames], dim=1)


def train(
    data: TrainingData, settings: TrainSettings, out_dir: Path, backbone: str, weights_dir: Path, seed: int
) -> dict:
    """Train one model and return its summary. Raises FloatingPointError naming the step and the loss that broke."""
    torch.set_num_threads(settings.threads)
    torch.manual_seed(seed)
    model = ExemplarModel(load_backbone(backbone, weights_dir), settings.width)
    judge = Discriminator(settings.width)
    optimizers = [
        torch.optim.Adam(net.parameters(), settings.learning_rate, settings.betas, amsgrad=True)
        for net in (model, judge)
    ]
    stream = training_stream(data, settings, seed)
    validation = validation_batches(data, settings, seed)
    metadata = {"backbone": backbone, "width": settings.width, "settings": settings.model_dump(), "seed": seed}

    started = time.monotonic()
    initial = validation_error(model, validation)
    best = {"best_step": None, "validation_best": float("inf")}
    with Curves(out_dir) as curves:
        curves.write(0, {"validation": initial})
        loader = DataLoader(stream, settings.batch, num_workers=settings.workers)
        for step, pair in enumerate(tqdm(loader, desc=f"train {out_dir.name}", unit="step", mininterval=5), start=1):
            values = training_step(model, judge, optimizers, pair, settings, step)
            curves.write(step, values)
            if step % settings.validate_every == 0 or step == settings.steps:
                error = validation_error(model, validation)
                curves.write(step, {"validation": error})
                if error < best["validation_best"]:
                    best = {"best_step": step, "validation_best": error}
                    checkpoint.save(model, out_dir / "model.safetensors", metadata | {"step": step})
    summary = {
        "steps": settings.steps,
        "width": settings.width,
        **best,
        "validation_step0": initial,
        "improved": best["validation_best"] < initial,
        "seconds": round(time.monotonic() - started, 1),
    }
    with written_whole(out_dir / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=2))
    return summary


def training_stream(data: TrainingData, settings: TrainSettings, seed: int) -> PairStream:
    """The pairs of the whole training, in order."""
    clips, photos = ClipPairs(data.clips, settings), PhotoPairs(data.photos, settings)
    return PairStream(clips, photos, settings.steps * settings.batch, settings.photo_share, seed)


def validation_batches(data: TrainingData, settings: TrainSettings, seed: int) -> list[dict[str, Tensor]]:
    """The fixed validation pairs: pseudo-video of photographs that are not trained on, the last frame as reference."""
    photos = PhotoPairs(data.validation, settings)
    if not len(photos):
        raise ValueError(
            f"there is nothing to choose the checkpoint on: no photograph of {data.validation.table} "
            "passes the filter; see its column `reason`"
        )
    generators = [np.random.default_rng((seed + VALIDATION_SEED, k)) for k in range(settings.validation_pairs)]
    pairs = [photos.pair(k % len(photos), rng) for k, rng in enumerate(generators)]
    pairs = [pair | {"reference": pair["last"]} for pair in pairs]
    return [default_collate(pairs[at : at + settings.batch]) for at in range(0, len(pairs), settings.batch)]


def training_step(
    model: ExemplarModel,
    judge: Discriminator,
    optimizers: list[torch.optim.Optimizer],
    pair: dict[str, Tensor],
    settings: TrainSettings,
    step: int,
) -> dict[str, float]:
    """One step of the discriminator (once the adversarial loss counts) and one of the generator; the loss values."""
    rendered = render(model, pair, settings)
    real = real_pairs(pair)
    adversarial = settings.losses.adversarial > 0 and step > settings.adversarial_from
    values = {}
    if adversarial:
        loss = losses.adversarial_discriminator(judge(rendered.fake(pair).detach()), judge(real))
        values["discriminator"] = update(loss, judge, optimizers[1], step, "discriminator")
    terms = generator_losses(model, rendered, pair, settings)
    if adversarial:
        terms["adversarial"] = losses.adversarial_generator(judge(rendered.fake(pair)), judge(real))
    for name, term in terms.items():
        if not torch.isfinite(term):
            raise FloatingPointError(f"training step {step}: the {name} loss is {term.item()}; lower learning_rate")
    weights = settings.losses.model_dump()
    total = sum(weights[name] * term for name, term in terms.items())
    update(total, model, optimizers[0], step, "total")
    return values | {name: term.item() for name, term in terms.items()} | {"total": total.item()}


def update(loss: Tensor, net: nn.Module, optimizer: torch.optim.Optimizer, step: int, name: str) -> float:
    """One optimiser step on `net` alone."""
    if not torch.isfinite(loss):
        raise FloatingPointError(f"training step {step}: the {name} loss is {loss.item()}; lower learning_rate")
    optimizer.zero_grad(set_to_none=True)
    loss.backward(inputs=list(net.parameters()))
    optimizer.step()
    return loss.item()


def render(model: ExemplarModel, pair: dict[str, Tensor], settings: TrainSettings) -> Rendered:
    """Colour last, then current on top of it; gradients flow through both (Eq. 7)."""
    reference = model.encode_reference(pair["reference"], settings.feature_noise * pair["own"])
    last = model(noisy_luminance(pair["last"], settings), reference, None)
    last_lab = torch.cat([pair["last"][:, :1], last.ab], dim=1)
    current = model(noisy_luminance(pair["current"], settings), reference, last_lab)
    return Rendered(last, current)


def noisy_luminance(lab: Tensor, settings: TrainSettings) -> Tensor:
    """The L that the networks see: with noise on each pixel. The losses see the clean one."""
    luminance = lab[:, :1]
    return (luminance + settings.luminance_noise * torch.randn_like(luminance)).clamp(0, 100)


def real_pairs(pair: dict[str, Tensor]) -> Tensor:
    """True pairs for the discriminator, rolled by one in the batch so that no coloured pair meets its own truth."""
    return torch.cat([pair["current"], pair["last"]], dim=1).roll(1, dims=0)


def generator_losses(
    model: ExemplarModel, rendered: Rendered, pair: dict[str, Tensor], settings: TrainSettings
) -> dict[str, Tensor]:
    """The losses of Eq. 15 on the current frame, without the adversarial one; those with weight 0 are not computed."""
    weights, truth, ab = settings.losses, pair["current"], rendered.current.ab
    terms = {}
    if weights.perceptual or weights.contextual:
        result = model.backbone.levels(rgb_tensor_from_lab(torch.cat([truth[:, :1], ab], dim=1)))
    if weights.perceptual:
        with torch.no_grad():
            wanted = model.backbone.levels(rgb_tensor_from_lab(truth))[-1]
        terms["perceptual"] = losses.perceptual(result[-1], wanted)
    if weights.contextual:
        with torch.no_grad():
            style = model.backbone.levels(rgb_tensor_from_lab(pair["reference"]))
        terms["contextual"] = losses.contextual(result, style, settings.context_weights)
    if weights.smoothness:
        terms["smoothness"] = losses.smoothness(ab, truth)
    if weights.temporal:
        terms["temporal"] = losses.temporal(rendered.last.ab, ab, pair["flow"], pair["visible"])
    if weights.l1:
        terms["l1"] = losses.l1(ab, truth[:, 1:], pair["own"])
    return terms


@torch.no_grad()
def validation_error(model: ExemplarModel, batches: list[dict[str, Tensor]]) -> float:
    """Mean absolute error of ab on the second frame of the validation pairs, Lab units."""
    errors = []
    for pair in batches:
        reference = model.encode_reference(pair["reference"])
        last = model(pair["last"][:, :1], reference, None)
        last_lab = torch.cat([pair["last"][:, :1], last.ab], dim=1)
        current = model(pair["current"][:, :1], reference, last_lab)
        errors += (current.ab - pair["current"][:, 1:]).abs().mean(dim=(1, 2, 3)).tolist()
    return sum(errors) / len(errors)


class Curves:
    """The loss curves, written as they come: metrics.jsonl (one line a step) and TensorBoard scalars."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.lines = (folder / "metrics.jsonl").open("w")
        self.board = SummaryWriter(str(folder / "tensorboard"))

    def write(self, step: int, values: dict[str, float]) -> None:
        self.lines.write(json.dumps({"step": step, **values}) + "\n")
        for name, value in values.items():
            self.board.add_scalar(name, value, step)

    def __enter__(self) -> "Curves":
        return self

    def __exit__(self, *exception) -> None:
        self.lines.close()
        self.board.close()
