"""The command: tells by its content what a file of vectors is of, and has its outputs computed and compared.

There is a line for each output, and a verdict on the whole. Nothing is skipped: an output that cannot be computed or
compared is a miss.
"""

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tyro.conf import Positional

from bench.parity.outcome import Outcome
from bench.parity.tolerances import default_tolerances, read_tolerances
from media.text import read_json

# Each kind's verdicts come with lines of its own about the whole, which are printed as they are.
Checked = Iterator[Outcome | str]


def main(vectors: Positional[Path], manifest: Positional[Path | None] = None, tolerances: Path | None = None) -> None:
    """Check this project against other programs' numbers: metrics, the compared systems, the published program.

    Exits with 1 if an output misses.

    Args:
        vectors: the .npz file with inputs and expected outputs; what its arrays are called says what they are of.
        manifest: for vectors of metrics, the .json file whose `entries` name them, with tolerances.
        tolerances: for other vectors, the .json file of tolerances. Otherwise the one beside the vectors
            (<vectors>_tolerances.json), otherwise the one of the tests.
    """
    try:
        arrays = read_arrays(vectors)
        if manifest is not None and tolerances is not None:
            raise ValueError("--tolerances goes with vectors without a manifest, which has its own: leave one out")
        if manifest is not None:
            lines, held_to = of_metrics(arrays, manifest), manifest
        elif any(name.startswith("meta/") for name in arrays):
            held_to = tolerances or default_tolerances(vectors, "devc_tolerances.json")
            lines = of_release(arrays, held_to)
        else:
            held_to = tolerances or default_tolerances(vectors, "baselines_tolerances.json")
            lines = of_systems(arrays, held_to)
        verdicts = printed(lines)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {vectors}: {error}")
    missed, judged = (sum(getattr(verdict, what) for verdict in verdicts) for what in ("missed", "judged"))
    others = f"; {len(verdicts) - judged} inputs and reports are not judged" if judged < len(verdicts) else ""
    print(f"{judged - missed} of {judged} outputs within tolerance ({held_to}), {missed} missed{others}")
    if missed or not judged:
        sys.exit(1)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a file. Raises ValueError if it is no .npz file."""
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{'not' if path.exists() else 'no such file; expected'} an .npz file of vectors")
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def of_metrics(arrays: dict[str, np.ndarray], manifest: Path) -> Checked:
    """Others' metrics, by a manifest's entries."""
    from bench.parity.peers.entries import entries_checked
    from bench.parity.peers.manifest import read_entries

    return entries_checked(list(read_entries(manifest)), arrays)


def of_release(arrays: dict[str, np.ndarray], tolerances: Path) -> Checked:
    """The published program: the file lists its inputs and outputs."""
    from bench.parity.release.groups import groups_checked

    return groups_checked(arrays, read_json(tolerances))


def of_systems(arrays: dict[str, np.ndarray], tolerances: Path) -> Checked:
    """The compared systems. Raises ValueError where no array's name is of one: such a file needs a manifest."""
    # Brings torch and every network, which the metrics do not need.
    from bench.parity.systems.named import keys_checked, names_system

    if not any(map(names_system, arrays)):
        raise ValueError(
            "its arrays name no compared system (<system>.<...>) and it lists no outputs (meta/outputs); "
            "vectors of metrics need their manifest as the second file"
        )
    return keys_checked(arrays, read_tolerances(tolerances))


def printed(lines: Checked) -> list[Outcome]:
    """Print each line as it comes; returns the verdicts among them."""
    verdicts = []
    for line in lines:
        print(line, flush=True)
        if isinstance(line, Outcome):
            verdicts.append(line)
    return verdicts
