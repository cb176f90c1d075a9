"""The contract: every file in bench/methods/ is found by itself and held to it."""

import sys

import numpy as np
import pytest

from bench.methods.contract.method import GIVEN, KINDS
from bench.methods.contract.rows import load, names


@pytest.mark.parametrize("name", names())
def test_declarations(name):
    method = load(name, {})
    assert method.name == name
    assert isinstance(method.citation, str) and method.citation
    assert method.given and set(method.given) <= set(KINDS)
    assert all(set(wanted) <= set(GIVEN) for wanted in method.given.values())
    assert type(method).__doc__ and sys.modules[type(method).__module__].__doc__


@pytest.mark.parametrize("name", names())
def test_colours_lazily_and_in_order(name, model_of, toy_lab, toy_given, monkeypatch):
    method = load(name, {}, model_of(name))
    if not method.uses_torch:
        monkeypatch.setitem(sys.modules, "torch", None)  # importing it fails
    assert method.skip() is None
    taken = []

    def frames():
        for lab in toy_lab:
            taken.append(lab)
            yield lab[..., 0]

    count = 0
    for ab in method.colorize(frames(), toy_given):
        count += 1
        assert len(taken) <= count + 1, "reads ahead: its memory would grow with the length"
        assert ab.shape == (48, 64, 2) and ab.dtype == np.float32 and np.isfinite(ab).all()
        assert np.abs(ab).max() < 130
    assert count == len(taken) == 5


def test_a_method_that_does_not_learn_says_so(tmp_path):
    with pytest.raises(NotImplementedError, match="'grey' does not learn"):
        load("grey", {}).fit(None, None, tmp_path)
