"""KID: known answers, and agreement with torchmetrics."""

import numpy as np
import pytest
import torch

from bench.metrics.kid import kid, squared_mmd


@pytest.fixture
def sets():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 8)), rng.normal(size=(50, 8)) + 0.5


def test_by_hand():
    """k(0, 0) = 1, k(1, 1) = 8, k(0, 1) = 1."""
    assert squared_mmd([[0], [0]], [[1], [1]]) == 1 + 8 - 2


def test_agrees_with_torchmetrics(sets):
    from torchmetrics.image.kid import poly_mmd

    first, second = (torch.from_numpy(x[:50]) for x in sets)
    assert squared_mmd(first, second) == pytest.approx(float(poly_mmd(first, second)), rel=1e-9)


def test_unbiased_about_zero(sets):
    rng = np.random.default_rng(1)
    values = [squared_mmd(rng.normal(size=(30, 4)), rng.normal(size=(30, 4))) for _ in range(200)]
    assert min(values) < 0 and abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(200)


def test_subsets(sets):
    found = kid(*sets, subsets=30, subset_size=25)
    assert found.subset_size == 25 and found.std > 0
    assert found.mean == pytest.approx(squared_mmd(*sets), abs=4 * found.std)
    assert found == kid(*sets, subsets=30, subset_size=25) != kid(*sets, subsets=30, subset_size=25, seed=1)


def test_a_subset_is_no_larger_than_the_smaller_set(sets):
    found = kid(sets[0][:50], sets[1], subsets=3)
    assert found.subset_size == 50 and found.std < 1e-12
    assert found.mean == pytest.approx(squared_mmd(sets[0][:50], sets[1]))


def test_one_item_is_an_error():
    with pytest.raises(ValueError, match="at least 2 items"):
        squared_mmd(np.zeros((1, 4)), np.zeros((3, 4)))
