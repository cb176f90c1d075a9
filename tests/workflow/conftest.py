"""The tiny world, made once for all tests of the workflow."""

import pytest
from tiny_world import make_world


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Path of the configuration of a world that the tests have written (tests/workflow/tiny_world.py)."""
    return make_world(tmp_path_factory.mktemp("world"))
