"""The deterministic weights under which the published program's vectors were made: a normal draw for every name."""

import zlib
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import nn

from colorize.model import ExemplarModel
from colorize.networks.colorization import ReleaseColorization
from colorize.networks.correspondence import ReleaseCorrespondence
from colorize.networks.discriminator import ReleaseDiscriminator
from vision.backbones import VGG19

# The vectors name the networks as the published program does.
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "WarpNet": lambda: ReleaseCorrespondence(VGG19.level_channels),
    "ColorVidNet": ReleaseColorization,
    "Discriminator_x64": ReleaseDiscriminator,
    "VGG19_pytorch": VGG19,
}
GAIN = 0.5
# With GAIN, VGG19's deep levels are little but its biases; groups that need real ones fill it with this.
HE_GAIN = 2**0.5


def weight(name: str, shape: tuple[int, ...], gain: float = GAIN) -> np.ndarray:
    """The tensor of that published name and shape, float32."""
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    normal = generator.standard_normal(int(np.prod(shape))).reshape(shape)
    kind = name.rpartition(".")[2]
    if kind in ("weight_u", "weight_v"):
        value = normal / np.linalg.norm(normal)
    elif kind == "bias":
        value = 0.05 * normal
    elif kind == "gamma":
        value = 0.5 + 0.05 * normal
    elif len(shape) > 1:
        value = normal * gain / np.sqrt(np.prod(shape[1:]))
    else:  # the slope of a PReLU
        value = 0.25 + 0.05 * normal
    return value.astype(np.float32)


def filled(network: nn.Module, gain: float = GAIN, prefix: str = "") -> nn.Module:
    """The network with the recipe's weights, frozen, in eval mode; `prefix` is what its names lack if it is a part."""
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    network.load_state_dict(
        {name: torch.from_numpy(weight(prefix + name, shape, gain)) for name, shape in shapes.items()}
    )
    return network.eval().requires_grad_(False)


@cache
def network(name: str, gain: float = GAIN) -> nn.Module:
    """The network of that published name, filled once. Not for the discriminator, which every forward call changes."""
    return filled(NETWORKS[name](), gain)


@cache
def model() -> ExemplarModel:
    """The whole generator, VGG19 filled with HE_GAIN."""
    whole = ExemplarModel(network("VGG19_pytorch", HE_GAIN), protocol="release")
    filled(whole.correspondence)
    filled(whole.colorization)
    return whole.eval()
