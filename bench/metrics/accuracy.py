"""Top-1 and Top-5: does an ImageNet classifier still recognise the object in the coloured picture? (Table 1)"""

import numpy as np

UNIT = "per cent"
DIRECTION = "up"
SCOPE = "frame"


def topk(logits: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """100 where the label is among the k largest logits, else 0: float64 (N,) from logits (N, C) and labels (N,).

    Raises ValueError if there are fewer than k classes, where every answer would count as right.
    """
    logits, labels = np.asarray(logits), np.asarray(labels)
    if logits.shape[1] < k:
        raise ValueError(f"top-{k} needs at least {k} classes, got logits of shape {logits.shape}")
    best = np.argsort(-logits, axis=1, kind="stable")[:, :k]
    return 100.0 * (best == labels[:, None]).any(axis=1)
