"""PyTorch's files (`.pth`, `.pth.tar`, `.ckpt`), by weights-only loading: tensors and plain containers, never code."""

import pickle
import struct
import warnings
import zipfile
from pathlib import Path

from bench.methods.weights.wrong_weights import WrongWeights


def read_pth(path: str | Path, entry: str = ""):
    """The state dict {name: tensor} of a file, on the CPU; `entry` is its key where the file holds more than that.

    Files from Python 2 are read with their strings as latin-1. Names that DataParallel wrote as `module.<name>` lose
    the `module.`. Raises WrongWeights for a file that breaks off, holds other objects, or lacks the entry.
    """
    import torch

    try:
        with warnings.catch_warnings():  # torch warns that an encoding counts for nothing here, which is wrong
            warnings.filterwarnings("ignore", message="pickle_load_args")
            content = torch.load(path, map_location="cpu", weights_only=True, encoding="latin1")
    except FileNotFoundError:
        raise
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        ValueError,
        KeyError,
        struct.error,
        zipfile.BadZipFile,
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WrongWeights(path, f"no PyTorch file of plain tensors, or one that breaks off ({reason})") from error
    if entry:
        if not isinstance(content, dict) or entry not in content:
            raise WrongWeights(path, f"expected the entry {entry!r}, found {_listed(content)}")
        content = content[entry]
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise WrongWeights(path, f"expected tensors by name, found {_listed(content)}")
    return {name.removeprefix("module."): value for name, value in content.items()}


def _listed(content) -> str:
    if not isinstance(content, dict):
        return type(content).__name__
    return f"the entries {', '.join(map(str, list(content)[:6]))}"
