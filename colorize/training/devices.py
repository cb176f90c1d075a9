"""Where a training runs: one device as torch has it, or what Lightning Fabric makes of several or of less precision.

Of what several processes exchange, whichever of them ends, the others end too: with a sentence, and without a wait.

Fabric is imported where it is asked for: with what it brings it costs more seconds than a small training's start.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, distributed

from colorize.settings import TrainSettings
from colorize.training.processes import OF_TORCHRUN
from media.faults import MachineFault


class Devices(Protocol):
    """What the loop and its learners ask of the place where they run; Lightning Fabric's own names."""

    device: torch.device  # this process's
    global_rank: int
    world_size: int
    is_global_zero: bool

    def autocast(self) -> AbstractContextManager:
        """The precision in which networks are called."""

    def all_reduce(self, data: Tensor, *, reduce_op: str) -> Tensor:
        """The `sum` or the `max` of a tensor over all processes."""

    def all_gather(self, data: Tensor) -> Tensor:
        """The tensors (n, ...) of all processes, one after the other."""


@dataclass(frozen=True)
class OneDevice:
    """One process on one device in 32 bits: nothing to cast, nothing to share."""

    device: torch.device
    global_rank = 0
    world_size = 1
    is_global_zero = True

    def autocast(self) -> AbstractContextManager:
        return nullcontext()

    def all_reduce(self, data: Tensor, *, reduce_op: str) -> Tensor:
        return data

    def all_gather(self, data: Tensor) -> Tensor:
        return data


class ManyDevices:
    """One of several processes. What they exchange goes by torch itself: Fabric would wait for all before each time."""

    def __init__(self, fabric: Devices):
        self.device, self.global_rank, self.world_size = fabric.device, fabric.global_rank, fabric.world_size
        self.is_global_zero, self.autocast = fabric.is_global_zero, fabric.autocast

    def all_reduce(self, data: Tensor, *, reduce_op: str) -> Tensor:
        data = data.to(self.device)
        with all_being_there():
            distributed.all_reduce(data, getattr(distributed.ReduceOp, reduce_op.upper()))
        return data

    def all_gather(self, data: Tensor) -> Tensor:
        data = data.to(self.device).contiguous()
        parts = [torch.empty_like(data) for _ in range(self.world_size)]
        with all_being_there():
            distributed.all_gather(parts, data)
        return torch.cat(parts)


@contextmanager
def all_being_there() -> Iterator[None]:
    """Around what needs all processes. Raises MachineFault where one of them has ended."""
    try:
        yield
    except RuntimeError as error:
        raise MachineFault(
            "another process of this training has ended or cannot be reached; what is said of it stands beside this, "
            "and the same command goes on from the last saved state"
        ) from error


def launched(settings: TrainSettings) -> Devices:
    """This process's place; the processes and their number are torchrun's affair.

    Raises ValueError where a batch cannot be shared equally among them.
    """
    sizes = os.environ if OF_TORCHRUN in os.environ else {}
    local, world = (int(sizes.get(name, 1)) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
    if settings.batch % world:
        raise ValueError(f"batch {settings.batch} cannot be shared equally among {world} processes")
    if world == 1 and settings.precision == "32-true" and (device := one_device(settings.accelerator)):
        return OneDevice(device)
    from lightning.fabric import Fabric
    from lightning.fabric.plugins.environments import LightningEnvironment, TorchElasticEnvironment

    fabric = Fabric(
        accelerator=settings.accelerator,
        devices=local,
        num_nodes=world // local,
        strategy="ddp" if world > 1 else "auto",
        precision=settings.precision,
        # Otherwise it asks SLURM, whose tasks are not the processes of a training.
        plugins=TorchElasticEnvironment() if world > 1 else LightningEnvironment(),
    )
    fabric.launch()
    return ManyDevices(fabric) if world > 1 else fabric


def one_device(accelerator: str) -> torch.device | None:
    """The CPU or the first CUDA device; None where another is meant, which Fabric has to choose or to refuse."""
    if torch.cuda.is_available() and accelerator in ("auto", "gpu", "cuda"):
        return torch.device("cuda", 0)
    return torch.device("cpu") if accelerator in ("auto", "cpu") and not torch.backends.mps.is_available() else None
