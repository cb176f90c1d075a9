"""Runs the groups of a file that lists its inputs and outputs: a verdict for each output.

Nothing is skipped: an output without a rule here, without a tolerance or without its array is a miss.
"""

import re
from collections.abc import Callable, Iterator

import numpy as np
import torch

from bench.parity.differences import differences, settled
from bench.parity.group import Group, Outputs
from bench.parity.outcome import Outcome
from bench.parity.release import functions, networks
from media.faults import of_the_machine

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
# The arrays that name what the file has.
LISTS = ("meta/inputs", "meta/outputs")
# The group whose inputs another one reads.
LENDERS = {"vgg_he": "vgg"}

# At the temperature of an argmax, one near tie may fall the other way: that moves one cell of the matching grid.
HARD_ARGMAX = re.compile(r".*_T1e-10|e2e\d*/warped_lab")
CELL = 4
# What 8-bit frames may differ by on average, besides the largest difference, in levels.
MEAN_LEVELS = 0.1


def groups_checked(vectors: dict[str, np.ndarray], tolerances: dict[str, dict]) -> Iterator[Outcome | str]:
    """Yield a verdict for each output of each group and for each array that is neither, then which groups are absent.

    Raises ValueError where the file does not list its inputs and outputs.
    """
    for name in LISTS:
        if name not in vectors:
            raise ValueError(f"no array {name}; expected the names of the file's {name.partition('/')[2]}")
    outputs = vectors["meta/outputs"].tolist()
    listed = {*outputs, *vectors["meta/inputs"].tolist()}
    for key in vectors:
        if key not in listed and group_of(key) != "meta":
            yield Outcome(key, False, "in the file, but neither in meta/inputs nor in meta/outputs")
    absent = absent_groups(vectors)
    for name in dict.fromkeys(map(group_of, outputs)):
        if name not in absent:
            yield from group_checked(name, vectors, [key for key in outputs if group_of(key) == name], tolerances)
    if absent:
        yield f"not in this file: {', '.join(absent)}"


def group_of(key: str) -> str:
    """The part of a key in front of the slash."""
    return key.partition("/")[0]


def absent_groups(vectors: dict[str, np.ndarray]) -> list[str]:
    """Groups that the lists name and of which the file has nothing at all: it is a selection."""
    present = set(map(group_of, vectors))
    return [name for name in dict.fromkeys(map(group_of, vectors["meta/outputs"].tolist())) if name not in present]


def group_checked(
    name: str, vectors: dict[str, np.ndarray], keys: list[str], tolerances: dict[str, dict]
) -> Iterator[Outcome]:
    """Yield a verdict on each of the output keys of one group."""
    computed, failure = compute(name, vectors, [key for key in keys if key in vectors])
    for key in keys:
        if key not in vectors:
            yield Outcome(key, False, "listed in meta/outputs, but not in the file")
        elif failure:
            yield Outcome(key, False, failure)
        elif key not in computed:
            yield Outcome(key, False, f"no rule here for this output of group {name}")
        elif key not in tolerances:
            yield Outcome(key, False, "the file of tolerances does not have it")
        else:
            yield Outcome(key, *near(key, computed[key], vectors[key], tolerances[key]))


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
        if of_the_machine(error):
            raise
        return {}, f"group {name} failed with {type(error).__name__}: {error}"
    return {f"{name}/{key}": as_array(value) for key, value in outputs.items()}, ""


def as_array(value: torch.Tensor | np.ndarray) -> np.ndarray:
    """An output as an array."""
    return value.detach().numpy() if isinstance(value, torch.Tensor) else value


def near(key: str, computed: np.ndarray, wanted: np.ndarray, tolerance: dict) -> tuple[bool, str]:
    """Whether an output that was computed is near enough, and what to say; NaN never is."""
    if wanted.dtype.kind == "U" and computed.shape == wanted.shape:
        return bool((computed == wanted).all()), "names"
    if verdict := settled(computed, wanted):
        return verdict
    difference, wanted = differences(computed, wanted), wanted.astype(np.float64)
    atol, rtol = tolerance.get("suggested_atol", 0.0), tolerance.get("suggested_rtol", 0.0)
    beyond = ~(np.isfinite(wanted) & (difference <= atol + rtol * np.abs(wanted)))
    bound = f"{atol:g}" + (f" + {rtol:g} relative" if rtol else "")
    says = f"max abs diff {difference.max():<9.3g} tolerance {bound}"
    passed = not beyond.any()
    if not passed and HARD_ARGMAX.fullmatch(key) and cells(beyond) <= 1:
        passed, says = True, f"{says}; one cell a sample may differ where a near tie falls the other way"
    if key.endswith("/out_u8"):
        mean = difference.mean()
        passed, says = passed and mean < MEAN_LEVELS, f"{says}, mean {mean:.2g} below {MEAN_LEVELS}"
    return passed, says


def cells(beyond: np.ndarray) -> int:
    """The most cells of the matching grid, of all samples, that are touched; beyond (B, C, H, W), bool."""
    touched = {(b, y // CELL, x // CELL) for b, _, y, x in np.argwhere(beyond).tolist()}
    samples = [sample for sample, _, _ in touched]
    return max(map(samples.count, samples), default=0)
