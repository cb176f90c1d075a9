"""Runs the keys of a file of vectors that needs no manifest: their names say what they are.

Nothing is skipped: a key without a tolerance and an output that nothing here computes are misses.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from bench.parity.outcome import NoRule, Outcome, tried
from bench.parity.systems.systems import KEY, SYSTEMS, SystemCase, output_of
from bench.parity.tolerances import Tolerance, bounded, tolerance_of


def names_system(key: str) -> bool:
    """Whether a key is one of a system that is compared here."""
    return KEY.fullmatch(key) is not None


def keys_checked(arrays: dict[str, np.ndarray], tolerances: Sequence[Tolerance]) -> Iterator[Outcome]:
    """Yield a verdict for each key, in the file's order but with the keys of a case together."""
    cases: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        parts = KEY.fullmatch(key)
        cases.setdefault(key[: parts.start("name")] if parts else "", {})[key] = array
    for prefix, of_case in cases.items():
        yield from case_checked(prefix, of_case, tolerances)


def case_checked(prefix: str, arrays: dict[str, np.ndarray], tolerances: Sequence[Tolerance]) -> Iterator[Outcome]:
    """Yield a verdict for each key of one case; `prefix` is what they begin with, empty for keys of no system."""
    decided = {key: tolerance_of(key, tolerances) for key in arrays}
    given = {key for key, tolerance in decided.items() if tolerance and tolerance.kind == "input"}
    parts = KEY.fullmatch(next(iter(arrays)))
    case = SystemCase(
        inputs={key[len(prefix) :]: arrays[key] for key in arrays if key in given},
        wanted={key[len(prefix) :]: arrays[key] for key in arrays if key not in given},
        gain=float(parts["gain"]) if parts and parts["gain"] else None,
    )
    for key, tolerance in decided.items():
        if tolerance is None:
            yield Outcome(key, False, "no rule of the tolerances matches this key")
        elif tolerance.kind == "input":
            yield Outcome(key, True, f"{arrays[key].dtype} {arrays[key].shape}", judged=False, label="in")
        else:
            yield Outcome(key, *key_checked(key, case, arrays[key], tolerance), judged=tolerance.kind != "report")


def key_checked(key: str, case: SystemCase, expected: np.ndarray, tolerance: Tolerance) -> tuple[bool, str]:
    """Whether one output is computed and near enough, and what to say."""

    def compute() -> np.ndarray:
        parts = KEY.fullmatch(key)
        if not parts:
            raise NoRule(f"no function here for this key; there are <system>.<...> of {', '.join(SYSTEMS)}")
        return output_of(parts["system"], case, parts["name"])

    return tried(compute, lambda computed: bounded(computed, expected, tolerance))
