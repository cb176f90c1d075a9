"""KID (Binkowski et al. 2018): an unbiased distance of two sets of Inception features, fair also to small sets."""

from typing import NamedTuple

import numpy as np

UNIT = "squared MMD"  # others often print it times 1000
DIRECTION = "down"
SCOPE = "set"


class Kid(NamedTuple):
    """`mean` over the subsets and their `std`, which is a spread of subsets and no confidence interval."""

    mean: float
    std: float
    subset_size: int


def squared_mmd(features_1: np.ndarray, features_2: np.ndarray) -> float:
    """Unbiased squared MMD of features (m, d) and (n, d) under the kernel (x.y/d + 1)^3; may be a little below 0.

    Raises ValueError where a set has fewer than 2 items.
    """
    first, second = np.asarray(features_1, np.float64), np.asarray(features_2, np.float64)
    if min(len(first), len(second)) < 2:
        raise ValueError(f"expected at least 2 items in each set, got {len(first)} and {len(second)}")
    return float(_mean_off_diagonal(first) + _mean_off_diagonal(second) - 2 * _kernel(first, second).mean())


def kid(
    features_1: np.ndarray, features_2: np.ndarray, subsets: int = 100, subset_size: int = 1000, seed: int = 2020
) -> Kid:
    """Mean and population deviation of `squared_mmd` over subsets, drawn without replacement from each set.

    subset_size is cut to the smaller set. Draws as torch-fidelity does: RandomState(seed), the first set first.
    """
    size = min(subset_size, len(features_1), len(features_2))
    random = np.random.RandomState(seed)  # the old generator, for the same draws
    distances = []
    for _ in range(subsets):
        drawn = (x[random.choice(len(x), size, replace=False)] for x in (features_1, features_2))
        distances.append(squared_mmd(*drawn))
    return Kid(float(np.mean(distances)), float(np.std(distances)), size)


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _mean_off_diagonal(x: np.ndarray) -> float:
    kernel = _kernel(x, x)
    return (kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1))
