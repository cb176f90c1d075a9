"""Every metric module says what its numbers are."""

import importlib
import pkgutil

import pytest

import bench.metrics


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(bench.metrics.__path__)])
def test_metric_declares_itself(name):
    module = importlib.import_module(f"bench.metrics.{name}")
    assert module.UNIT and module.SCOPE and isinstance(module.VERSION, int)
    assert module.DIRECTION in ("up", "down", "near ground truth")
