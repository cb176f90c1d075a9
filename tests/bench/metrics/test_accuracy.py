"""Top-k: known answers."""

import numpy as np
import pytest

from bench.metrics.accuracy import topk


def test_known_ranks():
    logits = np.array([[0.1, 0.9, 0.5], [0.1, 0.9, 0.5], [0.1, 0.9, 0.5]])
    labels = [1, 2, 0]
    assert topk(logits, labels, 1).tolist() == [100, 0, 0]
    assert topk(logits, labels, 2).tolist() == [100, 100, 0]


def test_fewer_classes_than_k_is_an_error():
    with pytest.raises(ValueError, match="at least 5 classes"):
        topk(np.zeros((1, 3)), [0], 5)
