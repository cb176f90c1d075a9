"""How the networks of bench.methods.contract.trained learn: a learner for the project's one loop, and its checkpoints.

All rows that learn share the samples, the optimiser steps, the batch, Adam and the choice of the checkpoint; a row
declares its network and what it minimises. The keys of a training are those of colorize.settings that are
about these.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import default_collate

from bench.methods.contract.method import Method
from colorize import checkpoint
from colorize.settings import LossWeights, TrainSettings
from colorize.training import loop
from colorize.training.devices import Devices
from colorize.training.loop import Batch, Learner, checked, update
from colorize.training.pairs import TrainingData, cut_out
from media.versions import version_of
from media.whole import written_whole
from vision.network_files import OF_BACKBONE, contents
from vision.state_dicts import built, read_safetensors
from vision.weights import MisfitWeights

STATISTICS_BATCHES = 16  # shown to `prepare`


@dataclass(frozen=True)
class Sample:
    """A batch of colorize.training.pairs as rows learn from it: T adjacent frames, cut to the window; Lab units."""

    frames: Tensor  # (B, T, 3, h, w)
    flow_back: Tensor  # (B, T-1, 2, h, w): t -> t-1 on the grid of t, pixels
    visible_back: Tensor  # (B, T-1, 1, h, w): 1 where it is visible
    reference: Tensor  # (B, 3, H, W), whole
    labels: Tensor  # (B,), int64: which of the training's items each is; 0 for others
    processed: Tensor | None = None  # (B, T, 2, h, w): ab of the row that is to be made consistent


class NetworkLearner(Learner):
    """One network and Adam, on what the method says that it minimises."""

    def __init__(self, method: Method, settings: TrainSettings, data: TrainingData, devices: Devices):
        self.method, self.settings, self.data, self.devices = method, settings, data, devices
        self.items = items_of(data)
        self.network = method.network(settings.width, len(self.items)).to(devices.device)
        self.modules = (self.network,)
        self.optimizers = (torch.optim.Adam(self.network.parameters(), settings.learning_rate, settings.betas),)

    def training_steps(self, batch: Batch) -> Iterator[dict[str, float]]:
        self.step += 1
        loop.set_rates(self, self.settings)
        self.network.train()
        torch.manual_seed(torch.initial_seed() + self.devices.global_rank)  # draws of its own for each process
        with self.devices.autocast():
            terms = self.method.losses(self.network, sample_of(batch, self.items, self.settings.crop))
        terms = {name: term / self.devices.world_size for name, term in terms.items()}
        values = checked(terms, self.step, batch)
        total = sum(terms.values())
        update([total], self.network, self.optimizers[0], self.devices)
        yield values | {"total": total.item()}

    def results(self, batch: Batch) -> list[Tensor]:
        self.network.eval()
        return self.method.results(self.network, self.whole(batch))

    def errors(self, batch: Batch, results: list[Tensor]) -> Tensor:
        return self.method.errors(self.network, self.whole(batch), results)

    def whole(self, batch: Batch) -> Sample:
        """A validation batch: its frames are not cut."""
        return sample_of(batch, self.items, tuple(batch["frames"].shape[-2:]))

    def description(self) -> dict:
        parameters = sum(parameter.numel() for parameter in self.network.parameters())
        return {
            "method": self.method.name,
            "width": self.settings.width,
            "items": len(self.items),
            "parameters": parameters,
            "validated": self.method.validated,
            "recolored": [other.frames.parent.name for other in self.data.recolored],
        }

    def save(self, path: Path, metadata: dict) -> None:
        save(self.network, path, metadata)


def train_network(method: Method, data: TrainingData, options: dict, out_dir: Path) -> dict:
    """Train a method's network with the project's loop; writes the checkpoint, its summary and the curves.

    options: the training in the config, without `method`. Raises ValueError for a key that only the paper's model has.
    """
    settings = TrainSettings.model_validate({"betas": (0.9, 0.999), **options})
    if strange := sorted(settings.model_fields_set & method.refuses):
        raise ValueError(
            f"the training of {method.name} has the key {strange[0]!r}, which is about the paper's own model; "
            "take it out: a row with a network of its own declares its losses itself "
            "(bench/methods/contract/trained.py)"
        )
    settings = settings.model_copy(update={"losses": LossWeights(), "luminance_noise": 0.0})
    if settings.unroll < settings.sequence:  # such a row colours a sequence in one step
        settings = settings.model_copy(update={"unroll": settings.sequence})
    items, size = items_of(data), settings.batch
    stream, _ = method.samples(data, settings, method.setting.seed)
    batches = (default_collate([stream[k] for k in range(at, at + size)]) for at in range(0, len(stream), size))
    method.prepare(sample_of(batch, items, settings.crop) for batch in islice(batches, STATISTICS_BATCHES))

    def start(devices: Devices) -> Learner:
        return NetworkLearner(method, settings, data, devices)

    made_by = {
        "backbone": method.setting.backbone,
        "networks": contents(OF_BACKBONE.get(method.setting.backbone, ()), method.setting.weights_dir),
        "method": method.name,
        "version": version_of(type(method).__module__),
    }
    return loop.run(start, data, settings, out_dir, method.setting.seed, made_by, method.samples)


def items_of(data: TrainingData) -> dict[str, int]:
    """The label of each item that is learned from: its place among all, clips before photographs."""
    names = dict.fromkeys(row["clip"] for items in (data.clips, data.photos) for row in items.rows)
    return {name: place for place, name in enumerate(names)}


def sample_of(batch: Batch, items: dict[str, int], size: tuple[int, int]) -> Sample:
    """A batch, its frames cut to the window of that size (its motion is already)."""
    return Sample(
        cut_out(batch["frames"], batch["at"], size),
        batch["flow_back"],
        batch["visible_back"],
        batch["reference"],
        torch.tensor([items.get(name, 0) for name in batch["item"]], device=batch["own"].device),
        cut_out(batch["processed"], batch["at"], size) if "processed" in batch else None,
    )


def save(network: nn.Module, path: Path, metadata: dict) -> None:
    """Write a checkpoint; its metadata hold at least `backbone`, `method`, `width` and `items`."""
    with written_whole(path) as temporary:
        state = {name: value.contiguous() for name, value in network.state_dict().items()}
        save_file(state, temporary, checkpoint.as_text(metadata))


def load_trained(method: Method, path: Path) -> nn.Module:
    """The network of a checkpoint that `fit` wrote, in eval mode. Raises MisfitWeights if it is another method's."""
    if not Path(path).exists():
        raise FileNotFoundError(f"{path}: no such checkpoint; `snakemake --cores 2 {path}` trains it")
    metadata = checkpoint.metadata(path)
    if metadata.get("method") != method.name:
        raise MisfitWeights(
            f"{path}: a model of the method {metadata.get('method', 'ours')!r}, expected one of {method.name!r}; "
            "name another `training` for this row"
        )
    missing = [key for key in ("width", "items") if key not in metadata]
    if missing:
        raise MisfitWeights(f"{path}: its metadata lack {missing[0]!r}; {checkpoint.TRAIN_AGAIN}")
    build = partial(method.network, metadata["width"], metadata["items"])
    network = built(build, read_safetensors(path), path, checkpoint.TRAIN_AGAIN)
    return network.eval().requires_grad_(False)
