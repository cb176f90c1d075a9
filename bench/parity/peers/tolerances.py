"""How the outputs of a file of vectors are compared: a list of patterns, of which the first that matches decides."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

SHIPPED = Path(__file__).parents[3] / "tests/bench/parity/baselines_tolerances.json"
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


def default_tolerances(vectors: Path) -> Path:
    """The file that goes with a file of vectors: <name>_tolerances.json beside it, otherwise the one of the tests."""
    beside = vectors.with_name(f"{vectors.stem}_tolerances.json")
    return beside if beside.exists() else SHIPPED


def read_tolerances(path: Path) -> list[Tolerance]:
    """The `rules` of a file, [pattern, kind, value] each. Raises ValueError for a file that has none."""
    content = json.loads(path.read_text())
    rules = content.get("rules") if isinstance(content, dict) else None
    if not isinstance(rules, list) or not all(isinstance(rule, list) and len(rule) == 3 for rule in rules):
        raise ValueError(f"{path}: expected a JSON object with a list `rules` of [pattern, kind, value]")
    return [Tolerance(*rule) for rule in rules]


def tolerance_of(key: str, tolerances: Sequence[Tolerance]) -> Tolerance | None:
    """The first whose pattern matches the key; None if none does."""
    return next((one for one in tolerances if fnmatchcase(key, one.pattern)), None)


def compare(found: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> tuple[bool, str]:
    """Whether `found` is near enough, and what to say. NaN matches NaN alone; a report passes."""
    if found.shape != expected.shape:
        return False, f"got shape {found.shape}, expected {expected.shape}"
    if found.dtype.kind not in "bifu" or expected.dtype.kind not in "bifu":
        return False, f"got {found.dtype}, expected {expected.dtype}: only numbers are compared"
    if not found.size:
        return True, f"no elements, shape {found.shape}"
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        difference = np.nan_to_num(np.where(same, 0, np.abs(found - expected)), nan=np.inf)
    worst = np.unravel_index(difference.argmax(), difference.shape)
    says = f"max abs diff {difference[worst]:<8.2g} got {found[worst]:.6g} expected {expected[worst]:.6g}"
    says += f" at {list(map(int, worst))} of {found.shape}" if worst else ""
    deviation = expected.std()
    if tolerance.kind == "report":
        return True, f"{says}, standard deviation {deviation:.2g}"
    if tolerance.kind == "exact":
        return bool(same.all()), f"{says}, has to be equal"
    allowed = tolerance.bound * (deviation if tolerance.kind == "std" else 1)
    says += f", tolerance {allowed:.2g}"
    says += f" ({tolerance.bound:g} standard deviations)" if tolerance.kind == "std" else ""
    return bool(difference[worst] <= allowed), says
