"""What one of our checkpoints says of itself, read without torch, which takes seconds: tables ask no more than this."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open


class MisfitWeights(ValueError):
    """A weight file does not hold the tensors of the network. The message names the file and the first that misfits."""


def metadata(path: str | Path) -> dict:
    """What one of our checkpoints says of itself: what it is, what made it and how well it did.

    Raises MisfitWeights if the file is damaged or not one of ours.
    """
    try:
        with safe_open(path, "numpy") as file:
            entries = file.metadata() or {}
    except SafetensorError as error:
        raise MisfitWeights(
            f"{path}: not a whole .safetensors file ({error}). It may be cut off, or a web page or another kind of "
            "file under its name; copy it again, or delete it and train it again"
        ) from error
    if "backbone" not in entries:
        raise MisfitWeights(
            f"{path}: no checkpoint of this project, its metadata name no `backbone`; expected a file that "
            "`colorize.training.exemplar` wrote, or the folder with the published program's files"
        )
    return {key: json.loads(value) for key, value in entries.items()}


def as_text(metadata: dict) -> dict[str, str]:
    """Metadata as safetensors holds them: every value as JSON."""
    return {key: json.dumps(value) for key, value in metadata.items()}
