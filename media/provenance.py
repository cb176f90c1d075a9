"""How an artefact was made: a sidecar, <artefact>.provenance.json, written by the stage that made it.

It has what decides the numbers and no clock, so equal runs have equal sidecars; what jobs cost stands in `logs/`.
Tables are hashed, not the folders that belong to them: a table is written last and says what lies there.
"""

import hashlib
import inspect
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from functools import wraps
from importlib import metadata
from pathlib import Path

from media.faults import ending_plainly
from media.versions import ROOT, version_of
from media.whole import write_whole
from media.writer import sole_writer

SUFFIX = ".provenance.json"
CONFIG_HASH = "HUEBENCH_CONFIG_HASH"  # set by the workflow: SHA-256 of the whole configuration
EXECUTION = (
    "device",
    "execution",
    "scheduler",
    "weights",
    "workers",
)  # arguments that are no part of how a number came to be
LIBRARIES = (
    "dask",
    "lpips",
    "numpy",
    "opencv-python",
    "pandas",
    "ptlflow",
    "pytorch-fid",
    "scikit-image",
    "scipy",
    "snakemake",
    "timm",
    "torch",
    "torchvision",
)


def recorded(main: Callable, *artifacts: str) -> Callable:
    """`main` of a stage, for `tyro.cli`, that also writes the sidecar once it has returned.

    artefacts: names of the parameters with the files or folders that it writes; the sidecar lies beside the first. An
    artefact that was not asked for (None) is passed over. What `main` returns is a dict or None; its keys are added to
    the record. While it runs no other process may write the first artefact (media.writer), and a fault of the machine
    ends it with a sentence.
    """

    @wraps(main)
    def run(*args, **kwargs) -> None:
        given = inspect.signature(main).bind(*args, **kwargs)
        given.apply_defaults()
        first = given.arguments[artifacts[0]]
        if os.environ.get("RANK", "0") != "0":  # of torchrun's processes the first writes
            with ending_plainly():
                main(*args, **kwargs)
            return
        with ending_plainly(), sole_writer(first):
            said = main(*args, **kwargs) or {}
            record = provenance(stage_of(main), given.arguments, artifacts) | said
            write_whole(sidecar_of(first), f"{json.dumps(record, sort_keys=True, indent=1)}\n".encode())

    return run


def stage_of(main: Callable) -> str:
    """Name of its module, also where that runs as a program."""
    return sys.modules[main.__module__].__spec__.name


def sidecar_of(artifact: Path) -> Path:
    """results/table1.csv: results/table1.provenance.json; a folder results/figure4: results/figure4.provenance.json."""
    return Path(f"{artifact if artifact.is_dir() else artifact.with_suffix('')}{SUFFIX}")


def provenance(stage: str, arguments: dict, artifacts: tuple[str, ...]) -> dict:
    """The record, of values that JSON has. arguments: of the stage's main, by name."""
    written = [arguments[name] for name in artifacts if arguments[name] is not None]
    scores = stage in ("bench.scoring.score", "bench.scoring.gather_scores") or "scores" in arguments
    return {
        "stage": stage,
        "version": version_of(stage),
        "metrics": metric_versions() if scores else {},
        "arguments": json.loads(json.dumps(deciding(arguments), default=as_text)),
        "inputs": [hashed(path) | own_sidecar(path) for path in inputs_of(arguments, artifacts)],
        "outputs": [hashed(file) for path in written for file in files_of(path)],
        "seed": arguments.get("seed"),
        "config_hash": os.environ.get(CONFIG_HASH),
        "code": commit_of(ROOT),
        "python": platform.python_version(),
        "libraries": library_versions(),
    }


def deciding(arguments: dict) -> dict:
    """The arguments without those that say where and how fast a stage runs: they decide no number."""
    return {name: value for name, value in arguments.items() if name not in EXECUTION}


def as_text(value: object) -> str:
    """A value that JSON has not."""
    return portable(value) if isinstance(value, Path) else str(value)


def portable(path: Path) -> str:
    """A path as it is also right when the folder in which everything lies was moved, where there is such a one."""
    for folder in (Path.cwd(), ROOT):
        if path.is_absolute() and path.is_relative_to(folder):
            return str(path.relative_to(folder))
    return str(path)


def inputs_of(arguments: dict, artifacts: tuple[str, ...]) -> list[Path]:
    """The files among the arguments, alone or in lists, that are not what is written. Each once, in order of path."""
    given = [value for name, value in arguments.items() if name not in artifacts]
    paths = {one for value in given for one in (value if isinstance(value, list | tuple) else [value])}
    return sorted(path for path in paths if isinstance(path, Path) and path.is_file())


def files_of(artifact: Path) -> list[Path]:
    """A file itself; of a folder the files that lie in it, without those of its subfolders."""
    return sorted(path for path in artifact.iterdir() if path.is_file()) if artifact.is_dir() else [artifact]


def hashed(path: Path) -> dict[str, str]:
    """Path and SHA-256 of a file."""
    with path.open("rb") as file:
        return {"path": portable(path), "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def own_sidecar(path: Path) -> dict[str, str]:
    """Where the sidecar of a file lies, or that of the folder that it is in; empty if it has none."""
    sidecars = [portable(sidecar) for sidecar in (sidecar_of(path), sidecar_of(path.parent)) if sidecar.exists()]
    return {"provenance": sidecars[0]} if sidecars else {}


def metric_versions() -> dict[str, int | str]:
    """Version of each module in bench/metrics."""
    names = sorted(path.stem for path in (ROOT / "bench/metrics").glob("[!_]*.py"))
    return {name: version_of(f"bench.metrics.{name}") for name in names}


def library_versions() -> dict[str, str | None]:
    """Installed version by distribution, None for one that is not there; nothing is imported."""
    return {name: _installed(name) for name in LIBRARIES}


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def commit_of(checkout: Path) -> dict[str, str | bool | None]:
    """The commit, and whether files differ from it or are new; both None where git has no answer."""
    if not (checkout / ".git").exists():  # a copy, which may lie in some other project's checkout
        return {"commit": None, "dirty": None}
    try:
        commit, changes = (_git(checkout, *words) for words in (("rev-parse", "HEAD"), ("status", "--porcelain")))
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}
    return {"commit": commit, "dirty": bool(changes)}


def _git(checkout: Path, *words: str) -> str:
    # Without optional locks, so that jobs side by side do not wait for each other's look at the index.
    command = ["git", "-C", str(checkout), "--no-optional-locks", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
