"""benchmarks/: both sides of a comparison compute the same, and the commands run."""

import copy
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from colorize.networks.layers import Enlarge, instance_norm

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "colorize.py"


@pytest.fixture(scope="module")
def colorize():
    """The script as a module, under a name that no package has."""
    spec = importlib.util.spec_from_file_location("benchmarks_colorize", SCRIPT)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def run(*options):
    return subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("temperature", [1e-10, 0.01])
@pytest.mark.parametrize("size", [(64, 96), (72, 64)])
def test_plain_and_this_code_are_equal(colorize, size, temperature):
    assert "0 of" in colorize.compare(size, temperature)


def test_another_network_is_not_equal(colorize, monkeypatch):
    monkeypatch.setitem(colorize.BOTTLENECK, 5, 1)
    with pytest.raises(AssertionError, match="ab / 128"):
        colorize.compare((64, 96), 0.01)


def test_in_double_precision_the_colour_networks_agree(colorize):
    model = copy.deepcopy(colorize.release_model()).double()
    torch.manual_seed(0)
    x = torch.randn(1, 7, 40, 64, dtype=torch.float64)
    with torch.inference_mode():
        found, plain = model.colorization(x), colorize.Plain(model).colors(x)
    torch.testing.assert_close(found, plain, rtol=0, atol=1e-8)


def test_a_frame_is_counted_without_its_reference(colorize):
    given = colorize.scene((32, 48))
    model = colorize.release_model()
    (_, plain), (_, ours) = (colorize.started(make(model), given) for make in colorize.COLORINGS.values())
    assert 1.2 < plain / ours < 1.3


def test_the_benchmark_runs():
    printed = run("--sizes", "32x48", "--repetitions", "1")
    assert all(word in printed for word in ("32x48", "plain", "this code", "ratio", "T 1e-10", "T 0.01"))


def test_help_names_the_options():
    printed = run("--help")
    assert all(f"--{option}" in printed for option in ("sizes", "repetitions", "threads", "faster", "large"))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_enlarge_is_its_two_parts(layout):
    torch.manual_seed(0)
    block = Enlarge(8, 16).to(memory_format=layout)
    x = torch.randn(2, 8, 5, 7).to(memory_format=layout)
    assert list(block.state_dict()) == ["1.weight", "1.bias"]
    torch.testing.assert_close(block(x), nn.Sequential(*block)(x))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_instance_norm_is_torch_s(layout):
    torch.manual_seed(0)
    x = (3 * torch.randn(2, 8, 40, 60) + 5).to(memory_format=layout)
    found = instance_norm(x)
    torch.testing.assert_close(found, F.instance_norm(x))
    assert found.is_contiguous(memory_format=layout)
