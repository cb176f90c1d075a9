"""Outputs made segment by segment: a video, a folder of frames, or one image (colorize.inference.parts)."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from colorize.inference.clip import CannotColorize, ImageClip, VideoClip
from colorize.inference.parts import Parts
from media.decoding import TimedFrame
from media.encoding import WRITABLE, VideoWriter, count_frames, join
from media.faults import MachineFault
from media.image import SUFFIXES, frame_path, write_jpeg, write_png

# Frames of a segment: what a killed run loses at most.
LENGTH = 100

Add = Callable[[TimedFrame], None]


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

    def files(self, folder: Path, index: int, count: int) -> list[Path]:
        """What a segment of `count` frames lies in. Raises MachineFault where not all of them do."""
        part = self._part(folder, index)
        check_count(part, count)
        return [part]

    def finish(self, parts: Parts, n_segments: int, n_frames: int) -> None:
        """Put the output in place, whole. Raises MachineFault where frames are missing; nothing is deleted then."""
        joined = parts.folder / f"joined{self.path.suffix}"
        join([self._part(parts.folder, index) for index in range(n_segments)], joined, self.clip.sound)
        check_count(joined, n_frames)
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

    def files(self, folder: Path, index: int, count: int) -> list[Path]:
        """What a segment of `count` frames lies in."""
        first = index * LENGTH
        return [frame_path(folder / "frames", number) for number in range(first, first + count)]

    def finish(self, parts: Parts, n_segments: int, n_frames: int) -> None:
        """Put the output in place, whole. Raises CannotColorize where other files lie among the frames."""
        parts.check_frames({frame_path(self.path, number).name for number in range(n_frames)})
        if self.path.exists():
            self.path.rmdir()
        os.replace(parts.frames, self.path)


@dataclass(frozen=True)
class ImageOutput:
    """One PNG or JPEG, of a clip of one frame."""

    path: Path

    @contextmanager
    def segment(self, folder: Path, index: int) -> Iterator[Add]:
        """Give what takes the frame."""
        write = write_png if self.path.suffix.lower() == ".png" else write_jpeg
        yield lambda frame: write(folder / f"frame{self.path.suffix}", frame.rgb)

    def files(self, folder: Path, index: int, count: int) -> list[Path]:
        """What the frame lies in."""
        return [folder / f"frame{self.path.suffix}"]

    def finish(self, parts: Parts, n_segments: int, n_frames: int) -> None:
        """Put the output in place, whole."""
        os.replace(parts.folder / f"frame{self.path.suffix}", self.path)


def check_count(video: Path, expected: int) -> None:
    """Raise MachineFault unless a written video has so many frames."""
    if (count := count_frames(video)) != expected:
        raise MachineFault(
            f"{video}: has {count} frames after {expected} were written; look at the disk. Nothing is deleted: "
            "the same command colours again what is not right"
        )


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
