"""nn_match: the first frame on clips, the reference on images."""

import numpy as np

from bench.methods.contract.method import Given
from bench.methods.contract.rows import load


def test_exemplar_depends_on_the_kind(setting, toy_lab):
    exemplar = toy_lab[0].copy()
    exemplar[..., 1:] = (30, 10)
    method = load("nn_match", {}, setting)
    for given in (Given("clips", "a", first_frame=exemplar), Given("images", "a", reference=exemplar)):
        (found,) = method.colorize(iter([toy_lab[1][..., 0]]), given)
        np.testing.assert_allclose(found, np.broadcast_to([30, 10], found.shape), atol=1e-3)


def test_frame_0_is_computed_not_copied(setting, toy_lab, toy_given):
    first = next(load("nn_match", {}, setting).colorize(iter(toy_lab[..., 0]), toy_given))
    error = np.abs(first - toy_lab[0][..., 1:]).mean()
    assert 0.1 < error < np.abs(toy_lab[0][..., 1:]).mean() / 3
