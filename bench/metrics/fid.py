"""FID (Heusel et al. 2017): the Frechet distance of the results to the ground truth of the same items (Table 1).

Features are the 2048 of pytorch-fid's Inception (vision.backbones). How a picture gets to its 299 x 299 decides the
number as much as a method does, so each way has a name: `legacy` is pytorch-fid's, `clean` clean-fid's.
"""

from pathlib import Path
from typing import Literal

import numpy as np

from bench.metrics.frechet import frechet_distance

UNIT = "squared feature units"
DIRECTION = "down"
SCOPE = "set"

SIDE = 299
NETWORK = "inception"  # of vision.backbones; others are stand-ins, which have no protocol

Protocol = Literal["legacy", "clean"]


def load_features(name: str, weights_dir: str | Path, protocol: Protocol = "legacy"):
    """The network of vision.backbones whose `pooled` features are compared, given its pictures as the protocol says.

    Raises MissingWeights, and ValueError for a protocol other than `legacy` of another network than Inception.
    """
    from vision.backbones import load_backbone

    if protocol == "clean" and name != NETWORK:
        raise ValueError(f"the FID protocol `clean` is Inception's: expected the features {NETWORK!r}, got {name!r}")
    network = load_backbone(name, weights_dir)
    return Cleaned(network) if protocol == "clean" else network  # the network resizes as `legacy` by itself


class Cleaned:
    """Inception behind the protocol `clean`."""

    def __init__(self, network):
        self.network = network

    def pooled(self, rgb):
        """(B, 2048) of 8-bit pictures as float tensors (B, 3, H, W) in 0..1."""
        import torch

        pictures = (255 * rgb).round().byte().permute(0, 2, 3, 1).numpy()
        return self.network.pooled(torch.stack([clean(picture) for picture in pictures]))


def clean(rgb: np.ndarray):
    """uint8 RGB (H, W, 3) to a tensor (3, 299, 299): Pillow's antialiased bicubic in float32, cut to 0..255 (Parmar
    et al. 2022), not rounded.

    Divided by 256, not 255: the network takes 2x - 1 of it, and clean-fid gives its network (v - 128) / 128.
    """
    import torch
    from PIL import Image

    channels = [Image.fromarray(rgb[..., c].astype(np.float32)) for c in range(3)]
    resized = np.stack([np.asarray(c.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for c in channels])
    return torch.from_numpy(resized.clip(0, 255) / np.float32(256))


def fid(results: np.ndarray, truths: np.ndarray) -> float:
    """FID from the features of the results and of the ground truth, (N, 2048) each, of one protocol.

    Values of different N do not compare: few items make it larger, and below 2048 it is mostly that (then see KID).
    """
    return frechet_distance(results, truths)
