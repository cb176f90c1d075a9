"""What lets a training go on where it was stopped: its state on disk, and signals that wait for the batch's end.

Between two batches a training is its networks, its optimisers and some numbers; the noise of a batch follows from the
seed and the batch's number. A training that goes on therefore equals, bit for bit, one that was never stopped.
"""

import hashlib
import json
import os
import signal
import time
from io import BytesIO
from pathlib import Path

import torch

from colorize.training.pairs import PreparedSet, Recolored, TrainingData
from media.faults import machine_fault
from media.regular import NoRegularFile, check_regular, make_way
from media.seal import Damaged, seal, unsealed
from media.stopping import SIGNALS, Stopped, stop
from media.tables import FLOW, read_table
from media.whole import written_whole

FIRST_STATE = 60.0  # seconds after which the first state is saved


class Interrupted(Stopped):
    """A signal came; the state is saved, and the same command goes on from there."""

    def __init__(self, number: int, step: int):
        super().__init__(number, f"the state after step {step} is saved, and the same command goes on from there")


class Timetable:
    """Says when the state is to be saved, besides at validations: early, so that jobs with a short limit get on."""

    def __init__(self, minutes: float):
        self.every = 60 * minutes
        self.next = time.monotonic() + min(FIRST_STATE, self.every)

    def due(self) -> bool:
        """Whether so many minutes have passed since it was due, or the first one since the start."""
        if time.monotonic() < self.next:
            return False
        self.next = time.monotonic() + self.every
        return True


class Stoppable:
    """While it is entered, the first SIGTERM or SIGINT does not end the process but is kept in `asked`.

    Nor does a second one where it is one of `several`: torchrun repeats what everyone was sent.
    """

    def __init__(self, several: bool = False):
        self.several = several

    def __enter__(self) -> "Stoppable":
        self.asked: int | None = None
        self.before = {number: signal.signal(number, self._ask) for number in SIGNALS}
        return self

    def __exit__(self, *exception) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        if self.asked is not None and not self.several:  # whoever asks twice does not want to wait
            stop(number, frame)
        self.asked = number


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
        seal(temporary)


def load_state(path: Path, identity: dict[str, str]) -> dict | None:
    """The saved state of this very training; None if there is none, or it is damaged or another's, which is said.

    What is no file is removed. Raises MachineFault for a folder that holds something, or a link into a lost folder.
    """
    if not os.path.lexists(path):
        return None
    anew = "this training starts from the beginning"
    try:
        _check_file(path)
        state = _read_state(path)
    except Damaged as error:
        print(f"{error}; {anew}")
        return None
    if state["identity"] != identity:
        print(f"{path}: it is the state of a training with other settings or data; {anew}")
        return None
    return state


def _check_file(path: Path) -> None:
    """Raise Damaged for what is no file and cannot be waited for, such as a pipe, once it is removed."""
    try:
        check_regular(path)
    except NoRegularFile as error:
        make_way(path)
        raise Damaged(f"{path}: {error}") from error
    except OSError as error:
        raise machine_fault(error, f"{path}: the state of the training cannot be looked at") from error


def _read_state(path: Path) -> dict:
    try:
        state = torch.load(BytesIO(unsealed(path)), map_location="cpu", weights_only=True)
    except (OSError, MemoryError, Damaged):
        raise
    except Exception as error:  # what is no file of torch.save breaks its reader in any way it likes
        raise Damaged(f"{path}: is no state of a training ({type(error).__name__})") from error
    if not isinstance(state, dict) or "identity" not in state:
        raise Damaged(f"{path}: is no state of a training")
    return state


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
