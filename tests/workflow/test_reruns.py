"""Finished results: another version of the code makes them again, another place or machine does not."""

import shutil
import subprocess

import pytest
import yaml
from tiny_world import ROOT, planned, snakemake

from media.tables import REFERENCES, read_table


@pytest.fixture(scope="module")
def moved(run, tmp_path_factory):
    """The finished run copied to another place, with the times of its files."""
    return shutil.copytree(run, tmp_path_factory.mktemp("moved") / "below" / "there", symlinks=True)


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The checkout with the same content and other times, as after `git clone`."""
    folder = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def test_results_that_were_moved_are_finished_whatever_they_are_made_on(moved, world, tmp_path):
    config = yaml.safe_load(world.read_text())
    config |= {"dask_scheduler": "tcp://10.0.0.1:8786", "weights": str(tmp_path / "other weights")}
    config["training"]["ours"] |= {"threads": 7, "accelerator": "cpu"}
    overlay = tmp_path / "elsewhere.yaml"
    overlay.write_text(yaml.safe_dump(config))
    done = snakemake("-n", "--cores", "1", directory=moved, config=overlay)
    assert done.returncode == 0 and "Nothing to be done" in done.stdout, done.stdout


def test_a_row_of_moved_results_can_be_made_again(moved, world):
    """Its references are found, and nothing below the row is made again for it."""
    target = "results/colorize/welsh2002.parquet"
    done = snakemake("--quiet", "rules", "--force", target, directory=moved, config=world)
    assert done.returncode == 0, done.stdout
    paths = read_table(moved / "results/references/images/test.parquet", REFERENCES)["path"]
    assert all(path.startswith(str(world.parent)) for path in paths)


def test_a_clone_has_nothing_to_do_until_its_code_changes(run, world, clone):
    done = snakemake("-n", directory=run, config=world, checkout=clone)
    assert done.returncode == 0 and "Nothing to be done" in done.stdout, done.stdout
    color = clone / "media/color.py"
    color.write_text(color.read_text() + "\n\nUNUSED = 1\n")
    jobs = planned(snakemake("-n", directory=run, config=world, checkout=clone).stdout)
    rows = len(list((run / "results/score").glob("*.parquet")))
    assert jobs["clips"] == jobs["images"] + 1 == 4 and jobs["train"] == 6 and jobs["score"] == rows
    assert "sources" not in jobs  # it is made of no colours


def test_a_changed_method_makes_its_own_row_again(run, world, clone):
    shutil.copyfile(ROOT / "media/color.py", clone / "media/color.py")
    grey = clone / "bench/methods/grey.py"
    grey.write_text(grey.read_text() + "\n\nUNUSED = 1\n")
    jobs = planned(snakemake("-n", "results/table1.csv", directory=run, config=world, checkout=clone).stdout)
    assert {rule: jobs[rule] for rule in jobs if rule != "total"} == {"colorize": 1, "score": 1, "table1": 1}
