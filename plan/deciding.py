"""What decides numbers, and so makes a job again, and what only says where and how fast a run goes."""

import hashlib
import json
from functools import cache
from pathlib import Path

from colorize.settings import EXECUTION

# Keys of the configuration that decide no number.
PLACES = ("dask_scheduler", "device", "weights")


@cache
def content(path: Path, algorithm: str = "sha256") -> str:
    """SHA-256 of a file, or its digest by another algorithm."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def deciding(training: dict) -> dict:
    """The keys of a training that decide its numbers."""
    return {key: value for key, value in training.items() if key not in EXECUTION}


def execution(training: dict) -> dict:
    """The other keys of a training, which say where and how fast it runs."""
    return {key: value for key, value in training.items() if key in EXECUTION}


def config_hash(config: dict) -> str:
    """SHA-256 of what a configuration has that decides numbers."""
    parts = {key: value for key, value in config.items() if key not in PLACES}
    parts |= {"training": {name: deciding(own) for name, own in config["training"].items()}}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def here(root: Path, path: str) -> str:
    """A path that counts from the Snakefile's folder, `root`, as jobs are told it.

    Of what lies in the working directory it is the part that is the same when that is moved or cloned.
    """
    whole = root / path
    return str(whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else whole)
