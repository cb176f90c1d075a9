"""A training of several processes through the real rule."""

import pytest
import yaml
from tiny_world import snakemake

from colorize.checkpoint import metadata

pytestmark = pytest.mark.slow
TARGET = "results/train/ours/model.safetensors"


def test_the_rule_trains_on_two_processes_and_one_does_not_make_it_again(world, tmp_path):
    config = yaml.safe_load(world.read_text())
    config["training"]["ours"] |= {"processes": 2, "threads": 1, "accelerator": "cpu"}
    overlay = tmp_path / "two.yaml"
    overlay.write_text(yaml.safe_dump(config))
    done = snakemake("--quiet", "rules", "--", TARGET, directory=tmp_path, config=overlay)
    assert done.returncode == 0, done.stdout
    assert "Starting with 2 processes" in (tmp_path / "logs/train/ours.log").read_text()
    assert metadata(tmp_path / TARGET)["settings"]["processes"] == 2
    assert (tmp_path / "results/train/ours.provenance.json").exists()
    done = snakemake("-n", "--", TARGET, directory=tmp_path, config=world)
    assert "Nothing to be done" in done.stdout, done.stdout
