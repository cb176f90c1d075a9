"""The deterministic weights under which vectors of networks were made: a normal draw for every published name."""

import zlib

import numpy as np
import torch
from torch import nn


def weight(name: str, shape: tuple[int, ...], gain: float, scale: float = 1.0) -> np.ndarray:
    """The tensor of that published name and shape, float32. The first of the conditions that holds decides.

    gain: of kernels, over the root of their inputs. scale: about what the other vectors are, which are factors of
    batch norms or slopes of PReLUs.
    """
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    normal = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()))).standard_normal(shape)
    last = name.rpartition(".")[2]
    if last.endswith("running_var"):
        value = 1 + 0.05 * np.abs(normal)
    elif last in ("weight_u", "weight_v"):
        value = normal / np.linalg.norm(normal)
    elif last == "gamma":
        value = 0.5 + 0.05 * normal
    elif len(shape) > 1:  # a transposed convolution's first side is its inputs: it counts all the same
        value = gain * normal / np.sqrt(normal.size / shape[0])
    elif last.endswith(("bias", "running_mean")):
        value = 0.05 * normal
    else:
        value = scale + 0.05 * normal
    return value.astype(np.float32)


def filled(network: nn.Module, gain: float, scale: float = 1.0, prefix: str = "") -> nn.Module:
    """The network with the recipe's weights, frozen, in eval mode; `prefix` is what its names lack if it is a part."""
    for name, tensor in network.state_dict().items():
        tensor.copy_(torch.from_numpy(weight(prefix + name, tuple(tensor.shape), gain, scale)))
    return network.eval().requires_grad_(False)
