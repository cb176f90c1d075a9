"""How the model learns (sections 3.3 and 4): all six losses of Eq. 15 and the video discriminator."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from colorize import checkpoint
from colorize.model import ExemplarModel, Last, Reference
from colorize.networks.discriminator import DISCRIMINATOR
from colorize.settings import TrainSettings
from colorize.training import loop, losses
from colorize.training.devices import Devices
from colorize.training.loop import Batch, Learner, checked, update
from colorize.training.pairs import GRID, TrainingData, cut_out
from media.color import rgb_tensor_from_lab
from media.versions import version_of
from vision.backbones import load_backbone
from vision.network_files import OF_BACKBONE, contents


def train(
    data: TrainingData, settings: TrainSettings, out_dir: Path, backbone: str, weights_dir: Path, seed: int
) -> dict:
    """Train one model, or go on with it (colorize.training.loop.run), and return its summary."""

    def start(devices: Devices) -> Learner:
        return ExemplarLearner(settings, backbone, weights_dir, devices)

    networks = contents(OF_BACKBONE.get(backbone, ()), weights_dir)
    made_by = {"backbone": backbone, "networks": networks, "version": version_of(__name__)}
    return loop.run(start, data, settings, out_dir, seed, made_by)


class ExemplarLearner(Learner):
    """The generator and the discriminator, each with its optimiser (section 4: AMSGrad, one rate, without decay)."""

    def __init__(self, settings: TrainSettings, backbone: str, weights_dir: Path, devices: Devices):
        self.settings, self.devices = settings, devices
        network = load_backbone(backbone, weights_dir).to(devices.device)
        self.model = ExemplarModel(network, **settings.model).to(devices.device)
        self.judge = DISCRIMINATOR[settings.protocol](settings.width).to(devices.device)
        self.modules = (self.model, self.judge)
        self.model.correspondence.requires_grad_(settings.correspondence_rate > 0)
        rate = settings.learning_rate
        groups = [
            {"params": list(self.model.colorization.parameters()), "lr": rate},
            {"params": list(self.model.correspondence.parameters()), "lr": rate * settings.correspondence_rate},
        ]
        self.optimizers = tuple(
            torch.optim.Adam(parameters, rate, settings.betas, amsgrad=True)
            for parameters in (groups if settings.correspondence_rate else groups[:1], self.judge.parameters())
        )

    def training_steps(self, batch: Batch) -> Iterator[dict[str, float]]:
        """One optimiser step for each window of the batch's frames, from the first to the last."""
        ab = None
        for window in windows(self.settings):
            self.step += 1
            loop.set_rates(self, self.settings)
            rendered = Rendered(self.model, batch, window, ab, self.settings, self.devices)
            yield training_step(self, rendered)
            ab = rendered.ab[-1].detach()

    def results(self, batch: Batch) -> list[Tensor]:
        return validation_results(self.model, batch)

    def description(self) -> dict:
        return self.settings.model

    def save(self, path: Path, metadata: dict) -> None:
        checkpoint.save(self.model, path, metadata)


def windows(settings: TrainSettings) -> list[range]:
    """The frames of a sample that each step colours; its first one is the last of the step before."""
    hop = settings.unroll - 1
    return [range(first, first + settings.unroll) for first in range(0, settings.sequence - 1, hop)]


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
        devices: Devices,
    ):
        self.batch, self.window, self.settings = batch, window, settings
        self.truth = [self._cut(batch["frames"][:, t]) for t in window]
        with devices.autocast():
            noise = settings.feature_noise * batch["noisy_features"] * (1 - batch["given"])
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
        """Flow and visible between frames t-1 and t of the sample; direction `_back` for t -> t-1."""
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
        size = tuple(side // scale for side in self.settings.crop)
        return cut_out(x, self.batch["at"] // scale, size)


def training_step(learner: ExemplarLearner, rendered: Rendered) -> dict[str, float]:
    """One step of the discriminator (once the adversarial loss counts) and one of the generator; the loss values."""
    judge, settings, devices, values = learner.judge, learner.settings, learner.devices, {}
    adversarial = settings.losses.adversarial > 0 and learner.step > settings.adversarial_from
    if adversarial:
        with devices.autocast():
            loss = losses.adversarial_discriminator(judge(rendered.fake().detach()), judge(rendered.real()))
        values = checked({"discriminator": loss}, learner.step, rendered.batch)
        update(loss, judge, learner.optimizers[1], devices)
    with devices.autocast():
        terms = generator_losses(learner.model, rendered, settings)
        if adversarial:
            terms["adversarial"] = losses.adversarial_generator(judge(rendered.fake()), judge(rendered.real()))
    values |= checked(terms, learner.step, rendered.batch)
    weights = settings.losses.model_dump()
    total = sum(weights[name] * term for name, term in terms.items())
    update(total, learner.model, learner.optimizers[0], devices)
    return values | {"total": total.item()}


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
