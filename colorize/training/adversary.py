"""Eq. 12 for a batch in portions: each score is compared with the mean of all, on whatever process they are."""

import torch
from torch import Tensor, nn

from colorize.training.devices import Devices
from colorize.training.portions import Portion


def rolled(pairs: Tensor, devices: Devices) -> Tensor:
    """This process's pairs (n, 6, h, w), each in the place of the next one in the whole batch.

    So no coloured pair meets its own truth, on one process or several of a single sample each.
    """
    lasts = devices.all_gather(pairs[-1:])
    return torch.cat([lasts[devices.global_rank - 1, None], pairs[:-1]])


class Verdicts:
    """The discriminator's scores of all coloured and true pairs of a batch, of which a portion's own carry gradients.

    fakes, reals: this process's pairs (n, 6, h, w). All portions are scored with the same vectors of the spectral norm,
    which move on at every call: as if the whole batch was scored in one.
    """

    def __init__(self, judge: nn.Module, fakes: Tensor, reals: Tensor, portions: list[Portion], devices: Devices):
        self.judge, self.reals, self.vectors, self.others = judge, reals, {}, None
        if portions[0].is_whole:
            return
        self.vectors = {name: buffer.clone() for name, buffer in judge.named_buffers()}
        with torch.no_grad():
            scores = [self._scored(fakes[portion.here], portion, devices) for portion in portions]
        self.others = devices.all_gather(torch.cat(scores))  # (B, 2)

    def of(self, portion: Portion, fake: Tensor) -> list[Tensor]:
        """Scores (B,) of coloured and of true pairs. fake: those that the portion has coloured."""
        scores = self._judged(fake, self.reals[portion.here])
        if self.others is None:
            return scores
        before, after = self.others[: portion.place.start], self.others[portion.place.stop :]
        return [torch.cat([before[:, k], own, after[:, k]]) for k, own in enumerate(scores)]

    def _scored(self, fake: Tensor, portion: Portion, devices: Devices) -> Tensor:
        with devices.autocast():
            return torch.stack(self._judged(fake, self.reals[portion.here]), dim=1)

    def _judged(self, fake: Tensor, real: Tensor) -> list[Tensor]:
        for name, vector in self.vectors.items():
            self.judge.get_buffer(name).copy_(vector)
        return [self.judge(fake), self.judge(real)]


def counted(loss: Tensor, share: float) -> Tensor:
    """A loss of the whole batch as a portion adds it: its share of the value, and all of its own gradient."""
    return loss - (1 - share) * loss.detach()
