"""Checks a file of vectors against what this project computes: a line for each output, and a verdict.

Nothing is skipped: an output without a rule here, without a tolerance or without its array is a miss.
"""

import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bench.parity.release import functions, networks
from bench.parity.release.group import Group, Outputs

# By the name of the group, without the number at its end if it has one (warp64 and warp40 are both `warp`).
GROUPS: dict[str, Callable[[Group], Outputs]] = {
    "fill": networks.weights,
    "vgg": networks.vgg19,
    "vgg_he": networks.vgg19_he,
    "warp": networks.correspondence,
    "color": networks.colorization,
    "disc": networks.discriminator,
    "attn": networks.attention,
    "e2e": networks.sequence,
    "pipe": networks.clip,
    "ctx": functions.contextual,
    "smooth": functions.smoothness,
    "flow": functions.flow,
    "gan": functions.adversarial,
    "l1": functions.l1,
    "loss": functions.all_losses,
    "lab": functions.color,
    "resize": functions.resized_images,
    "wls": functions.smoother,
    "aug": functions.distortion,
}
# The group whose inputs another one reads.
LENDERS = {"vgg_he": "vgg"}

SHIPPED = Path(__file__).parents[3] / "tests/bench/parity/devc_tolerances.json"
# At the temperature of an argmax, one near tie may fall the other way: that moves one cell of the matching grid.
HARD_ARGMAX = re.compile(r".*_T1e-10|e2e\d*/warped_lab")
CELL = 4
# What 8-bit frames may differ by on average, besides the largest difference, in levels.
MEAN_LEVELS = 0.1


@dataclass
class Line:
    """The verdict on one output."""

    key: str
    passed: bool
    says: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.passed else 'MISS'}  {self.key:<42} {self.says}"


def main(vectors: Path, tolerances: Path | None = None) -> None:
    """Check this project against a file of the published program's vectors; exits with 1 if an output misses.

    Args:
        vectors: the .npz file.
        tolerances: a .json file with `suggested_atol` (and `suggested_rtol`) for each output. Otherwise the one
            beside the vectors (<name>_tolerances.json or devc_tolerances.json), otherwise the one of the tests.
    """
    tolerances = tolerances or default_tolerances(vectors)
    try:
        arrays, allowed = read_vectors(vectors), json.loads(tolerances.read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    lines = []
    for line in check(arrays, allowed):
        print(line, flush=True)
        lines.append(line)
    if absent := absent_groups(arrays):
        print(f"not in this file: {', '.join(absent)}")
    missed = sum(not line.passed for line in lines)
    print(f"{len(lines) - missed} of {len(lines)} outputs within tolerance ({tolerances}), {missed} missed")
    if missed or not lines:
        sys.exit(1)


def default_tolerances(vectors: Path) -> Path:
    """The tolerances that go with a file of vectors."""
    beside = (vectors.with_name(f"{vectors.stem}_tolerances.json"), vectors.with_name("devc_tolerances.json"))
    return next((path for path in beside if path.exists()), SHIPPED)


def read_vectors(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a file. Raises ValueError if it is none of vectors, or does not list its inputs and outputs."""
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: {'not' if path.exists() else 'no such file; expected'} an .npz file of vectors")
    with np.load(path) as file:
        vectors = {name: file[name] for name in file.files}
    for name in ("meta/inputs", "meta/outputs"):
        if name not in vectors:
            raise ValueError(f"{path}: no array {name}; expected the names of the file's {name.partition('/')[2]}")
    return vectors


def check(vectors: dict[str, np.ndarray], tolerances: dict[str, dict]) -> Iterator[Line]:
    """Yield a line for each output of each group, and one for each array that is neither input nor output."""
    outputs = vectors["meta/outputs"].tolist()
    listed = {*outputs, *vectors["meta/inputs"].tolist()}
    for key in vectors:
        if key not in listed and group_of(key) != "meta":
            yield Line(key, False, "in the file, but neither in meta/inputs nor in meta/outputs")
    absent = absent_groups(vectors)
    for name in dict.fromkeys(map(group_of, outputs)):
        if name not in absent:
            yield from check_group(name, vectors, [key for key in outputs if group_of(key) == name], tolerances)


def group_of(key: str) -> str:
    """The part of a key in front of the slash."""
    return key.partition("/")[0]


def absent_groups(vectors: dict[str, np.ndarray]) -> list[str]:
    """Groups that the lists name and of which the file has nothing at all: it is a selection."""
    present = set(map(group_of, vectors))
    return [name for name in dict.fromkeys(map(group_of, vectors["meta/outputs"].tolist())) if name not in present]


def check_group(
    name: str, vectors: dict[str, np.ndarray], keys: list[str], tolerances: dict[str, dict]
) -> Iterator[Line]:
    """Yield a line for each of the output keys of one group."""
    computed, failure = compute(name, vectors, [key for key in keys if key in vectors])
    for key in keys:
        if key not in vectors:
            yield Line(key, False, "listed in meta/outputs, but not in the file")
        elif failure:
            yield Line(key, False, failure)
        elif key not in computed:
            yield Line(key, False, f"no rule here computes this output of group {name}")
        elif key not in tolerances:
            yield Line(key, False, "the file of tolerances does not have it")
        else:
            yield compare(key, computed[key], vectors[key], tolerances[key])


def compute(name: str, vectors: dict[str, np.ndarray], keys: list[str]) -> tuple[dict[str, np.ndarray], str]:
    """The outputs of one group by key; or none, and why."""
    kind = name if name in GROUPS else name.rstrip("0123456789")
    if kind not in GROUPS:
        return {}, f"no rule here for group {name}"
    owners = [LENDERS.get(kind, kind), kind, name]  # a later one's array comes before an earlier one's
    given = {
        key.partition("/")[2]: vectors[key]
        for owner in owners
        for key in vectors["meta/inputs"].tolist()
        if key in vectors and group_of(key) == owner
    }
    wanted = {key.partition("/")[2]: vectors[key] for key in keys}
    try:
        outputs = GROUPS[kind](Group(given, wanted))
    except Exception as error:  # whatever a strange input does, it is the verdict on this group, not the end
        return {}, f"group {name} failed with {type(error).__name__}: {error}"
    return {f"{name}/{key}": as_array(value) for key, value in outputs.items()}, ""


def as_array(value: torch.Tensor | np.ndarray) -> np.ndarray:
    """An output as an array."""
    return value.detach().numpy() if isinstance(value, torch.Tensor) else value


def compare(key: str, found: np.ndarray, wanted: np.ndarray, tolerance: dict) -> Line:
    """The verdict on one output that was computed."""
    if found.shape != wanted.shape:
        return Line(key, False, f"has shape {found.shape}, expected {wanted.shape}")
    if wanted.dtype.kind == "U":
        return Line(key, bool((found == wanted).all()), "names")
    wanted = wanted.astype(np.float64)
    difference = np.abs(found.astype(np.float64) - wanted)
    atol, rtol = tolerance.get("suggested_atol", 0.0), tolerance.get("suggested_rtol", 0.0)
    beyond = ~(difference <= atol + rtol * np.abs(wanted))  # so that NaN is beyond
    bound = f"{atol:g}" + (f" + {rtol:g} relative" if rtol else "")
    says = f"max abs diff {difference.max(initial=0):<9.3g} tolerance {bound}"
    passed = not beyond.any()
    if not passed and HARD_ARGMAX.fullmatch(key) and cells(beyond) <= 1:
        passed, says = True, f"{says}; one cell a sample may differ where a near tie falls the other way"
    if key.endswith("/out_u8"):
        mean = difference.mean()
        passed, says = passed and mean < MEAN_LEVELS, f"{says}, mean {mean:.2g} below {MEAN_LEVELS}"
    return Line(key, passed, says)


def cells(beyond: np.ndarray) -> int:
    """The most cells of the matching grid, of all samples, that are touched; beyond (B, C, H, W), bool."""
    touched = {(b, y // CELL, x // CELL) for b, _, y, x in np.argwhere(beyond).tolist()}
    samples = [sample for sample, _, _ in touched]
    return max(map(samples.count, samples), default=0)
