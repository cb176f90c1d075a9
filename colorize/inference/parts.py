"""What a run leaves beside an unfinished output, so that a run that was killed can go on: `<output>.parts/`.

It holds the finished segments, the recipe that they follow, and a state after each. A segment counts from the moment
its state is in place, and as long as its files are what the state says; what comes after that is made again.
"""

import hashlib
import io
import json
import os
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from colorize.inference.clip import CannotColorize
from media.seal import Damaged, seal, unsealed
from media.whole import is_temporary, named_after, written_whole

# What a run writes: into its folder, and into the folder `frames` in that.
OURS = re.compile(
    r"recipe\.json|state\.npz|\d{5,}\.(npz|mp4)|joined\.(mp4|m4v|mov|mkv)|frame\.(png|jpg|jpeg)", re.IGNORECASE
)
FRAME = re.compile(r"\d{5,}\.png")


@dataclass(frozen=True)
class State:
    """How far a run has come."""

    segments: int = 0
    frames: int = 0
    last_lab: np.ndarray | None = None  # (h, w, 3), the last coloured frame as the network saw and made it
    files: dict[str, list] = field(default_factory=dict)  # of the last segment: bytes and SHA-256 of each


class Parts:
    """The folder of an unfinished output."""

    def __init__(self, output: Path, recipe: dict):
        """recipe: everything that decides the result, as JSON; segments of another recipe are not gone on with."""
        self.folder, self.recipe = named_after(output, "{}.parts"), recipe
        self.frames, self.newest = self.folder / "frames", self.folder / "state.npz"

    def begin(self, fresh: bool = False) -> State:
        """The state to go on from; a new one if there is none, its recipe is another or `fresh` is wanted.

        Raises CannotColorize where something lies there that is not ours.
        """
        if os.path.lexists(self.folder):
            self._check_ours()
            if self._changed() or fresh:
                self.remove()
            self._clear_temporaries()
        recipe_file = self.folder / "recipe.json"
        if not recipe_file.exists():
            with written_whole(recipe_file) as temporary:
                temporary.write_text(json.dumps(self.recipe, indent=1))
                seal(temporary)
            return State()
        state = self._intact()
        if state.segments:
            print(f"{self.folder}: going on after {state.frames} frames that are done")
        return state

    def save(self, state: State, files: list[Path]) -> None:
        """Count the segments up to here as finished; files: those of the last one."""
        listed = {str(file.relative_to(self.folder)): measured(file) for file in files}
        with written_whole(self.newest) as temporary:
            with temporary.open("wb") as file:
                np.savez(
                    file,
                    segments=state.segments,
                    frames=state.frames,
                    last_lab=state.last_lab,
                    files=np.frombuffer(json.dumps(listed).encode(), np.uint8),
                )
            seal(temporary)
            if self.newest.exists():
                os.replace(self.newest, self._earlier(state.segments - 1))

    def remove(self) -> None:
        """Forget the segments; files that are not ours stay, and the folder with them."""
        for folder in (self.frames, self.folder):
            # The recipe last: a folder without one is not taken for ours, should this be broken off.
            there = sorted(folder.iterdir(), key=lambda path: path.name == "recipe.json") if folder.is_dir() else []
            for path in there:
                if path.is_file() and not self._strange(path):
                    path.unlink()
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        if self.folder.exists():
            print(f"{self.folder}: stays, for the files in it that are not ours")

    def check_frames(self, wanted: set[str]) -> None:
        """Raise CannotColorize if the folder of frames has others than these, or not all of them."""
        there = {path.name for path in self.frames.iterdir()}
        if there != wanted:
            names = ", ".join(sorted(there ^ wanted)[:3])
            raise CannotColorize(
                f"{self.frames}: expected {len(wanted)} frames, found {len(there)} files; look at {names}. Nothing is "
                "deleted: take away what is not of this clip and start again"
            )

    def _check_ours(self) -> None:
        """Raise CannotColorize where the folder, or its frames, are somebody's."""
        if self.folder.is_symlink() or not self.folder.is_dir():
            raise CannotColorize(f"{self.folder}: is in the way and not ours (no folder); move it away")
        there = list(self.folder.iterdir())
        begun = (self.folder / "recipe.json").exists()
        if not begun and not all(is_temporary(path) and not self._strange(path) for path in there):
            raise CannotColorize(f"{self.folder}: is in the way and not ours (no recipe.json); move it away")
        there = [path for path in there if path == self.frames or OURS.fullmatch(path.name)]
        there += self.frames.iterdir() if self.frames.is_dir() else []
        for path in filter(self._strange, there):
            raise CannotColorize(f"{path}: is in the way and not ours; move it away")

    def _strange(self, path: Path) -> bool:
        """Whether a file, or what stands where one of ours would, is not ours: a link, a folder, another name."""
        if path == self.frames:
            return path.is_symlink() or not path.is_dir()
        if path.is_symlink() or not path.is_file():
            return True
        name = path.name[1:].removesuffix(".part") if is_temporary(path) else path.name
        return not (FRAME if path.parent == self.frames else OURS).fullmatch(name)

    def _clear_temporaries(self) -> None:
        """Remove what a killed run was writing."""
        for path in [*self.folder.glob(".*.part"), *self.frames.glob(".*.part")]:
            if not self._strange(path):
                path.unlink()

    def _changed(self) -> bool:
        """Whether there is a recipe and it is another; both is said."""
        recipe_file = self.folder / "recipe.json"
        if not recipe_file.exists():
            return False
        try:
            earlier = json.loads(unsealed(recipe_file))
        except Damaged as error:
            print(f"{error}; starting anew")
            return True
        changed = [key for key, value in self.recipe.items() if earlier.get(key) != value]
        if changed:
            said = ", ".join(f"{'other' if key.endswith('s') else 'another'} {key}" for key in changed)
            print(f"{self.folder}: made with {said}; starting anew")
        return bool(changed)

    def _intact(self) -> State:
        """The state after the last segment that, with all before it, is as it was written; later states are removed."""
        states, done, last = self._states(), State(), None
        while following := states.get(done.segments + 1):
            if wrong := self._wrong(following[1]):
                print(f"{wrong}; its segment and those after it are coloured again")
                break
            last, done = following
        for path, state in states.values():
            if state.segments > done.segments:
                path.unlink()
        if last and last != self.newest:
            os.replace(last, self.newest)
        return done

    def _states(self) -> dict[int, tuple[Path, State]]:
        """By their number of segments those that can be read, with their files; what is damaged is said and removed."""
        read = {}
        for path in self.folder.glob("*.npz"):
            if self._strange(path):
                continue
            try:
                state = read_state(path)
                read[state.segments] = path, state
            except Damaged as error:
                print(f"{error}; its segment is coloured again")
                path.unlink()
        return read

    def _wrong(self, state: State) -> str:
        """What is wrong with the files of a state's last segment; empty if nothing."""
        for name, expected in state.files.items():
            file = self.folder / name
            if not file.is_file() or measured(file) != expected:
                return f"{file}: is {'not what was written' if file.is_file() else 'gone'}"
        return ""

    def _earlier(self, segments: int) -> Path:
        return self.folder / f"{segments:05d}.npz"


def read_state(path: Path) -> State:
    """A state as `Parts.save` writes it. Raises Damaged, or FileNotFoundError."""
    content = unsealed(path)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as saved:
            files = json.loads(saved["files"].tobytes())
            return State(int(saved["segments"]), int(saved["frames"]), saved["last_lab"], files)
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise Damaged(f"{path}: is no state of this program ({error})") from error


def measured(file: Path) -> list:
    """Bytes and SHA-256 of a file."""
    with file.open("rb") as opened:
        return [file.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest()]
