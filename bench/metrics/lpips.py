"""LPIPS (Zhang et al. 2018), version 0.1 on AlexNet: how different two pictures look to a network.

The calibration ships with the package lpips; AlexNet's weights are torchvision's file.
"""

import warnings
from pathlib import Path

import numpy as np

from vision.weights import WeightFile, locate

UNIT = "none"
DIRECTION = "down"
SCOPE = "frame"
VERSION = 1

ALEXNET = WeightFile(
    name="alexnet-owt-7be5be79.pth",
    origin="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    sha256="7be5be79",
)


def load_lpips(weights_dir: str | Path):
    """The network, frozen, in eval mode. Raises MissingWeights naming AlexNet's file where it is not there."""
    path = locate(ALEXNET, weights_dir)  # before torch, which takes seconds

    import torch
    from lpips import LPIPS

    state = torch.load(path, map_location="cpu", weights_only=True)
    with warnings.catch_warnings():  # lpips calls torchvision by an old name of its argument
        warnings.simplefilter("ignore")
        network = LPIPS(net="alex", pnet_rand=True, verbose=False)
    # lpips cuts `features` into slices and keeps the layers' numbers: slice3.6.weight is features.6.weight.
    layers = {name: state[f"features.{name.partition('.')[2]}"] for name in network.net.state_dict()}
    network.net.load_state_dict(layers)
    return network.eval().requires_grad_(False)


def lpips(rgb: np.ndarray, truth: np.ndarray, network) -> float:
    """Distance of two uint8 pictures (H, W, 3), at least 32 x 32, which the network of `load_lpips` sees in -1..1."""
    import torch

    from vision.backbones import rgb_tensor

    with torch.inference_mode():
        return float(network(rgb_tensor(rgb)[None], rgb_tensor(truth)[None], normalize=True))
