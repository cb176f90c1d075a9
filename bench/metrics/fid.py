"""FID (Heusel et al. 2017): the Frechet distance of the results to the ground truth of the same items (Table 1).

Features are the 2048 of pytorch-fid's Inception. How a picture gets to its 299 x 299 decides the number as much as a
method does, so each way is a network of its own in vision.backbones: `inception` is pytorch-fid's protocol `legacy`,
`inception_clean` clean-fid's `clean`.
"""

import numpy as np

from bench.metrics.frechet import frechet_distance

UNIT = "squared feature units"
DIRECTION = "down"
SCOPE = "set"


def fid(results: np.ndarray, truths: np.ndarray) -> float:
    """FID from the features of the results and of the ground truth, (N, 2048) each, of one protocol.

    Values of different N do not compare: few items make it larger, and below 2048 it is mostly that (then see KID).
    """
    return frechet_distance(results, truths)
