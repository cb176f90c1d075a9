"""A batch in portions: several processes share it, and each may work on a few samples at a time to save memory.

What is learned is what the whole batch teaches. A mean over it is the sum of its portions' by their `weight`; noise is
drawn for all samples, whoever needs which; and what has to know all of them (Eq. 14, Eq. 12, the spread of features) is
told. Only the order in which numbers are summed differs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from colorize.settings import TrainSettings
from colorize.training.devices import Devices

Batch = dict[str, Tensor | list[str]]  # colorize.training.pairs, collated


@dataclass(frozen=True)
class Portion:
    """Samples that are worked on at once: where they are among this process's and in the whole batch, and what of it
    has to be known: labels of all samples (own, given: (B,)), and the spread of each level of the features of all
    references, where these get noise and the portion is not the whole batch."""

    here: slice
    place: slice
    own: Tensor
    given: Tensor
    spreads: tuple[Tensor, ...] = ()

    @property
    def is_whole(self) -> bool:
        return self.place == slice(0, len(self.own))

    @property
    def share(self) -> float:
        """The portion's samples by the batch's."""
        return (self.place.stop - self.place.start) / len(self.own)

    def weight(self, loss: str) -> float | Tensor:
        """What the portion's mean counts in the batch's. That of Eq. 14 is over the samples that it applies to."""
        if loss != "l1":
            return self.share
        return self.own[self.place].sum().clamp(min=1) / self.own.sum().clamp(min=1)

    def samples(self, batch: Batch) -> Batch:
        """Those of this process's batch that are the portion's."""
        return {name: value[self.here] for name, value in batch.items()}

    def noise(self, like: Tensor) -> Tensor:
        """Gaussian noise of the form of a portion's tensor: its place in what is drawn for the whole batch."""
        if self.is_whole:
            return torch.randn_like(like)
        shape = (len(self.own), *like.shape[1:])
        return torch.randn(shape, dtype=like.dtype, device=like.device)[self.place].clone()


def portions_of(batch: Batch, settings: TrainSettings, devices: Devices) -> list[Portion]:
    """The portions of this process's share of a batch."""
    own, given = devices.all_gather(torch.stack([batch["own"], batch["given"]], dim=1)).unbind(1)
    size = len(batch["own"])
    first, length = devices.global_rank * size, settings.micro_batch or size
    ends = [(start, min(start + length, size)) for start in range(0, size, length)]
    return [Portion(slice(*end), slice(first + end[0], first + end[1]), own, given) for end in ends]


@torch.no_grad()
def spreads_of(
    levels_of: Callable[[Tensor], Sequence[Tensor]], references: Tensor, portions: list[Portion], devices: Devices
) -> tuple[Tensor, ...]:
    """The standard deviation of each level of the features of all references, as Tensor.std has it."""
    moments = 0
    for portion in portions:
        with devices.autocast():
            moments = moments + torch.stack([moments_of(level) for level in levels_of(references[portion.here])])
    count, first, second = devices.all_reduce(moments, reduce_op="sum").unbind(1)
    spreads = ((second - first.square() / count) / (count - 1)).sqrt()
    return tuple(spreads.to(references.device, references.dtype))


def moments_of(x: Tensor) -> Tensor:
    """Number, sum and sum of squares of a tensor's values, in double precision, on the CPU."""
    variance, mean = (value.double().cpu() for value in torch.var_mean(x))
    count = torch.tensor(x.numel(), dtype=torch.float64)
    return torch.stack([count, count * mean, (count - 1) * variance + count * mean.square()])


class Randomness:
    """The state of a device's random numbers, to which it can be put back: the same noise is then drawn again."""

    def __init__(self, device: torch.device):
        self.source = torch if device.type == "cpu" else torch.get_device_module(device)
        self.state = self.source.get_rng_state()

    def again(self) -> None:
        self.source.set_rng_state(self.state)
