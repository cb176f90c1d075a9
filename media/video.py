"""Video files, read frame by frame in order (PyAV), with every way a file can fail given its fixed name.

Frames come in presentation order, every one, with no seeking and no resampling to a constant rate. They are turned
upright by the file's rotation tag (multiples of 90 degrees; a mirroring is ignored); non-square pixels stay as stored.
YCbCr becomes RGB by the matrix and range that the file names, else by BT.601 and limited range, FFmpeg's defaults.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

# How files of the usual containers begin: MP4/QuickTime, AVI, Matroska/WebM, Ogg, FLV, ASF, MPEG program, MPEG-TS, GIF.
CONTAINER_START = re.compile(
    rb".{4}(ftyp|moov|mdat|free|skip|wide)|RIFF.{4}AVI |\x1aE\xdf\xa3|OggS|FLV|0&\xb2u"
    rb"|\x00\x00\x01[\xb3\xba]|G.{187}G|GIF8",
    re.DOTALL,
)
# FFmpeg opens still images and text art as one-frame videos.
NOT_VIDEO_FORMATS = ("image2", "_pipe", "tty")
# Containers miscount by a frame or two, and sound may outlast the picture a little.
TOLERANCE = 0.05


class VideoError(ValueError):
    """A file that is no usable video: `reason` is the fixed name, `detail` says what was found."""

    reason: str

    def __init__(self, path: str | Path, detail: str):
        super().__init__(f"{path}: {detail}")
        self.detail = detail


class EmptyFile(VideoError):
    """The file has no bytes."""

    reason = "empty_file"


class NotAVideo(VideoError):
    """The file does not begin like any known video container."""

    reason = "not_a_video"


class UnreadableVideo(VideoError):
    """The file begins like a video, but it cannot be opened or gives no picture."""

    reason = "unreadable_video"


class TruncatedVideo(VideoError):
    """Decoding breaks off, or ends well before the declared number of frames."""

    reason = "truncated_video"


@dataclass(frozen=True)
class VideoInfo:
    """What the file says of itself, before any frame is decoded."""

    declared_frames: int | None  # None where the container does not tell
    fps: float | None
    height: int  # as stored, before rotation
    width: int


def describe(path: str | Path) -> VideoInfo:
    """Read a video's header. Raises EmptyFile, NotAVideo or UnreadableVideo."""
    with _opened(path) as container:
        return _info(container)


def decode(path: str | Path) -> Iterator[np.ndarray]:
    """Every frame in order, uint8 RGB (H, W, 3).

    Raises EmptyFile, NotAVideo or UnreadableVideo at the first frame. A file that breaks off gives the frames it has
    and then raises TruncatedVideo: the declared number of frames is compared with the decoded one only at the end.
    """
    with _opened(path) as container:
        declared = _info(container).declared_frames
        decoded, failure = 0, None
        try:
            for frame in container.decode(container.streams.best("video")):
                yield np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)
                decoded += 1
        except (av.FFmpegError, OSError) as error:
            failure = f"decoding fails there ({error.strerror})"
        if failure is None and declared is not None and declared - decoded > max(2, TOLERANCE * declared):
            failure = "the file ends there"
        if decoded == 0:
            raise UnreadableVideo(path, f"no frame can be decoded; {failure or 'it declares none'}")
        if failure:
            raise TruncatedVideo(path, f"{decoded} of {declared or 'unknown'} declared frames are decoded; {failure}")


@contextmanager
def _opened(path: str | Path) -> Iterator[av.container.InputContainer]:
    try:
        with open(path, "rb") as file:
            start = file.read(512)
    except OSError as error:
        raise UnreadableVideo(path, f"it cannot be read ({error.strerror})") from error
    if not start:
        raise EmptyFile(path, "the file has 0 bytes")
    try:
        container = av.open(str(path), metadata_errors="replace")
    except av.FFmpegError as error:
        if CONTAINER_START.match(start):
            raise UnreadableVideo(path, f"it begins like a video but cannot be opened ({error.strerror})") from error
        raise NotAVideo(path, f"it does not begin like any known video container ({error.strerror})") from error
    with container:
        if container.format.name.endswith(NOT_VIDEO_FORMATS):
            raise NotAVideo(path, f"its content is {container.format.long_name}, not a video")
        stream = container.streams.best("video")
        if stream is None or stream.codec_context is None:
            raise UnreadableVideo(path, "it has no video stream that can be decoded")
        yield container


def _info(container: av.container.InputContainer) -> VideoInfo:
    stream = container.streams.best("video")
    rate = float(stream.average_rate) if stream.average_rate else None
    return VideoInfo(_declared_frames(container, stream, rate), rate, stream.height, stream.width)


def _declared_frames(container, stream, rate: float | None) -> int | None:
    """The header's frame count; Matroska declares only a duration, and MP4's count includes frames edited out."""
    seconds = None
    if stream.duration is not None:
        seconds = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        seconds = container.duration / av.time_base
    expected = round(seconds * rate) if seconds and rate else None
    if stream.frames and expected and "mp4" in container.format.name:
        return min(stream.frames, expected)
    return stream.frames or expected
