"""The deterministic weights under which the systems' vectors were made: a normal draw for every name."""

import zlib

import numpy as np
import torch
from torch import nn


def weight(name: str, shape: tuple[int, ...], gain: float) -> np.ndarray:
    """The tensor of that published name and shape, float32. The first of the conditions that holds decides."""
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    normal = generator.standard_normal(shape)
    if name.endswith("running_mean"):
        value = 0.05 * normal
    elif name.endswith("running_var"):
        value = 1 + 0.05 * np.abs(normal)
    elif len(shape) > 1:  # a transposed convolution's first side is its inputs: it counts all the same
        value = gain * normal / np.sqrt(normal.size / shape[0])
    elif name.endswith("bias"):
        value = 0.05 * normal
    else:
        value = 1 + 0.05 * normal
    return value.astype(np.float32)


def filled(network: nn.Module, gain: float) -> nn.Module:
    """The network with the recipe's weights, frozen, in eval mode."""
    for name, tensor in network.state_dict().items():
        tensor.copy_(torch.from_numpy(weight(name, tuple(tensor.shape), gain)))
    return network.eval().requires_grad_(False)
