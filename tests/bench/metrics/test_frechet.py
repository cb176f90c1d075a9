"""Frechet distance: known answers, and agreement with pytorch-fid where that is exact."""

import numpy as np
import pytest

from bench.metrics.frechet import frechet_distance


def test_shifted_set():
    features = np.random.default_rng(0).normal(size=(50, 8))
    assert frechet_distance(features, features) < 1e-9
    assert frechet_distance(features, features + 2) == pytest.approx(8 * 4)


def test_scaled_set_in_one_dimension():
    # Gaussians of deviation s and 3s with equal means: (s - 3s)^2.
    features = np.random.default_rng(0).normal(size=(40, 1))
    features -= features.mean()
    assert frechet_distance(features, 3 * features) == pytest.approx(4 * features.var(ddof=1))


def test_same_set_of_fewer_items_than_dimensions_is_zero():
    features = np.random.default_rng(0).normal(size=(20, 1280)) * 5
    assert frechet_distance(features, features) < 1e-3
    assert frechet_distance(features, features[::-1]) < 1e-3


def test_agrees_with_pytorch_fid_on_full_rank():
    from pytorch_fid.fid_score import calculate_frechet_distance

    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(300, 24)), rng.normal(size=(280, 24)) @ rng.normal(size=(24, 24)) + 0.5
    theirs = calculate_frechet_distance(
        first.mean(0), np.cov(first, rowvar=False), second.mean(0), np.cov(second, rowvar=False)
    )
    assert frechet_distance(first, second) == pytest.approx(theirs, rel=1e-6)


def test_one_item_is_an_error():
    with pytest.raises(ValueError, match="at least 2 items"):
        frechet_distance(np.zeros((1, 4)), np.zeros((3, 4)))
