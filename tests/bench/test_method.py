"""The contract: every file in bench/methods/ is found by itself and held to it; rows find their methods."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bench.methods
from bench.method import GIVEN, KINDS, Method, Setting, load, names


def test_every_file_is_listed():
    files = Path(bench.methods.__path__[0]).glob("[a-z]*.py")
    assert names() == sorted(path.stem for path in files)
    assert len(names()) >= 8


@pytest.mark.parametrize("name", names())
def test_declarations(name):
    method = load(name, {})
    assert method.name == name
    assert isinstance(method.citation, str) and method.citation
    assert isinstance(method.VERSION, int)
    assert method.given and set(method.given) <= set(KINDS)
    assert all(set(wanted) <= set(GIVEN) for wanted in method.given.values())
    assert type(method).__doc__ and sys.modules[type(method).__module__].__doc__


@pytest.mark.parametrize("name", names())
def test_colours_lazily_and_in_order(name, trained, toy_lab, toy_given):
    method = load(name, {}, trained)
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


def test_listing_methods_does_not_import_torch():
    code = (
        "import sys\nfrom bench.method import load, names\n[load(name, {}) for name in names()]\n"
        "load('a', {'precomputed': 'x'})\nload('b', {'command': 'x {frames} {output}'})\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_row_may_have_another_name_than_its_method():
    assert load("first_row", {"method": "grey", "training": "some"}).name == "grey"


@pytest.mark.parametrize(
    ("row", "options", "expected"),
    [
        ("welsh2020", {}, "Did you mean 'welsh2002'"),
        ("row", {"method": "gray"}, "Did you mean 'grey'"),
        ("grey", {"traning": "ours"}, "unknown option 'traning'. Did you mean 'training'"),
        ("x", {"precomputed": "a", "given": {"clip": []}}, "Did you mean 'clips'"),
        ("x", {"command": "a {frames} {output}", "given": {"clips": ["first_fram"]}}, "Did you mean 'first_frame'"),
    ],
)
def test_mistyped_row_names_the_nearest(row, options, expected):
    with pytest.raises(ValueError, match=expected):
        load(row, options)


def test_options_reach_the_constructor(monkeypatch):
    class Strong(Method):
        given = {"images": ()}

        def __init__(self, setting: Setting | None = None, strength: float = 1.0):
            super().__init__(setting)
            self.strength = strength

    monkeypatch.setattr("bench.method._find", lambda name: Strong)
    assert load("strong", {"strength": 2.5}).strength == 2.5
    with pytest.raises(ValueError, match="Did you mean 'strength'"):
        load("strong", {"strenght": 2.5})


def test_a_method_that_does_not_learn_says_so(tmp_path):
    with pytest.raises(NotImplementedError, match="'grey' does not learn"):
        load("grey", {}).fit(None, None, tmp_path)
