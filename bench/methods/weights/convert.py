"""Published weight files into our networks: tensors renamed and scaled, and every one of them accounted for.

The shapes are the network's own, so that a narrow network takes a narrow file of the same format. A file whose tensors
are not exactly those that the network needs is refused, by the name of the first wrong one.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from bench.methods.weights import published
from bench.methods.weights.caffe import Blobs, read_caffe_hdf5, read_caffemodel
from bench.methods.weights.iizuka2016_file import CLASSIFIER, read_iizuka2016
from media.faults import of_the_machine
from vision.state_dicts import check_sound, read_state
from vision.weights import MisfitWeights, WeightFile, locate_first

Shapes = Mapping[str, tuple[int, ...]]  # of a network's state dict
State = dict[str, Tensor]

COUNTER = "num_batches_tracked"  # of batch norms; PyTorch had none before 0.4.1, and inference needs none


class Renaming(NamedTuple):
    """One tensor of a file and what becomes of it."""

    source: str
    target: str
    factor: float = 1.0


def load_published(network: nn.Module, files: Sequence[WeightFile], weights_dir: str | Path) -> nn.Module:
    """Fill a network with the first of some alternative files that is there; returns it frozen, in eval mode.

    Raises MissingWeights if none is there, MisfitWeights if the file is damaged or does not fit.
    """
    file, path = locate_first(files, weights_dir)
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    try:
        state = CONVERTERS[file](path, shapes)
    except MisfitWeights:
        raise
    except Exception as error:  # what is read right may still be put together in any way
        if of_the_machine(error):
            raise
        raise MisfitWeights(f"{path}: its parts are not those of {file.name} ({error!r:.200})") from error
    check_sound(state, path, f"are these the weights that {file.origin} has?")
    left = network.load_state_dict(state, strict=False).missing_keys
    if needed := [name for name in left if not (name.endswith(COUNTER) or name.startswith(CLASSIFIER))]:
        raise MisfitWeights(f"{path}: nothing in it becomes the tensor {needed[0]!r} of the network")
    return network.eval().requires_grad_(False)


def renamed(path: Path, tensors: Mapping[str, Tensor], lines: Sequence[Renaming], shapes: Shapes) -> State:
    """The tensors of a file under our names. Raises MisfitWeights at the first that is missing, misshapen or unknown.

    Dimensions of 1 count for nothing: Caffe stores a bias of 32 also as 1 x 1 x 1 x 32.
    """
    state = {}
    for line in lines:
        if line.source not in tensors:
            nearest = difflib.get_close_matches(line.source, tensors, n=1)
            hint = f"; did it become {nearest[0]!r}?" if nearest else ""
            raise MisfitWeights(f"{path}: the tensor {line.source!r} is missing (ours: {line.target}){hint}")
        value, expected = tensors[line.source], shapes[line.target]
        if _without_ones(value.shape) != _without_ones(expected):
            raise MisfitWeights(
                f"{path}: the tensor {line.source!r} has the shape {tuple(value.shape)}, expected {tuple(expected)}"
            )
        value = value.reshape(expected)
        state[line.target] = value if line.factor == 1 else value * line.factor
    if unknown := sorted(set(tensors) - {line.source for line in lines}):
        raise MisfitWeights(
            f"{path}: the tensor {unknown[0]!r} has no place in the network ({len(unknown)} such tensors)"
        )
    return state


def _without_ones(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def same_names(path: Path, tensors: Mapping[str, Tensor], shapes: Shapes) -> State:
    """A file that has our names already."""
    wanted = [name for name in shapes if name in tensors or not name.endswith(COUNTER)]
    return renamed(path, tensors, [Renaming(name, name) for name in wanted], shapes)


def from_pth(path: Path, shapes: Shapes) -> State:
    """A PyTorch file that is a state dict and nothing else."""
    return same_names(path, read_state(path), shapes)


def from_lai2018(path: Path, shapes: Shapes) -> State:
    """Lai et al.: the state dict is the entry `model`, beside the optimizer's."""
    return same_names(path, read_state(path, entry="model"), shapes)


# colorization_release_v2.caffemodel, layer by layer; the last two blocks are `conv8_*`.
ZHANG2016_LAYERS = {
    "bw_conv1_1": "model1.0",
    "conv1_2": "model1.2",
    "conv2_1": "model2.0",
    "conv2_2": "model2.2",
    **{f"conv{block}_{index + 1}": f"model{block}.{2 * index}" for block in range(3, 9) for index in range(3)},
    "conv8_313": "model8.6",
}
ZHANG2016_NORMS = {
    "conv1_2norm": "model1.4",
    "conv2_2norm": "model2.4",
    **{f"conv{block}_3norm": f"model{block}.6" for block in range(3, 8)},
}
# Caffe is fed L - 50 and scales the logits in a layer of its own; ours takes (L - 50) / 100 and has no such layer.
ZHANG2016_FACTORS = {"bw_conv1_1/0": 100.0, "conv8_313/0": 2.606, "conv8_313/1": 2.606}


def from_zhang2016_caffe(path: Path, shapes: Shapes) -> State:
    """Zhang et al. 2016 in Caffe. The bins' centres, which its demo fills in by hand, are those of our network."""
    from bench.methods.networks.zhang2016_network import AB_UNIT, bins

    blobs = read_caffemodel(path)
    blobs.pop("class8_ab", None)
    tensors = by_index(normalized(path, blobs, ZHANG2016_NORMS))
    lines = [*_weights_and_biases(ZHANG2016_LAYERS), *_statistics(ZHANG2016_NORMS)]
    scaled = [line._replace(factor=ZHANG2016_FACTORS.get(line.source, 1.0)) for line in lines]
    state = renamed(path, tensors, scaled, shapes)
    for name in ZHANG2016_NORMS.values():
        state[f"{name}.weight"] = torch.ones(shapes[f"{name}.weight"])
        state[f"{name}.bias"] = torch.zeros(shapes[f"{name}.bias"])
    return state | {"model_out.weight": bins().T[..., None, None] / AB_UNIT}


def from_caffe(path: Path, shapes: Shapes, read: Callable[[Path], Blobs] = read_caffemodel) -> State:
    """A Caffe file whose layers our network calls by the same names."""
    layers = {name.removesuffix(".weight"): name.removesuffix(".weight") for name in shapes if name.endswith(".weight")}
    return renamed(path, by_index(read(path)), _weights_and_biases(layers), shapes)


def from_larsson2016(path: Path, shapes: Shapes) -> State:
    """Larsson et al.: HDF5, the layers under our names; fixed bilinear enlargements may be there too and are ours."""

    def learned(path: Path) -> Blobs:
        return {layer: blobs for layer, blobs in read_caffe_hdf5(path).items() if not layer.endswith("_full_reshaped")}

    return from_caffe(path, shapes, learned)


def normalized(path: Path, blobs: Blobs, layers: Mapping[str, str]) -> Blobs:
    """Caffe's batch norms keep sums of mean and variance, and their weight as a third blob: divide by it."""
    divided = {}
    for layer in layers:
        if layer in blobs and len(blobs[layer]) != 3:
            raise MisfitWeights(
                f"{path}: the tensor '{layer}/2' is missing: a batch norm has 3, here {len(blobs[layer])}"
            )
        if layer in blobs:
            mean, variance, weight = blobs[layer]
            scale = 1 / weight.item() if weight.any() else 0.0
            divided[layer] = [mean * np.float32(scale), variance * np.float32(scale)]
    return blobs | divided


def by_index(blobs: Blobs) -> dict[str, Tensor]:
    """{layer: blobs} to {layer/index: tensor}."""
    return {
        f"{layer}/{index}": torch.from_numpy(blob) for layer, group in blobs.items() for index, blob in enumerate(group)
    }


def _weights_and_biases(layers: Mapping[str, str]) -> list[Renaming]:
    return [
        Renaming(f"{layer}/{index}", f"{name}.{part}")
        for layer, name in layers.items()
        for index, part in enumerate(("weight", "bias"))
    ]


def _statistics(layers: Mapping[str, str]) -> list[Renaming]:
    return [
        Renaming(f"{layer}/{index}", f"{name}.running_{part}")
        for layer, name in layers.items()
        for index, part in enumerate(("mean", "var"))
    ]


def from_iizuka2016(path: Path, shapes: Shapes) -> State:
    """Iizuka et al. in Torch7: modules without names, told apart by their shapes and neighbours."""
    tensors = read_iizuka2016(path, shapes)
    wanted = [name for name in shapes if name in tensors or not (name.startswith(CLASSIFIER) or name.endswith(COUNTER))]
    return renamed(path, tensors, [Renaming(name, name) for name in wanted], shapes)


CONVERTERS: dict[WeightFile, Callable[[Path, Shapes], State]] = {
    published.ZHANG2016: from_pth,
    published.ZHANG2016_CAFFE: from_zhang2016_caffe,
    published.ZHANG2017: from_pth,
    published.IIZUKA2016: from_iizuka2016,
    published.IIZUKA2016_IMAGENET: from_iizuka2016,
    published.LARSSON2016: from_larsson2016,
    published.HE2018: from_pth,
    published.LAI2018: from_lai2018,
    published.VPN2017: from_caffe,
}
