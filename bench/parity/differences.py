"""How far computed values are from the expected ones, element by element; what is near enough the tolerances say."""

import numpy as np


def settled(computed: np.ndarray, expected: np.ndarray) -> tuple[bool, str] | None:
    """Whether arrays match and what to say, where no number decides that: other shapes, no numbers, no elements."""
    if computed.shape != expected.shape:
        return False, f"got shape {computed.shape}, expected {expected.shape}"
    if computed.dtype.kind not in "bifu" or expected.dtype.kind not in "bifu":
        return False, f"got {computed.dtype}, expected {expected.dtype}: only numbers are compared"
    return None if computed.size else (True, f"no elements, shape {computed.shape}")


def differences(computed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Absolute differences, float64: 0 for equal values, also for NaN and NaN; infinite for NaN and anything else."""
    computed, expected = computed.astype(np.float64), expected.astype(np.float64)
    same = (computed == expected) | (np.isnan(computed) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(np.where(same, 0, np.abs(computed - expected)), nan=np.inf, posinf=np.inf)


def place(values: np.ndarray) -> tuple[tuple[int, ...], str]:
    """The index of the largest value, and where that is in words; no words for a single number."""
    worst = np.unravel_index(values.argmax(), values.shape)
    return worst, f" at {list(map(int, worst))} of {values.shape}" if worst else ""
