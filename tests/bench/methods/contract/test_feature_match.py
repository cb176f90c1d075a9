"""Colour by nearest neighbours: what a picture borrows from itself and from others."""

import numpy as np
import pytest

from bench.methods.contract.feature_match import Exemplar
from vision.backbones import load_backbone


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return load_backbone("efficientnet_lite0", tmp_path_factory.mktemp("weights"))


def test_a_picture_finds_its_own_colours(backbone, toy_lab):
    found = Exemplar(backbone, toy_lab[0]).warped(toy_lab[0][..., 0])
    wrong = Exemplar(backbone, toy_lab[0][::-1].copy()).warped(toy_lab[0][..., 0])[::-1]
    error, control = (np.abs(ab - toy_lab[0][..., 1:]).mean() for ab in (found, wrong))
    assert error < control / 3


def test_one_colour_stays_itself(backbone, toy_lab):
    reference = toy_lab[0].copy()
    reference[..., 1:] = (20, -30)
    found = Exemplar(backbone, reference).warped(toy_lab[1][..., 0])
    np.testing.assert_allclose(found, np.broadcast_to([20, -30], found.shape), atol=1e-3)


@pytest.mark.parametrize("size", [(48, 64), (45, 62), (33, 41)])
def test_any_size(backbone, toy_lab, size):
    exemplar = Exemplar(backbone, toy_lab[0][:39, :50])
    found = exemplar.warped(toy_lab[0][: size[0], : size[1], 0])
    assert found.shape == (*size, 2) and found.dtype == np.float32
