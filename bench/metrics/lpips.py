"""LPIPS (Zhang et al. 2018), version 0.1 on AlexNet: how different two pictures look to a network.

The calibration ships with the package lpips; AlexNet's weights are torchvision's file.
"""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vision.weights import ALEXNET, locate

UNIT = "none"
DIRECTION = "down"
SCOPE = "frame"


def load_lpips(weights_dir: str | Path):
    """The network, frozen, in eval mode. Raises MissingWeights or MisfitWeights naming AlexNet's file."""
    path = locate(ALEXNET, weights_dir)  # before torch, which takes seconds

    from lpips import LPIPS

    from vision.state_dicts import fill, read_state

    state = read_state(path)
    with warnings.catch_warnings():  # lpips calls torchvision by an old name of its argument
        warnings.simplefilter("ignore")
        network = LPIPS(net="alex", pnet_rand=True, verbose=False)
    # lpips cuts `features` into slices and keeps the layers' numbers: slice3.6.weight is features.6.weight.
    layers = {name: state.get(f"features.{name.partition('.')[2]}") for name in network.net.state_dict()}
    fill(network.net, layers, path, "these are not torchvision's weights of AlexNet")
    return network.eval().requires_grad_(False)


def lpips(rgb: np.ndarray, truth: np.ndarray, network) -> float:
    """Distance of two uint8 pictures (H, W, 3), at least 32 x 32, which the network of `load_lpips` sees in -1..1."""
    return beside(truth, network)(rgb)


def beside(truth: np.ndarray, network) -> Callable[[np.ndarray], float]:
    """`lpips` of one truth as a function of the picture: the network sees the truth once for all rows."""
    import torch

    of_truth = _seen(truth, network)

    def lpips_of(rgb: np.ndarray) -> float:
        with torch.inference_mode():
            pairs = zip(network.lins, _seen(rgb, network), of_truth, strict=True)
            return float(sum(weigh((one - other) ** 2).mean() for weigh, one, other in pairs))

    return lpips_of


def _seen(rgb: np.ndarray, network) -> list:
    """The network's maps (1, C, h, w) of a picture, each position of unit length, as LPIPS.forward computes them."""
    import torch
    from lpips import normalize_tensor

    from vision.backbones import rgb_tensor

    with torch.inference_mode():
        x = rgb_tensor(rgb)[None].to(network.scaling_layer.shift.device)
        return [normalize_tensor(level) for level in network.net(network.scaling_layer(2 * x - 1))]
