"""What is coloured: a video file, a folder of frames or one image, as frames with times, one in memory at a time."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from media.decoding import CorruptVideo, TimedFrame, TruncatedVideo, decode_timed, describe, read_timeline
from media.image import SUFFIXES, read_rgb, upright_size
from media.numbering import UnclearFolder, numbered_frames
from media.timeline import Timeline

# Frames a second that images may be shown at.
SLOWEST, FASTEST = Fraction(1, 1000), 1000


class CannotColorize(ValueError):
    """What was asked for cannot be done. The message says why, and what to do."""


@dataclass
class VideoClip:
    """A video file. A file that breaks off ends there, and `failure` then says so."""

    path: Path
    time_base: Fraction
    rate: Fraction
    n_frames: int | None  # as declared
    timeline: Timeline = field(default_factory=Timeline)
    failure: TruncatedVideo | None = None

    @property
    def sound(self) -> Path:
        """The file whose sound belongs to the frames."""
        return self.path

    @property
    def files(self) -> list[Path]:
        """All that the frames come from."""
        return [self.path]

    def frames(self) -> Iterator[TimedFrame]:
        """All frames, from the first. Raises VideoError, or CannotColorize where they change their size."""
        shape = None
        try:
            for index, frame in enumerate(decode_timed(self.path, self.timeline)):
                shape = shape or frame.rgb.shape
                if frame.rgb.shape != shape:
                    sizes = [f"{width}x{height}" for height, width, _ in (frame.rgb.shape, shape)]
                    raise CannotColorize(
                        f"{self.path}: frame {index} is {sizes[0]}, the first one {sizes[1]}; "
                        "a clip must have one size, so split the file there"
                    )
                yield frame
        except TruncatedVideo as error:
            self.failure = error
        except CorruptVideo as error:
            warnings.warn(f"{error}; they are coloured as they are", stacklevel=2)


@dataclass
class ImageClip:
    """A folder of frames, or one image; shown at a fixed rate where a video is made of it."""

    path: Path
    files: list[Path]
    rate: Fraction
    sound = failure = None

    @property
    def time_base(self) -> Fraction:
        """One tick a frame."""
        return 1 / self.rate

    @property
    def n_frames(self) -> int:
        """The number of frames."""
        return len(self.files)

    def frames(self) -> Iterator[TimedFrame]:
        """All frames, from the first. Raises CorruptImage."""
        for index, path in enumerate(self.files):
            yield TimedFrame(read_rgb(path), pts=index, duration=1)


def open_clip(path: Path, fps: float) -> VideoClip | ImageClip:
    """Look at the input; `fps` is the rate of frames that are images.

    Raises CannotColorize, FileNotFoundError, CorruptImage or, for what is no image, VideoError.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder; expected a video, an image or a folder of frames")
    given = _rate(fps)
    if path.is_dir():
        return ImageClip(path, _frames_of_one_size(path), given)
    if path.suffix.lower() in SUFFIXES:
        upright_size(path)
        return ImageClip(path, [path], given)
    info = describe(path)
    rate = Fraction(max(info.fps, float(SLOWEST))).limit_denominator(1001) if info.fps else given
    return VideoClip(path, info.time_base, rate, info.declared_frames, read_timeline(path))


def _frames_of_one_size(folder: Path) -> list[Path]:
    try:
        paths = numbered_frames(folder)
    except UnclearFolder as error:
        raise CannotColorize(str(error)) from error
    if not paths:
        raise CannotColorize(f"{folder}: holds no image ({', '.join(sorted(SUFFIXES))})")
    size = upright_size(paths[0])
    for path in paths:
        if upright_size(path) != size:
            sizes = ["{1}x{0}".format(*both) for both in (upright_size(path), size)]
            raise CannotColorize(
                f"{path}: is {sizes[0]}, but {paths[0].name} is {sizes[1]}; the frames of a clip must have one size, "
                "so take it out of the folder or bring it to the size of the others"
            )
    return paths


def _rate(fps: float) -> Fraction:
    if not SLOWEST <= fps <= FASTEST:  # nor is it where `fps` is no number
        raise CannotColorize(f"--fps is {fps:g}; expected frames a second, {float(SLOWEST)} to {FASTEST}")
    return Fraction(fps).limit_denominator(1001)
