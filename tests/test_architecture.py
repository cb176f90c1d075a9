"""The shape of the code: imports run one way, style is clean, the workflow passes its linter."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("media", "vision", "prep", "colorize", "bench", "plan")
BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize(
    "command",
    [
        "lint-imports",
        "ruff check .",
        "ruff format --check .",
        "snakefmt --check Snakefile workflow",
    ],
)
def test_is_clean(command):
    done = subprocess.run(command.split(), cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("overlay", [[], ["--configfile", "config/paper.yaml"]])
def test_the_workflow_passes_its_linter(overlay):
    """But for one lint: no rule has an environment of its own, all run in the one of constraints.txt."""
    command = ["snakemake", "--lint", *overlay]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    said = done.stdout + done.stderr
    lints = {line.strip("* :") for line in said.splitlines() if line.strip().startswith("* ")}
    assert lints == {"Specify a conda environment or container for each rule."}, said


@pytest.mark.parametrize(
    "module", ["media.color", "media.tables", "bench.methods.contract.rows", "prep.datasets.registry", "plan.pipeline"]
)
def test_light_modules_do_not_import_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_every_package_is_installed():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = [path.parent for name in PACKAGES for path in (ROOT / name).rglob("__init__.py")]
    assert sorted(listed) == sorted(".".join(folder.relative_to(ROOT).parts) for folder in folders)


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for package in (*PACKAGES, "tests")
        for path in (ROOT / package).rglob("*.py")
        if not path.read_text().startswith('"""')
    ]
    assert not silent
