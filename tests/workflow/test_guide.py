"""docs/add-a-method.md, followed word for word in a copy of the checkout: one file, one line, one row more."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tiny_world import ROOT, make_world, planned
from tiny_world import snakemake as real_snakemake

from media.tables import SCORES, read_table

pytestmark = pytest.mark.slow

TARGET = "results/table1.csv"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of what the repository holds, and nothing that was made in it."""
    folder = tmp_path_factory.mktemp("guide") / "huebench"
    made = shutil.ignore_patterns(
        ".git", ".venv", ".snakemake", "results", "logs", "__pycache__", "*.egg-info", ".*_cache"
    )
    shutil.copytree(ROOT, folder, ignore=made)
    return folder


def snakemake(checkout: Path, config: Path, *arguments: str) -> str:
    """Run the copy's Snakefile with the copy's code; what it said."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(checkout),
    }
    command = ["snakemake", "--cores", "2", "--configfile", str(config), *arguments, "--", TARGET]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_one_file_and_one_line_are_one_row_more(checkout, tmp_path):
    config = make_world(tmp_path / "world")
    snakemake(checkout, config, "--quiet", "rules")
    before = pd.read_csv(checkout / TARGET).set_index("method")

    guide = (ROOT / "docs/add-a-method.md").read_text()
    path, code = re.search(r"1\. `(\S+)`.*?```python\n(.*?)   ```", guide, flags=re.DOTALL).groups()
    line = re.search(r"2\. Under `methods:` in the configuration: `(.*?)`", guide).group(1)
    (checkout / path).write_text("".join(row.removeprefix("   ") for row in code.splitlines(keepends=True)))
    world = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump(world | {"methods": yaml.safe_load(line)}))

    jobs = planned(snakemake(checkout, config, "-n"))
    assert {rule: count for rule, count in jobs.items() if rule != "total"} == {"colorize": 1, "score": 1, "table1": 1}
    snakemake(checkout, config, "--quiet", "rules")
    after = pd.read_csv(checkout / TARGET).set_index("method")
    assert set(after.index) - set(before.index) == {"mymethod"}
    pd.testing.assert_frame_equal(after.loc[before.index], before)
    scores = read_table(checkout / "results/score/mymethod.parquet", SCORES)
    assert set(scores["kind"]) == {"clips", "images"}
    tint = 0.37 * (5**2 + 15**2) ** 0.5  # M1 of one colour everywhere
    assert after.loc["mymethod", "colorful"] == pytest.approx(tint, abs=0.6)


def test_the_same_seed_gives_the_same_table(checkout, tmp_path):
    """The copy's table, and one made from nothing elsewhere."""
    config = make_world(tmp_path / "world")
    done = real_snakemake("--quiet", "rules", "--", TARGET, directory=tmp_path, config=config)
    assert done.returncode == 0, done.stdout
    ours, theirs = (pd.read_csv(folder / TARGET).set_index("method") for folder in (tmp_path, checkout))
    pd.testing.assert_frame_equal(ours, theirs.loc[ours.index])
