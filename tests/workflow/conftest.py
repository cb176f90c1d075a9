"""The tiny world and its finished run, made once for all tests of the workflow."""

import pytest
from tiny_world import make_world, snakemake


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Path of the configuration of a world that the tests have written (tests/workflow/tiny_world.py)."""
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def run(world, tmp_path_factory):
    """The finished run of all targets; the folder `results` in it."""
    directory = tmp_path_factory.mktemp("run")
    done = snakemake("--quiet", "rules", directory=directory, config=world)
    assert done.returncode == 0, done.stdout
    return directory
