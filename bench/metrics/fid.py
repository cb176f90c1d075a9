"""FID (Heusel et al. 2017): the Frechet distance of the results to the ground truth of the same items (Table 1).

Features are the 2048 of pytorch-fid's Inception (vision.backbones). How a picture gets to its 299 x 299 decides the
number as much as a method does, so each way has a name: `legacy` is pytorch-fid's, `clean` clean-fid's.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np

from bench.metrics.frechet import frechet_distance

UNIT = "squared feature units"
DIRECTION = "down"
SCOPE = "set"

SIDE = 299
BATCH = 16


def legacy(rgb: np.ndarray):
    """uint8 RGB (H, W, 3) to a tensor (3, 299, 299) in 0..1: bilinear between pixel centres, no antialiasing."""
    import torch.nn.functional as F

    from vision.backbones import rgb_tensor

    return F.interpolate(rgb_tensor(rgb)[None], (SIDE, SIDE), mode="bilinear", align_corners=False)[0]


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


RESIZERS: dict[str, Callable] = {"legacy": legacy, "clean": clean}


def features(frames: Iterable[np.ndarray], network, protocol: str = "legacy") -> np.ndarray:
    """The network's `pooled` features of all frames, uint8 RGB (H, W, 3): float64 (N, channels).

    network: of vision.backbones, `inception` for FID. Raises ValueError for a protocol that RESIZERS does not have.
    """
    import torch

    if protocol not in RESIZERS:
        raise ValueError(f"unknown FID protocol {protocol!r}; expected one of {', '.join(RESIZERS)}")
    with torch.inference_mode():
        pooled = [network.pooled(torch.stack(batch)) for batch in _batches(map(RESIZERS[protocol], frames))]
    return torch.cat(pooled).double().numpy()


def _batches(tensors: Iterator) -> Iterator[list]:
    while batch := list(islice(tensors, BATCH)):
        yield batch


def fid(results: np.ndarray, truths: np.ndarray) -> float:
    """FID from the features of the results and of the ground truth, (N, 2048) each, of one protocol.

    Values of different N do not compare: few items make it larger, and below 2048 it is mostly that (then see KID).
    """
    return frechet_distance(results, truths)
