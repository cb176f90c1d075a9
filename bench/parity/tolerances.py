"""How near is near enough: relative and absolute, or by the first of a file's patterns that matches a key."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from bench.parity.differences import differences, place, settled
from media.text import read_json

# Where the project's own files of vectors lie, each with its tolerances.
SHIPPED = Path(__file__).parents[2] / "tests/bench/parity"
BOUNDED = ("std", "abs")
KINDS = ("input", "report", "exact", *BOUNDED)


@dataclass(frozen=True)
class Tolerance:
    """What the keys that match `pattern` are.

    kind: `input` is no output, `report` is printed and never fails, `exact` has to be equal; the largest difference may
    be `bound` with `abs` and `bound` times the standard deviation of the expected values with `std`.
    """

    pattern: str
    kind: str
    bound: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, str):
            raise ValueError(f"rule {self.pattern}: the pattern has to be a text that keys are matched with")
        if self.kind not in KINDS:
            raise ValueError(f"rule {self.pattern}: the kind is {self.kind!r}; expected one of {', '.join(KINDS)}")
        if self.kind in BOUNDED and (not isinstance(self.bound, (int, float)) or not self.bound >= 0):
            raise ValueError(f"rule {self.pattern}: the value is {self.bound!r}; {self.kind} needs a number from 0 on")


def default_tolerances(vectors: Path, shipped: str) -> Path:
    """The file for a file of vectors: <name>_tolerances.json or `shipped` beside it, otherwise that of the tests."""
    beside = (vectors.with_name(f"{vectors.stem}_tolerances.json"), vectors.with_name(shipped))
    return next((path for path in beside if path.exists()), SHIPPED / shipped)


def read_tolerances(path: Path) -> list[Tolerance]:
    """The `rules` of a file, [pattern, kind, value] each. Raises ValueError for a file that has none."""
    content = read_json(path)
    rules = content.get("rules") if isinstance(content, dict) else None
    if not isinstance(rules, list) or not all(isinstance(rule, list) and len(rule) == 3 for rule in rules):
        raise ValueError(f"{path}: expected a JSON object with a list `rules` of [pattern, kind, value]")
    return [Tolerance(*rule) for rule in rules]


def tolerance_of(key: str, tolerances: Sequence[Tolerance]) -> Tolerance | None:
    """The first whose pattern matches the key; None if none does."""
    return next((one for one in tolerances if fnmatchcase(key, one.pattern)), None)


def relative(computed: np.ndarray, expected: np.ndarray, rtol: float, atol: float) -> tuple[bool, str]:
    """Whether all is within `atol` and `rtol` of the expected, and what to say. NaN matches NaN, infinity itself."""
    if verdict := settled(computed, expected):
        return verdict
    difference = differences(computed, expected)
    within = (difference == 0) | (np.isfinite(expected) & (difference <= atol + rtol * np.abs(expected.astype(float))))
    # Shown is the worst element: of those beyond the tolerance where there are any.
    worst, where = place(difference if within.all() else np.where(within, -1, difference))
    return bool(within.all()), (
        f"got {float(computed[worst]):.9g} expected {float(expected[worst]):.9g} difference {difference[worst]:.2g} "
        f"tolerance {atol:g} + {rtol:g} relative{where}"
    )


def bounded(computed: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> tuple[bool, str]:
    """Whether the largest difference is near enough, and what to say. NaN matches NaN alone; a report passes."""
    if verdict := settled(computed, expected):
        return verdict
    difference = differences(computed, expected)
    worst, where = place(difference)
    deviation = expected.astype(np.float64).std()
    got, wanted = float(computed[worst]), float(expected[worst])
    says = f"max abs diff {difference[worst]:<8.2g} got {got:.6g} expected {wanted:.6g}{where}"
    if tolerance.kind == "report":
        return True, f"{says}, standard deviation {deviation:.2g}"
    if tolerance.kind == "exact":
        return not difference.any(), f"{says}, has to be equal"
    allowed = tolerance.bound * (deviation if tolerance.kind == "std" else 1)
    says += f", tolerance {allowed:.2g}"
    says += f" ({tolerance.bound:g} standard deviations)" if tolerance.kind == "std" else ""
    return bool(difference[worst] <= allowed), says
