"""Runs the keys of a file of vectors that needs no manifest: their names say what they are.

Nothing is skipped: a key without a tolerance and an output that nothing here computes are misses.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from bench.parity.peers.line import Line
from bench.parity.peers.rules import NoRule
from bench.parity.peers.systems import KEY, SYSTEMS, SystemCase, answer
from bench.parity.peers.tolerances import Tolerance, compare, tolerance_of


def check(arrays: dict[str, np.ndarray], tolerances: Sequence[Tolerance]) -> Iterator[Line]:
    """Yield a line for each key, in the file's order but with the keys of a case together."""
    cases: dict[str, dict[str, np.ndarray]] = {}
    for key, array in arrays.items():
        found = KEY.fullmatch(key)
        cases.setdefault(key[: found.start("name")] if found else "", {})[key] = array
    for prefix, of_case in cases.items():
        yield from check_case(prefix, of_case, tolerances)


def check_case(prefix: str, arrays: dict[str, np.ndarray], tolerances: Sequence[Tolerance]) -> Iterator[Line]:
    """Yield a line for each key of one case; `prefix` is what they begin with, empty for keys of no system."""
    decided = {key: tolerance_of(key, tolerances) for key in arrays}
    given = {key for key, tolerance in decided.items() if tolerance and tolerance.kind == "input"}
    found = KEY.fullmatch(next(iter(arrays)))
    case = SystemCase(
        inputs={key[len(prefix) :]: arrays[key] for key in arrays if key in given},
        wanted={key[len(prefix) :]: arrays[key] for key in arrays if key not in given},
        gain=float(found["gain"]) if found and found["gain"] else None,
    )
    for key, tolerance in decided.items():
        if tolerance is None:
            yield Line(key, False, "no rule of the tolerances matches this key")
        elif tolerance.kind == "input":
            yield Line(key, True, f"{arrays[key].dtype} {arrays[key].shape}", judged=False, label="in")
        else:
            yield Line(key, *verdict(key, case, arrays[key], tolerance), judged=tolerance.kind != "report")


def verdict(key: str, case: SystemCase, expected: np.ndarray, tolerance: Tolerance) -> tuple[bool, str]:
    """Whether one output is computed and near enough, and what to say."""
    found = KEY.fullmatch(key)
    if not found:
        return False, f"no function here for this key; there are <system>.<...> of {', '.join(SYSTEMS)}"
    try:
        return compare(answer(found["system"], case, found["name"]), expected, tolerance)
    except NoRule as error:
        return False, str(error)
    except Exception as error:  # whatever a strange input does, it is the verdict on this output, not the end
        return False, f"failed with {type(error).__name__}: {error}"
