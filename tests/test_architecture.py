"""The shape of the code: imports run one way, style is clean, the workflow passes its linter."""

import ast
import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from setuptools import find_namespace_packages

ROOT = Path(__file__).parents[1]
PACKAGES = ("media", "vision", "prep", "colorize", "bench", "plan")
LONGEST = {"module": 400, "function": 50}  # lines, docstrings included
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
    "module",
    [
        "media.color",
        "media.tables",
        "plan.pipeline",
        "colorize.metadata",
        "bench.methods.contract.rows",
        "bench.run.colorize",
        "bench.scoring.score",
        "prep.datasets.selection",
        "media.jobs",
    ],
)
def test_light_modules_do_not_import_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_every_package_is_installed():
    given = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = set(find_namespace_packages(str(ROOT), **given["packages"]["find"]))
    folders = [path.parent for name in PACKAGES for path in (ROOT / name).rglob("__init__.py")]
    assert {".".join(folder.relative_to(ROOT).parts) for folder in folders} | set(given["package-data"]) == found


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for package in (*PACKAGES, "tests")
        for path in (ROOT / package).rglob("*.py")
        if not path.read_text().startswith('"""')
    ]
    assert not silent


def lengths(path):
    """Lines of a module and of each function in it, by a name to be shown."""
    text, where = path.read_text(), path.relative_to(ROOT)
    yield "module", str(where), len(text.splitlines())
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield "function", f"{where}: {node.name}", node.end_lineno - node.lineno + 1


def test_no_module_and_no_function_is_long():
    paths = [path for folder in (*PACKAGES, "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    long = [f"{name} has {lines}" for path in paths for kind, name, lines in lengths(path) if lines > LONGEST[kind]]
    assert not long


@pytest.fixture(scope="module")
def rooms():
    """tests/rooms.py, the import graph as rooms and arrows."""
    spec = importlib.util.spec_from_file_location("rooms", ROOT / "tests/rooms.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PACKAGES == PACKAGES
    return module


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_import_in_no_circle(package, rooms):
    assert not rooms.circles(rooms.rooms(package)), rooms.table(package)


def test_the_rooms_of_bench_are_few_and_on_three_floors(rooms):
    counts = rooms.counts(rooms.rooms("bench"))
    assert counts["rooms"] <= 10 and counts["floors"] <= 3 and counts["arrows"] <= 20, rooms.table("bench")
