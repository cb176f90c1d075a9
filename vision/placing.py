"""The device on which networks run outside training, by the name that the configuration's key `device` has for it."""

import torch
from torch import nn

from media.faults import MachineFault

NAMES = ("cpu", "cuda", "auto")


class MissingDevice(MachineFault, ValueError):
    """There is no such device, here or at all. The message says what was expected, and what to do."""


def device_called(name: str) -> torch.device:
    """`cpu`, `cuda` (the first one that this process sees), or `auto`: CUDA where there is one, else the CPU.

    On CUDA convolutions are computed in float32, not in the 10 bits of TF32 that PyTorch takes otherwise.
    Raises MissingDevice for another name, and for CUDA where PyTorch sees no GPU.
    """
    if name not in NAMES:
        raise MissingDevice(f"there is no device {name!r}; expected one of {', '.join(NAMES)}")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise MissingDevice(
            "device is 'cuda', but PyTorch sees no GPU here; expected one (nvidia-smi lists them, and this PyTorch is "
            f"built for CUDA {torch.version.cuda}). Set `device: cpu`, or `auto` to take a GPU only where there is one."
        )
    if name == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    return torch.device(name)


def device_of(network: nn.Module) -> torch.device:
    """The device on which a network lies."""
    return next(network.parameters()).device
