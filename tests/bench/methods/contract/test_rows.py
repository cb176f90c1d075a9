"""Rows find their methods, and a mistyped one names the nearest."""

import subprocess
import sys
from pathlib import Path

import pytest

import bench.methods
from bench.methods.contract.method import Method, Setting
from bench.methods.contract.rows import load, names


def test_every_file_is_listed():
    files = Path(bench.methods.__path__[0]).glob("[a-z]*.py")
    assert names() == sorted(path.stem for path in files)
    assert len(names()) >= 7


def test_listing_methods_does_not_import_torch():
    code = (
        "import sys\nfrom bench.methods.contract.rows import load, names\n[load(name, {}) for name in names()]\n"
        "load('a', {'precomputed': 'x'})\nload('b', {'command': 'x {frames} {output}'})\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_row_may_have_another_name_than_its_method():
    assert load("first_row", {"method": "grey", "training": "some"}).name == "grey"
    assert load("first_row", {"method": "grey", "checkpoint": "some/file.safetensors"}).name == "grey"


@pytest.mark.parametrize(
    ("row", "options", "expected"),
    [
        ("welsh2020", {}, "Did you mean 'welsh2002'"),
        ("row", {"method": "gray"}, "Did you mean 'grey'"),
        ("grey", {"traning": "ours"}, "unknown option 'traning'. Did you mean 'training'"),
        ("ours", {"chekpoint": "x.safetensors"}, "unknown option 'chekpoint'. Did you mean 'checkpoint'"),
        ("ours", {"given": {"clips": ["first_frame", "flo"]}}, "given: unknown 'flo'. Did you mean 'flow'"),
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

    monkeypatch.setattr("bench.methods.contract.rows._find", lambda name: Strong)
    assert load("strong", {"strength": 2.5}).strength == 2.5
    with pytest.raises(ValueError, match="Did you mean 'strength'"):
        load("strong", {"strenght": 2.5})
