"""Eq. 12 for a batch in parts: each score is compared with the mean of all, on whatever process they are."""

import torch
from torch import Tensor, nn

from colorize.training.devices import Devices
from colorize.training.parts import Part


def rolled(pairs: Tensor, devices: Devices) -> Tensor:
    """This process's pairs (n, 6, h, w), each in the place of the next one in the whole batch.

    So no coloured pair meets its own truth, on one process or several of a single sample each.
    """
    lasts = devices.all_gather(pairs[-1:])
    return torch.cat([lasts[devices.global_rank - 1, None], pairs[:-1]])


class Verdicts:
    """The discriminator's scores of all coloured and true pairs of a batch, of which a part's own carry gradients.

    fakes, reals: this process's pairs (n, 6, h, w). All parts are scored with the same vectors of the spectral norm,
    which move on at every call: as if the whole batch was scored in one.
    """

    def __init__(self, judge: nn.Module, fakes: Tensor, reals: Tensor, parts: list[Part], devices: Devices):
        self.judge, self.reals, self.vectors, self.others = judge, reals, {}, None
        if parts[0].is_whole:
            return
        self.vectors = {name: buffer.clone() for name, buffer in judge.named_buffers()}
        with torch.no_grad():
            scores = [self._scored(fakes[part.here], part, devices) for part in parts]
        self.others = devices.all_gather(torch.cat(scores))  # (B, 2)

    def of(self, part: Part, fake: Tensor) -> list[Tensor]:
        """Scores (B,) of coloured and of true pairs. fake: those that the part has coloured."""
        scores = self._judged(fake, self.reals[part.here])
        if self.others is None:
            return scores
        before, after = self.others[: part.place.start], self.others[part.place.stop :]
        return [torch.cat([before[:, k], own, after[:, k]]) for k, own in enumerate(scores)]

    def _scored(self, fake: Tensor, part: Part, devices: Devices) -> Tensor:
        with devices.autocast():
            return torch.stack(self._judged(fake, self.reals[part.here]), dim=1)

    def _judged(self, fake: Tensor, real: Tensor) -> list[Tensor]:
        for name, vector in self.vectors.items():
            self.judge.get_buffer(name).copy_(vector)
        return [self.judge(fake), self.judge(real)]


def counted(loss: Tensor, share: float) -> Tensor:
    """A loss of the whole batch that one part of it passes on: its share of the value, and all of its own gradient."""
    return loss - (1 - share) * loss.detach()
