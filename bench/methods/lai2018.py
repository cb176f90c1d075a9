"""Blind temporal consistency (reference [22]): a recurrent network that calms the results of any other row."""

import copy
from collections.abc import Iterator

import numpy as np

from bench.methods.contract.method import Given
from bench.methods.contract.trained import Trained

HELD_OUT = 8  # one of so many training clips is kept for choosing the checkpoint


class Lai2018(Trained):
    """A post-processor: the row `<row>+lai2018` is that row made consistent.

    It learns on what other rows make of the training clips. Its last result goes back in as it is; the authors' program
    reads it back from an 8-bit JPEG.
    """

    name = "lai2018"
    citation = "Lai, Huang, Wang, Shechtman, Yumer, Yang: Learning Blind Video Temporal Consistency, ECCV 2018"
    given = {"clips": ("processed",)}
    uses_backbone = ("fit",)
    multiple = 4
    validated = "of its own losses"

    def network(self, width: float, items: int):
        from bench.methods.networks.lai2018_network import TransformNet

        return TransformNet(round(32 * width), blocks=3) if items else TransformNet()

    def samples(self, data, settings, seed: int):
        """Clips with the colours of the rows in `recolored`; some clips are kept for the validation."""
        from torch.utils.data import default_collate

        from colorize.training.pairs import PairStream, PhotoPairs, RecoloredPairs

        if not data.recolored:
            raise ValueError(
                "the training of lai2018 learns to correct other rows: name them, for example "
                "`recolored: [zhang2016, iizuka2016]` under training.<name> in the config"
            )
        whole = settings.model_copy(update={"crop": settings.frame})
        learned, kept = (
            RecoloredPairs(part(data.clips, held), [part(other, held) for other in data.recolored], own)
            for held, own in ((False, settings), (True, whole))
        )
        length = settings.steps // settings.steps_a_batch * settings.batch
        stream = PairStream(learned, PhotoPairs(data.photos, settings), length, 0.0, seed)
        count = settings.validation_pairs
        chosen = [kept.sample(k * len(kept) // count, np.random.default_rng((seed, k))) for k in range(count)]
        size = settings.batch
        return stream, [default_collate(chosen[at : at + size]) for at in range(0, count, size)]

    def losses(self, network, sample) -> dict:
        from bench.methods.networks.lai2018_network import long_term, perceptual, short_term

        pairs = pictures(sample)
        results = list(corrected(network, pairs))
        inputs, flows = [current for current, _ in pairs], list(sample.flow_back.unbind(1))
        terms = [
            perceptual(self.deepest(result), self.deepest(processed).detach())
            for result, (_, processed) in zip(results[1:], pairs[1:], strict=True)
        ]
        far = {"long_term": long_term(results, inputs, to_the_first(flows))} if len(flows) > 1 else {}
        return {"short_term": short_term(results, inputs, flows), **far, "perceptual": sum(terms)}

    def results(self, network, sample) -> list:
        from media.color import ab_from_rgb_tensor

        results = corrected(network, pictures(sample))
        return [ab_from_rgb_tensor(rgb.clamp(0, 1)) for rgb in results][1:]

    def errors(self, network, sample, results: list):
        return sum(self.losses(network, sample).values()).expand(len(sample.frames))

    def deepest(self, rgb):
        """The deepest features of pictures (B, 3, H, W) in 0..1."""
        return self.features(rgb.clamp(0, 1))[-1]

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        from media.color import ab_from_rgb_tensor
        from media.tensors import as_array, resized, rounded_up

        shape: tuple = ()

        def pairs():
            nonlocal shape
            for luminance, ab in zip(frames, given.processed, strict=True):
                shape = luminance.shape
                size = rounded_up(shape, self.multiple)
                yield tuple(resized(x, size) for x in colored(self.maps(luminance), self.maps(ab)))

        for rgb in corrected(self.model, pairs()):
            yield as_array(resized(ab_from_rgb_tensor(rgb.clamp(0, 1)), shape))


def colored(luminance, ab):
    """The grey picture and the coloured one, RGB (B, 3, H, W) in 0..1, of L (B, 1, H, W) and ab (B, 2, H, W)."""
    import torch

    from media.color import rgb_tensor_from_lab
    from media.tensors import grey

    return grey(luminance).expand(-1, 3, -1, -1), rgb_tensor_from_lab(torch.cat([luminance, ab], dim=1))


def pictures(sample) -> list:
    """`colored` of every frame of a sample."""
    pairs = zip(sample.frames.unbind(1), sample.processed.unbind(1), strict=True)
    return [colored(frame[:, :1], ab) for frame, ab in pairs]


def corrected(network, pairs) -> Iterator:
    """RGB (B, 3, H, W) of every frame, not clamped; the first as it was processed. pairs: of `colored`, in order.

    Nothing is learned through time: the last result and the state come in as they are.
    """
    import torch

    state = result = before = None
    for current, processed in pairs:
        if result is None:
            result = processed
        else:
            x = torch.cat([processed, result.detach(), current, before], dim=1)
            residual, state = network(x, state)
            result, state = processed + residual, tuple(part.detach() for part in state)
        before = current
        yield result


def to_the_first(flows: list) -> list:
    """Flow from each frame t >= 2 to frame 0, of flows[t - 1] (B, 2, H, W) from t to t-1: one after the other."""
    from media.flow_files import warp_tensor

    whole, flows_to_first = flows[0], []
    for flow in flows[1:]:
        whole = flow + warp_tensor(whole, flow, outside="replicate")
        flows_to_first.append(whole)
    return flows_to_first


def part(items, held_out: bool):
    """The items of a set that are kept for validation, one in HELD_OUT and at least the last, or all the others."""
    chosen = copy.copy(items)
    last = len(items.rows) - 1
    chosen.rows = [row for k, row in enumerate(items.rows) if ((last - k) % HELD_OUT == 0) == held_out]
    return chosen
