"""Frechet distance between two sets of features, exact also where a set has fewer items than dimensions."""

import numpy as np

UNIT = "squared feature units"
DIRECTION = "down"
SCOPE = "set"


def frechet_distance(features_1: np.ndarray, features_2: np.ndarray) -> float:
    """|m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)) for features (n1, d) and (n2, d); covariances with ddof = 1.

    With S1 = A'A and S2 = B'B the trace of the root is the sum of the singular values of AB', so no matrix root
    is taken and nothing is added to a diagonal, which is where the usual programs drift on singular covariances.
    Raises ValueError where a set has fewer than 2 items: it has no covariance.
    """
    if min(len(features_1), len(features_2)) < 2:
        raise ValueError(f"expected at least 2 items in each set, got {len(features_1)} and {len(features_2)}")
    return distance(*_mean_and_root(features_1), *_mean_and_root(features_2))


def distance(mean_1: np.ndarray, root_1: np.ndarray, mean_2: np.ndarray, root_2: np.ndarray) -> float:
    """The same from means (d,) and matrices A (any, d) with A'A = covariance."""
    trace_of_root = np.linalg.svd(root_1 @ root_2.T, compute_uv=False).sum()
    value = ((mean_1 - mean_2) ** 2).sum() + (root_1**2).sum() + (root_2**2).sum() - 2 * trace_of_root
    return float(max(value, 0.0))  # equal sets cancel to about -1e-14


def _mean_and_root(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and a matrix A with A'A = covariance, of no more than d rows."""
    features = np.asarray(features, np.float64)
    mean = features.mean(axis=0)
    root = (features - mean) / np.sqrt(len(features) - 1)
    if len(root) > root.shape[1]:
        root = np.linalg.qr(root, mode="r")
    return mean, root
