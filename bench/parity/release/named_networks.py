"""The networks as the published program names them, with the recipe's weights."""

from collections.abc import Callable
from functools import cache

from torch import nn

from bench.parity import recipe
from colorize.model import ExemplarModel
from colorize.networks.colorization import ReleaseColorization
from colorize.networks.correspondence import ReleaseCorrespondence
from colorize.networks.discriminator import ReleaseDiscriminator
from vision.backbones import VGG19

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "WarpNet": lambda: ReleaseCorrespondence(VGG19.level_channels),
    "ColorVidNet": ReleaseColorization,
    "Discriminator_x64": ReleaseDiscriminator,
    "VGG19_pytorch": VGG19,
}
GAIN = 0.5
# With GAIN, VGG19's deep levels are little but its biases; groups that need real ones fill it with this.
HE_GAIN = 2**0.5
SLOPE = 0.25  # of a PReLU


def filled_as_published(network: nn.Module, gain: float = GAIN, prefix: str = "") -> nn.Module:
    """A network with the recipe's weights, frozen, in eval mode; `prefix` is what its names lack if it is a part."""
    return recipe.filled(network, gain, SLOPE, prefix)


@cache
def named(name: str, gain: float = GAIN) -> nn.Module:
    """The network of that published name, filled once. Not for the discriminator, which every forward call changes."""
    return filled_as_published(NETWORKS[name](), gain)


@cache
def model() -> ExemplarModel:
    """The whole generator, VGG19 filled with HE_GAIN."""
    whole = ExemplarModel(named("VGG19_pytorch", HE_GAIN), protocol="release")
    filled_as_published(whole.correspondence)
    filled_as_published(whole.colorization)
    return whole.eval()
