"""The command: runs the entries of a manifest, or the keys of a file without one, and compares.

There is a line for each output, and a verdict. Nothing is skipped: an output that no rule computes, or whose expected
value is not in the file, is a miss.
"""

import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tyro.conf import Positional

from bench.parity.peers.line import Line
from bench.parity.peers.manifest import Case, Entry, read_entries
from bench.parity.peers.rules import NoRule, answer
from bench.parity.peers.tolerances import default_tolerances, read_tolerances


def main(vectors: Positional[Path], manifest: Positional[Path | None] = None, tolerances: Path | None = None) -> None:
    """Check this project's metrics and the compared systems against other programs' numbers.

    Exits with 1 if an output misses.

    Args:
        vectors: the .npz file with inputs and expected outputs.
        manifest: for vectors of metrics, the .json file whose `entries` name them, with tolerances. Without one the
            vectors are of systems and their names say what they are.
        tolerances: for vectors of systems, the .json file of rules. Otherwise <vectors>_tolerances.json beside the
            vectors, otherwise the one of the tests.
    """
    try:
        arrays = read_arrays(vectors)
        if manifest is None:
            check_named(arrays, tolerances or default_tolerances(vectors))
        elif tolerances is not None:
            raise ValueError("--tolerances goes with vectors of systems; a manifest has its own: leave one of them out")
        else:
            check_listed(arrays, list(read_entries(manifest)))
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


def check_named(arrays: dict[str, np.ndarray], tolerances: Path) -> None:
    """Print a line for each array of the file, then how many passed; exits with 1 if one misses."""
    # Brings torch and every network, which the metrics do not need.
    from bench.parity.peers import named

    judged, others = [], 0
    for line in named.check(arrays, read_tolerances(tolerances)):
        print(line, flush=True)
        if line.judged:
            judged.append(line.passed)
        else:
            others += 1
    missed = judged.count(False)
    print(
        f"{len(judged) - missed} of {len(judged)} outputs within tolerance ({tolerances}), {missed} missed; "
        f"{others} inputs and reports are not judged"
    )
    if missed or not judged:
        sys.exit(1)


def check_listed(arrays: dict[str, np.ndarray], entries: Sequence[Entry | str]) -> None:
    """Print a line for each output of each entry, then how many passed; exits with 1 if one misses."""
    missed, judged = set(), 0
    for number, entry in enumerate(entries):
        for line in check(entry, arrays):
            print(line, flush=True)
            judged += line.judged
            if line.judged and not line.passed:
                missed.add((number, line.key))
    failed = len({number for number, _ in missed})
    print(
        f"{len(entries) - failed} of {len(entries)} entries pass; "
        f"{judged - len(missed)} of {judged} outputs within tolerance, {len(missed)} missed"
    )
    if missed or not judged:
        sys.exit(1)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a file. Raises ValueError if it is no .npz file."""
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: {'not' if path.exists() else 'no such file; expected'} an .npz file of vectors")
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def check(entry: Entry | str, arrays: dict[str, np.ndarray]) -> Iterator[Line]:
    """Yield a line for each output of an entry; one if it is no entry (then it says why) or has no output."""
    if isinstance(entry, str):
        yield Line("manifest", False, entry)
    elif not entry.outputs:
        yield Line(entry.name, False, "the entry has no outputs")
    else:
        for output in entry.outputs:
            yield check_output(Case(entry, arrays), output)


def check_output(case: Case, output: str) -> Line:
    """The verdict on one output."""
    entry = case.entry
    key, judged = f"{entry.name}/{output}", output not in entry.reference_only
    expected = case.arrays.get(entry.outputs[output])
    if expected is None:
        return Line(key, False, f"the file has no array {entry.outputs[output]}, its expected value", judged)
    try:
        found = np.asarray(answer(case, output))
    except NoRule as error:
        return Line(key, False, str(error), judged)
    except Exception as error:  # whatever a strange input does, it is the verdict on this output, not the end
        return Line(key, False, f"failed with {type(error).__name__}: {error}", judged)
    return Line(key, *compare(found, expected, *entry.tolerance(output)), judged)


def compare(found: np.ndarray, expected: np.ndarray, rtol: float, atol: float) -> tuple[bool, str]:
    """Whether all of `found` is within tolerance, and what to say. NaN matches NaN, infinity itself."""
    if found.shape != expected.shape:
        return False, f"got shape {found.shape}, expected {expected.shape}"
    if found.dtype.kind not in "bifu" or expected.dtype.kind not in "bifu":
        return False, f"got {found.dtype}, expected {expected.dtype}: only numbers are compared"
    if not found.size:
        return True, f"no elements, shape {found.shape}"
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    with np.errstate(invalid="ignore"):
        difference = np.abs(found - expected)
        within = np.isfinite(expected) & (difference <= atol + rtol * np.abs(expected))
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    difference, within = np.where(same, 0, difference), within | same
    # Shown is the worst element: of those beyond the tolerance where there are any.
    beyond = np.where(within, -1, np.nan_to_num(difference, nan=np.inf))
    worst = np.unravel_index((difference if within.all() else beyond).argmax(), found.shape)
    where = f" at {list(map(int, worst))} of {found.shape}" if worst else ""
    return bool(within.all()), (
        f"got {found[worst]:.9g} expected {expected[worst]:.9g} difference {difference[worst]:.2g} "
        f"tolerance {atol:g} + {rtol:g} relative{where}"
    )
