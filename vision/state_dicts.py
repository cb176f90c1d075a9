"""Tensors by name: out of a weight file, and into the network that they were made for; whatever is wrong is named."""

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from media.faults import of_the_machine
from vision.torch_files import read_torch_file
from vision.weights import MisfitWeights, check_content

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def read_state(path: str | Path, entry: str = "") -> dict[str, Tensor]:
    """The tensors of a file of torch.save by name; `entry` is their key where the file holds more than that.

    Names that DataParallel wrote as `module.<name>` lose the `module.`. Raises MisfitWeights for other contents.
    """
    return state_of(read_torch_file(path), path, entry)


def state_of(content: object, path: str | Path, entry: str = "") -> dict[str, Tensor]:
    """The same of what `read_torch_file` made of the file."""
    if entry:
        if not isinstance(content, dict) or entry not in content:
            raise MisfitWeights(f"{path}: expected the entry {entry!r}, found {_listed(content)}")
        content = content[entry]
    if not isinstance(content, dict):
        raise MisfitWeights(f"{path}: expected tensors by name, it holds {_listed(content)}")
    for name, value in content.items():
        if not isinstance(name, str):
            raise MisfitWeights(f"{path}: expected tensors by name, found one called {name!r:.60}, no text")
        if not isinstance(value, Tensor):
            raise MisfitWeights(
                f"{path}: {name} is of type {type(value).__name__}, no tensor; expected tensors by name, found "
                f"{_listed(content)}"
            )
    return without_prefix(content)


def read_safetensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file by name. Raises MisfitWeights for a damaged one."""
    check_content(path)
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        if of_the_machine(error):
            raise
        raise MisfitWeights(f"{path}: not a whole .safetensors file ({error}); copy it again") from error


def without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names without `module.`, if every one of them begins with it."""
    prefix = "module."
    if not all(name.startswith(prefix) for name in state):
        return state
    return {name.removeprefix(prefix): value for name, value in state.items()}


def fill(network: nn.Module, state: dict[str, Tensor], path: str | Path, hint: str) -> None:
    """Load a state dict of exactly the network's names, shapes and kinds of numbers, the content of `path`.

    Otherwise raise MisfitWeights with the first tensor that misfits, and `hint`.
    """
    check(network, state, path, hint)
    network.load_state_dict(state)


def built(build: Callable[[], nn.Module], state: dict[str, Tensor], path: str | Path, hint: str) -> nn.Module:
    """The network that `build` makes by what a file says of itself, filled with its tensors.

    It is made without memory at first, so that a file whose tensors are not what it says costs none. Raises
    MisfitWeights.
    """
    try:
        with torch.device("meta"):
            outline = build()
    except MisfitWeights:
        raise
    except Exception as error:
        if of_the_machine(error):
            raise
        raise MisfitWeights(f"{path}: its metadata make no network ({error!r:.200}); {hint}") from error
    check(outline, state, path, hint)
    network = build()
    network.load_state_dict(state)
    return network


def check(network: nn.Module, state: dict[str, Tensor], path: str | Path, hint: str) -> None:
    """Raise MisfitWeights for the first tensor of `state` that is not what the network needs."""
    wanted = network.state_dict()
    for name in [*wanted, *state]:
        problem = mismatch(wanted.get(name), state.get(name))
        if problem:
            raise MisfitWeights(f"{path}: tensor {name} {problem}; {hint}")


def check_sound(state: dict[str, Tensor], path: str | Path, hint: str) -> None:
    """Raise MisfitWeights for the first tensor whose values are no weights, where its network is not at hand."""
    for name, value in state.items():
        problem = unsound(value, torch.int64 if name.endswith("num_batches_tracked") else torch.float32)
        if problem:
            raise MisfitWeights(f"{path}: tensor {name} {problem}; {hint}")


def mismatch(wanted: Tensor | None, given: Tensor | None) -> str:
    """What is wrong with a tensor of a file, or nothing."""
    if given is None:
        return f"is missing, expected with shape {tuple(wanted.shape)}"
    if not isinstance(given, Tensor):
        return f"is of type {type(given).__name__}, no tensor"
    if wanted is None:
        return f"with shape {tuple(given.shape)} is unexpected, the network has none of this name"
    if given.shape != wanted.shape:
        return f"has shape {tuple(given.shape)}, expected {tuple(wanted.shape)}"
    return unsound(given, wanted.dtype)


def unsound(given: Tensor, wanted: torch.dtype = torch.float32) -> str:
    """Why the values of a tensor are no weights of this kind, or nothing: their type, NaN, infinity."""
    kinds = FLOATS if wanted.is_floating_point else INTEGERS
    if given.layout != torch.strided or given.dtype not in kinds:
        return f"holds {given.dtype} ({given.layout}), expected {wanted}".replace("torch.", "")
    if given.numel() and wanted.is_floating_point:
        distinct = given.detach()[tuple(slice(None) if stride else 0 for stride in given.stride())]
        largest = torch.stack(torch.aminmax(distinct)).to(wanted)  # NaN, where there is one; no copy of it all
        if not torch.isfinite(largest).all():
            return f"holds values that are not finite (its range is {largest[0]:g} to {largest[1]:g})"
    return ""


def _listed(content) -> str:
    if not isinstance(content, dict):
        return f"a {type(content).__name__}"
    return f"the entries {', '.join(f'{key!s:.60}' for key in list(content)[:6])}"
