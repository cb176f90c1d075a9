"""Every metric module says what its numbers are."""

import importlib
import pkgutil
from pathlib import Path

import pytest

import bench.metrics

MODULES = [module.name for module in pkgutil.iter_modules(bench.metrics.__path__)]
PAGE = Path(__file__).parents[3] / "docs/metrics.md"


@pytest.mark.parametrize("name", MODULES)
def test_metric_declares_itself(name):
    module = importlib.import_module(f"bench.metrics.{name}")
    assert module.UNIT
    assert module.DIRECTION in ("up", "down", "near ground truth")
    assert module.SCOPE in ("frame", "pair", "clip", "set")


@pytest.mark.parametrize("name", MODULES)
def test_the_page_declares_the_same(name):
    module = importlib.import_module(f"bench.metrics.{name}")
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|") and f"`{name}.py`" in line]
    assert lines
    assert any(f"| {module.UNIT} | {module.DIRECTION} | {module.SCOPE} |" in line for line in lines)
