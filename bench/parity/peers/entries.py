"""Runs the entries of a manifest: a verdict for each of their outputs.

Nothing is skipped: an output that no rule computes, or whose expected value is not in the file, is a miss.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from bench.parity.outcome import Outcome, tried
from bench.parity.peers.manifest import Case, Entry
from bench.parity.peers.rules import metric
from bench.parity.tolerances import relative


def entries_checked(entries: Sequence[Entry | str], arrays: dict[str, np.ndarray]) -> Iterator[Outcome | str]:
    """Yield a verdict for each output of each entry, then how many entries passed."""
    failed = 0
    for entry in entries:
        missed = False
        for verdict in entry_checked(entry, arrays):
            yield verdict
            missed |= verdict.missed
        failed += missed
    yield f"{len(entries) - failed} of {len(entries)} entries pass"


def entry_checked(entry: Entry | str, arrays: dict[str, np.ndarray]) -> Iterator[Outcome]:
    """Yield a verdict for each output of an entry; one if it is no entry (then it says why) or has no output."""
    if isinstance(entry, str):
        yield Outcome("manifest", False, entry)
    elif not entry.outputs:
        yield Outcome(entry.name, False, "the entry has no outputs")
    else:
        for output in entry.outputs:
            yield output_checked(Case(entry, arrays), output)


def output_checked(case: Case, output: str) -> Outcome:
    """The verdict on one output."""
    entry = case.entry
    key, counts = f"{entry.name}/{output}", output not in entry.reference_only
    expected = case.arrays.get(entry.outputs[output])
    if expected is None:
        return Outcome(key, False, f"the file has no array {entry.outputs[output]}, its expected value", counts)
    near = tried(lambda: metric(case, output), lambda computed: relative(computed, expected, *entry.tolerance(output)))
    return Outcome(key, *near, counts)
