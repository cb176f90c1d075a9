"""What one of our checkpoints says of itself, read without torch, which takes seconds: tables ask no more than this."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from colorize.release_files import release_metadata
from vision.weights import MisfitWeights, check_content


def metadata(path: str | Path) -> dict:
    """What one of our checkpoints says of itself: what it is, what made it and how well it did.

    Of a folder with the published program's files, what is known of that model. Raises MisfitWeights if the file is
    damaged or not one of ours, MissingWeights if the folder lacks one.
    """
    if Path(path).is_dir():
        return release_metadata(Path(path))
    check_content(path)
    try:
        with safe_open(path, "numpy") as file:
            entries = file.metadata() or {}
    except (SafetensorError, UnicodeDecodeError) as error:
        raise MisfitWeights(
            f"{path}: not a whole .safetensors file ({error}). It may be cut off, or a web page or another kind of "
            "file under its name; copy it again, or delete it and train it again"
        ) from error
    if "backbone" not in entries:
        raise MisfitWeights(
            f"{path}: no checkpoint of this project, its metadata name no `backbone`; expected a file that "
            "`colorize.training.exemplar` wrote, or the folder with the published program's files"
        )
    return {key: _value(path, key, text) for key, text in entries.items()}


def _value(path: str | Path, key: str, text: str):
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MisfitWeights(
            f"{path}: its metadata {key!r} are {text[:60]!r}, not JSON; no checkpoint of this project, or one that "
            "another program has written again"
        ) from error


def as_text(metadata: dict) -> dict[str, str]:
    """Metadata as safetensors holds them: every value as JSON."""
    return {key: json.dumps(value) for key, value in metadata.items()}
