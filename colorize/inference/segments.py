"""Outputs made segment by segment in a folder beside them, so that a run that was killed can go on.

`<output>.parts/` holds the finished segments, the recipe that they follow and the state after the last of them. A
segment counts from the moment its state is in place; what was begun after that is made again.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from colorize.inference.clip import CannotColorize, ImageClip, VideoClip
from media.decoding import TimedFrame
from media.encoding import WRITABLE, VideoWriter, join
from media.image import SUFFIXES, frame_path, write_jpeg, write_png
from media.whole import written_whole

# Frames of a segment: what a killed run loses at most.
LENGTH = 100

Add = Callable[[TimedFrame], None]


@dataclass(frozen=True)
class State:
    """How far a run has come."""

    segments: int = 0
    frames: int = 0
    last_lab: np.ndarray | None = None  # (h, w, 3), the last coloured frame as the network saw and made it


class Parts:
    """The folder of an unfinished output."""

    def __init__(self, output: Path, recipe: dict):
        """recipe: everything that decides the result, as JSON; segments of another recipe are not gone on with."""
        self.folder, self.recipe = output.with_name(f"{output.name}.parts"), recipe

    def begin(self, fresh: bool = False) -> State:
        """The state to go on from; a new one if there is none, its recipe is another or `fresh` is wanted."""
        recipe_file, state_file = self.folder / "recipe.json", self.folder / "state.npz"
        if self.folder.exists() and (self._changed(recipe_file) or fresh):
            shutil.rmtree(self.folder)
        if not state_file.exists():
            with written_whole(recipe_file) as temporary:
                temporary.write_text(json.dumps(self.recipe, indent=1))
            return State()
        with np.load(state_file) as saved:
            state = State(int(saved["segments"]), int(saved["frames"]), saved["last_lab"])
        print(f"{self.folder}: going on after {state.frames} frames that are done")
        return state

    def _changed(self, recipe_file: Path) -> bool:
        if not recipe_file.exists():
            if any(self.folder.iterdir()):
                raise CannotColorize(f"{self.folder}: is in the way and not ours (no recipe.json); move it away")
            return False
        earlier = json.loads(recipe_file.read_text())
        changed = [key for key, value in self.recipe.items() if earlier.get(key) != value]
        if changed:
            print(f"{self.folder}: made with other {', '.join(changed)}; starting anew")
        return bool(changed)

    def save(self, state: State) -> None:
        """Count the segments up to here as finished."""
        with written_whole(self.folder / "state.npz") as temporary, temporary.open("wb") as file:
            np.savez(file, segments=state.segments, frames=state.frames, last_lab=state.last_lab)

    def remove(self) -> None:
        """Forget the segments: the output is complete."""
        shutil.rmtree(self.folder)


@dataclass(frozen=True)
class VideoOutput:
    """A video file, each segment of which is one too; with the times and the sound of the clip."""

    path: Path
    clip: VideoClip | ImageClip

    @contextmanager
    def segment(self, folder: Path, index: int) -> Iterator[Add]:
        """Give what takes the frames of one segment."""
        with VideoWriter(self._part(folder, index), self.clip.time_base, self.clip.rate) as writer:
            yield writer.add

    def finish(self, folder: Path, n_segments: int) -> None:
        """Put the output in place, whole."""
        joined = folder / f"joined{self.path.suffix}"
        join([self._part(folder, index) for index in range(n_segments)], joined, self.clip.sound)
        os.replace(joined, self.path)

    @staticmethod
    def _part(folder: Path, index: int) -> Path:
        return folder / f"{index:05d}.mp4"


@dataclass(frozen=True)
class FolderOutput:
    """A folder of PNG frames, 00000.png and so on."""

    path: Path

    @contextmanager
    def segment(self, folder: Path, index: int) -> Iterator[Add]:
        """Give what takes the frames of one segment."""
        numbers = iter(range(index * LENGTH, (index + 1) * LENGTH))
        yield lambda frame: write_png(frame_path(folder / "frames", next(numbers)), frame.rgb)

    def finish(self, folder: Path, n_segments: int) -> None:
        """Put the output in place, whole."""
        if self.path.exists():
            self.path.rmdir()
        os.replace(folder / "frames", self.path)


@dataclass(frozen=True)
class ImageOutput:
    """One PNG or JPEG, of a clip of one frame."""

    path: Path

    @contextmanager
    def segment(self, folder: Path, index: int) -> Iterator[Add]:
        """Give what takes the frame."""
        write = write_png if self.path.suffix.lower() == ".png" else write_jpeg
        yield lambda frame: write(folder / f"frame{self.path.suffix}", frame.rgb)

    def finish(self, folder: Path, n_segments: int) -> None:
        """Put the output in place, whole."""
        os.replace(folder / f"frame{self.path.suffix}", self.path)


Output = VideoOutput | FolderOutput | ImageOutput


def open_output(path: Path, clip: VideoClip | ImageClip, inputs: list[Path]) -> Output:
    """What the name of the output asks for: a video, an image, or a folder of frames where it has no suffix.

    Raises CannotColorize for an unknown suffix, a folder that holds something, or a file that is also an input.
    """
    if path.resolve() in [given.resolve() for given in inputs]:
        raise CannotColorize(f"{path}: is an input too and would be lost; name another output")
    suffix = path.suffix.lower()
    if path.is_dir() or not suffix:
        return FolderOutput(_empty(path))
    if suffix in WRITABLE:
        return VideoOutput(path, clip)
    if suffix in {".png", ".jpg", ".jpeg"}:
        if clip.n_frames != 1 or isinstance(clip, VideoClip):
            raise CannotColorize(f"{path}: an image holds one frame; name a folder (no suffix) or a video for a clip")
        return ImageOutput(path)
    known = ", ".join([*WRITABLE, ".png", ".jpg"])
    other = " (it cannot be written, only read)" if suffix in SUFFIXES else ""
    raise CannotColorize(f"{path}: unknown suffix{other}; expected one of {known}, or none for a folder of PNG frames")


def _empty(folder: Path) -> Path:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CannotColorize(f"{folder}: exists already and is not an empty folder; name a new one or empty it")
    return folder
