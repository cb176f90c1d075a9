"""The published Torch7 file of Iizuka et al. 2016: a graph of modules without names, which get ours.

What the paper says decides which is which: parts of the network are runs of layers in the graph's order, told apart by
the shapes of their weights. Both branches share the low level, which is therefore in the graph twice, with one storage.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.methods.weights.torch7 import TorchObject, read_t7
from vision.weights import MisfitWeights

# Looked for in this order, each taken out before the next: by then its shapes occur once. The classifier and fc3 begin
# alike, but only the classifier goes on.
PARTS = (
    ("cls1", "cls2"),
    ("low1", "low2", "low3", "low4", "low5", "low6"),
    ("mid1", "mid2"),
    ("glob1", "glob2", "glob3", "glob4"),
    ("fc1", "fc2"),
    ("fc3",),
    ("fusion",),
    ("col1", "col2", "col3", "col4", "out"),
)
CLASSIFIER = ("cls1", "cls2")  # only training needs it, and published networks have 205 classes or 1000
EPSILON = 1e-5  # of batch norms, here and in Torch7


class SavedLayer:
    """A convolution or a linear layer, and the batch norm after it, if any."""

    def __init__(self, module: TorchObject):
        self.module, self.norm = module, None

    def has_shape(self, shape: tuple[int, ...]) -> bool:
        """Whether the weight has this shape, or that of a layer that stores it as a matrix; 0 rows fit any number."""
        own = self.module["weight"].shape
        rows = shape[0] or own[0]
        return own in ((rows, *shape[1:]), (rows, int(np.prod(shape[1:]))))

    def __str__(self) -> str:
        return f"{self.module.kind} {tuple(self.module['weight'].shape)}"


def read_iizuka2016(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """The tensors under the names of bench.methods.networks.iizuka2016_network, whose shapes tell the layers.

    Without the classifier where the file has none, or one of another number of classes. Raises MisfitWeights.
    """
    content = read_t7(path)
    if not isinstance(content, dict) or not {"mean", "model"} <= set(content):
        raise MisfitWeights(f"{path}: expected a table with the entries 'mean' and 'model'")
    layers = list(_layers(path, content["model"]))
    state = {"mean": torch.as_tensor(np.float32(content["mean"])).reshape(())}
    for part in PARTS:
        wanted = [shapes[_weight(name, shapes)] for name in part]
        if part == CLASSIFIER:
            wanted[-1] = (0, *wanted[-1][1:])
        start = _run_of(layers, wanted)
        if start is None and part == CLASSIFIER:
            continue
        if start is None:
            raise MisfitWeights(f"{path}: {_no_such_part(part, wanted, layers)}")
        own = dict(zip(part, layers[start : start + len(part)], strict=True))
        if all(layer.has_shape(shapes[_weight(name, shapes)]) for name, layer in own.items()):
            for name, layer in own.items():
                state |= _tensors(name, layer, shapes)
        del layers[start : start + len(part)]
    if layers:
        raise MisfitWeights(f"{path}: {len(layers)} layers have no place in the network; the first: {layers[0]}")
    return state


def _layers(path: Path, model) -> Iterator[SavedLayer]:
    """Every layer with weights once, in the graph's order, each with the batch norm that follows it."""
    nodes = model.get("forwardnodes") if isinstance(model, TorchObject) else None
    if not nodes:
        kind = getattr(model, "kind", type(model).__name__)
        raise MisfitWeights(f"{path}: expected a graph with 'forwardnodes' as the entry 'model', found {kind}")
    seen: set[tuple] = set()
    last = None
    for node in _listed(nodes):
        for module in _modules((node.get("data") or {}).get("module")):
            if "running_mean" in module:
                if last is not None and last.norm is None:
                    last.norm = module
            elif isinstance(module.get("weight"), np.ndarray) and module["weight"].size:
                weight = module["weight"].__array_interface__
                place = (weight["data"][0], weight["shape"])
                last = None if place in seen else SavedLayer(module)
                if last is not None:
                    seen.add(place)
                    yield last


def _modules(module) -> Iterator[TorchObject]:
    """A module and, in order, those that it contains."""
    if isinstance(module, TorchObject):
        yield module
        for inner in _listed(module.get("modules") or {}):
            yield from _modules(inner)


def _listed(table: dict) -> list:
    return [table[index] for index in sorted(key for key in table if isinstance(key, int))]


def _run_of(layers: list[SavedLayer], shapes: list[tuple[int, ...]]) -> int | None:
    """Where layers of these shapes follow each other first."""
    for start in range(len(layers) - len(shapes) + 1):
        if all(layer.has_shape(shape) for layer, shape in zip(layers[start:], shapes, strict=False)):
            return start
    return None


def _no_such_part(part: tuple[str, ...], wanted: list[tuple[int, ...]], layers: list[SavedLayer]) -> str:
    """The first tensor that breaks the part, by the run that comes nearest to it."""
    lengths = [
        next(
            (n for n, shape in enumerate(wanted) if start + n >= len(layers) or not layers[start + n].has_shape(shape)),
            0,
        )
        for start in range(len(layers))
    ]
    longest = max(lengths, default=0)
    place = lengths.index(longest) + longest if lengths else 0
    there = str(layers[place]) if place < len(layers) else "the end"
    return f"no weight of {part[longest]!r}, shape {tuple(wanted[longest])}: where it should be is {there}"


def _weight(name: str, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """A layer with a batch norm after it is the first of two in our network."""
    return f"{name}.0.weight" if f"{name}.0.weight" in shapes else f"{name}.weight"


def _tensors(name: str, layer: SavedLayer, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    weight = _weight(name, shapes)
    stem = weight.removesuffix(".weight")
    shape = shapes[weight]
    tensors = {weight: _tensor(layer.module["weight"]).reshape(shape)}
    bias = layer.module.get("bias")
    tensors[f"{stem}.bias"] = torch.zeros(shape[0]) if bias is None else _tensor(bias)
    if stem != name:
        tensors |= {f"{name}.1.{part}": value for part, value in _norm(layer.norm, shape[0]).items()}
    return tensors


def _norm(module: TorchObject | None, channels: int) -> dict[str, Tensor]:
    """A batch norm; where the file has none it was folded into the layer before, and ours has to do nothing."""
    ones, zeros = torch.ones(channels), torch.zeros(channels)
    if module is None:
        return {"weight": ones, "bias": zeros, "running_mean": zeros, "running_var": ones - EPSILON}
    stored = {name: _tensor(module[name]) for name in ("weight", "bias") if module.get(name) is not None}
    if "running_std" in module:  # older files: 1 / sqrt(variance + epsilon)
        variance = 1 / _tensor(module["running_std"]).double() ** 2 - module.get("eps", EPSILON)
        stored["running_var"] = variance.float()
    else:
        stored["running_var"] = _tensor(module["running_var"])
    return {"weight": ones, "bias": zeros, "running_mean": _tensor(module["running_mean"])} | stored


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))
