"""Delta colourfulness: how far a row's colourfulness is from the ground truth's, in either form of it."""

import numpy as np

UNIT = "that of the colourfulness"
DIRECTION = "down"
SCOPE = "set"


def delta_colorfulness(results: np.ndarray, truths: np.ndarray) -> float:
    """|mean(results) - mean(truths)| from the colourfulness of each picture, both (N,) and of one form.

    What is too colourful in one picture makes up for what is too pale in another; `delta_cf_per_image` does not
    allow that.
    """
    results, truths = _of_the_same_items(results, truths)
    return float(abs(results.mean() - truths.mean()))


def delta_cf_per_image(results: np.ndarray, truths: np.ndarray) -> float:
    """The mean of |result - truth| over the pictures: never below `delta_colorfulness`, and another column."""
    results, truths = _of_the_same_items(results, truths)
    return float(np.abs(results - truths).mean())


def _of_the_same_items(results: np.ndarray, truths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    results, truths = np.asarray(results, np.float64), np.asarray(truths, np.float64)
    if results.shape != truths.shape or not results.size:
        raise ValueError(f"expected a value of each picture on both sides, got {results.shape} and {truths.shape}")
    return results, truths
