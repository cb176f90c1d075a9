"""What lets a training go on where it was stopped: its state on disk, and a SIGTERM that waits for the batch's end.

Between two batches a training is its networks, its optimisers and some numbers; the noise of a batch follows from the
seed and the batch's number. A training that goes on therefore equals, bit for bit, one that was never stopped.
"""

import hashlib
import json
import signal
from pathlib import Path

import torch

from colorize.training.pairs import PreparedSet, Recolored, TrainingData
from media.tables import FLOW, read_table
from media.whole import written_whole


class Interrupted(SystemExit):
    """SIGTERM came; the state is saved, and the same command goes on from there."""


class Stoppable:
    """While it is entered, SIGTERM does not end the process but sets `asked`."""

    def __enter__(self) -> "Stoppable":
        self.asked = False
        self.before = signal.signal(signal.SIGTERM, lambda *_: setattr(self, "asked", True))
        return self

    def __exit__(self, *exception) -> None:
        signal.signal(signal.SIGTERM, self.before)


def fingerprint(data: TrainingData, chosen: dict) -> dict[str, str]:
    """What decides a training's numbers: hashes of its configuration and of its data, for the state and metadata."""
    return {"config_hash": _sha256(json.dumps(chosen, sort_keys=True).encode()), "data_hash": data_hash(data)}


def data_hash(data: TrainingData) -> str:
    """SHA-256 over the pixels of all items (as their tables have it), the order of their references and their flow."""
    sets = (data.clips, data.photos, data.validation, data.validation_clips)
    seen = [items and seen_of(items) for items in sets] + [colors_of(items) for items in data.recolored]
    return _sha256(json.dumps(seen, default=str).encode())


def seen_of(items: PreparedSet) -> list:
    """What a training sees of a set, in numbers and names that do not depend on where its folders lie."""
    rows = [[row["clip"], row["sha256"], items.references_of(row["clip"])] for row in items.rows]
    flow = read_table(items.flow, FLOW).to_dict("records") if items.flow else []
    return [rows, flow]


def colors_of(items: Recolored) -> list:
    """The colours that a row gave to a set, by the content of its files."""
    paths = sorted(path for row in items.rows for path in (items.frames / row["clip"]).glob("*.png"))
    return [[path.parent.name, path.name, _sha256(path.read_bytes())] for path in paths]


def save_state(path: Path, state: dict) -> None:
    """Write a state (tensors, numbers and strings, nested) whole or not at all."""
    with written_whole(path) as temporary:
        torch.save(state, temporary)


def load_state(path: Path, identity: dict[str, str]) -> dict | None:
    """The saved state of this very training; None if there is none, or if it is another's (which is said)."""
    if not path.exists():
        return None
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["identity"] != identity:
        print(f"{path}: it is the state of a training with other settings or data; this one starts from the beginning")
        return None
    return state


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
