"""Finished results: another version of the code makes them again, another place or machine does not."""

import shutil
import subprocess

import pytest
import yaml
from tiny_world import ROOT, planned, snakemake

from media.tables import REFERENCES, read_table

# All sets and trainings stand behind these, and no row that another test adds to the run.
TARGETS = ("results/propagation.csv", "results/table5.csv", "results/figure4", "results/figure15", "results/figure16")


@pytest.fixture(scope="module")
def moved(run, tmp_path_factory):
    """The finished run copied to another place, with the times of its files."""
    return shutil.copytree(run, tmp_path_factory.mktemp("moved") / "below" / "there", symlinks=True)


@pytest.fixture
def clone(tmp_path):
    """What a clone of the checkout has: the same content with other times."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def add_code(module):
    module.write_text(module.read_text() + "\n\nUNUSED = 1\n")


def test_results_that_were_moved_are_finished_whatever_they_are_made_on(moved, world, tmp_path):
    config = yaml.safe_load(world.read_text())
    config |= {"dask_scheduler": "tcp://10.0.0.1:8786", "weights": str(tmp_path / "other weights")}
    config["training"]["ours"] |= {"threads": 7, "accelerator": "cpu", "processes": 2, "micro_batch": 1}
    overlay = tmp_path / "elsewhere.yaml"
    overlay.write_text(yaml.safe_dump(config))
    done = snakemake("-n", "--cores", "1", "--", *TARGETS, directory=moved, config=overlay)
    assert done.returncode == 0 and "Nothing to be done" in done.stdout, done.stdout


def test_a_row_of_moved_results_can_be_made_again(moved, world):
    target = "results/colorize/welsh2002.parquet"
    done = snakemake("--quiet", "rules", "--force", "--", target, directory=moved, config=world)
    assert done.returncode == 0 and "1 of 1 steps" in done.stdout, done.stdout
    references = read_table(moved / "results/references/images/test.parquet", REFERENCES)["path"]
    assert all(path.startswith(str(world.parent)) for path in references)


def test_a_clone_has_nothing_to_do_until_its_code_changes(run, world, clone):
    done = snakemake("-n", "--", *TARGETS, directory=run, config=world, checkout=clone)
    assert done.returncode == 0 and "Nothing to be done" in done.stdout, done.stdout
    add_code(clone / "media/color.py")
    jobs = planned(snakemake("-n", "--", *TARGETS, directory=run, config=world, checkout=clone).stdout)
    assert (jobs["clips"], jobs["images"], jobs["train"]) == (4, 3, 6)
    assert jobs["propagation"] == jobs["table5"] == 1 and "sources" not in jobs  # these are made of no colours


def test_a_changed_method_makes_its_own_row_again(run, world, clone):
    add_code(clone / "bench/methods/grey.py")
    rows = ("results/score/grey.parquet", "results/score/welsh2002.parquet")
    jobs = planned(snakemake("-n", "--", *rows, directory=run, config=world, checkout=clone).stdout)
    assert jobs == {"colorize": 1, "score": 1, "total": 2}
