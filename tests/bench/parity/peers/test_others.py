"""What others compute and this project does not, held to what it does."""

import numpy as np
import pytest

from bench.metrics.frechet import frechet_distance
from bench.parity.peers.others import frechet_from_moments


def test_the_frechet_distance_from_moments():
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(60, 5)), rng.normal(size=(40, 5)) @ rng.normal(size=(5, 5)) + 1
    moments = [moment for x in (first, second) for moment in (x.mean(0), np.cov(x, rowvar=False))]
    assert frechet_from_moments(*moments) == pytest.approx(frechet_distance(first, second), rel=1e-9)
    # Diagonal covariances: each dimension on its own is (m1 - m2)^2 + (s1 - s2)^2; one of them has no width.
    distance = frechet_from_moments(np.zeros(3), np.diag([1.0, 4.0, 0.0]), np.ones(3), np.diag([9.0, 4.0, 1.0]))
    assert distance == pytest.approx(3 + 4 + 0 + 1)
