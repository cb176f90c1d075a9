"""Video files read frame by frame in order (PyAV), with every way a file can fail given its fixed name.

Frames come in presentation order, every one, with no seeking and no resampling to a constant rate. They are turned
upright by the file's rotation tag (multiples of 90 degrees; a mirroring is ignored); non-square pixels stay as stored.
YCbCr becomes RGB by the matrix and range that the file names, else by BT.601 and limited range, FFmpeg's defaults.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

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
    time_base: Fraction  # seconds a tick of its frames' times


@dataclass(frozen=True)
class DecodedPicture:
    """A frame as its codec gives it, made RGB where that is asked for (media.image.Picture)."""

    frame: av.VideoFrame
    to_rgb: VideoReformatter  # a file's own: FFmpeg prepares a conversion once
    to_thinned: VideoReformatter
    pts: int  # these as of a TimedFrame
    duration: int
    pixel_aspect: Fraction

    @property
    def shape(self) -> tuple[int, int, int]:
        """Upright."""
        sides = self.frame.height, self.frame.width
        return (*(sides[::-1] if self.frame.rotation % 180 else sides), 3)

    @property
    def rgb(self) -> np.ndarray:
        """uint8 (H, W, 3), upright; made anew at each call."""
        return self._upright(self.to_rgb.reformat(self.frame, format="rgb24"))

    def thinned(self, step: int) -> np.ndarray:
        """About every so many rows and columns, uint8 RGB, upright; costs a fifth of `rgb`."""
        if step == 1:
            return self.rgb
        width, height = -(-self.frame.width // step), -(-self.frame.height // step)
        return self._upright(self.to_thinned.reformat(self.frame, width, height, "rgb24", interpolation="POINT"))

    def _upright(self, converted: av.VideoFrame) -> np.ndarray:
        return np.rot90(converted.to_ndarray(), self.frame.rotation // 90)


@dataclass(frozen=True)
class TimedFrame:
    """A frame and when it is shown, in ticks of its video's time base."""

    rgb: np.ndarray  # uint8 (H, W, 3), upright
    pts: int
    duration: int
    pixel_aspect: Fraction = Fraction(1)  # width of a pixel over its height, upright


def describe(path: str | Path) -> VideoInfo:
    """Read a video's header. Raises EmptyFile, NotAVideo or UnreadableVideo."""
    with opened(path) as container:
        return _info(container)


def decode(path: str | Path) -> Iterator[np.ndarray]:
    """Every frame in order, uint8 RGB (H, W, 3).

    Raises EmptyFile, NotAVideo or UnreadableVideo at the first frame. A file that breaks off gives the frames it has
    and then raises TruncatedVideo: the declared number of frames is compared with the decoded one only at the end.
    """
    return (picture.rgb for picture in decode_pictures(path))


def decode_pictures(path: str | Path) -> Iterator[DecodedPicture]:
    """As `decode`, for who needs few of the frames as RGB. Pictures keep the decoder's memory: hold few of them."""
    with opened(path) as container:
        stream, declared = container.streams.best("video"), _info(container).declared_frames
        decoded, failure, picture = 0, None, None
        converters = VideoReformatter(), VideoReformatter()
        origin = round(zero_of(container) / stream.time_base)
        try:
            for frame in container.decode(stream):
                picture = DecodedPicture(frame, *converters, *_shown(frame, stream, origin, picture))
                yield picture
                decoded += 1
        except (av.FFmpegError, OSError) as error:
            failure = f"decoding fails there ({error.strerror})"
        if failure is None and _ends_early(container, stream, decoded, picture):
            failure = "the file ends there"
        if decoded == 0:
            raise UnreadableVideo(path, f"no frame can be decoded; {failure or 'it declares none'}")
        if failure:
            raise TruncatedVideo(path, f"{decoded} of {declared or 'unknown'} declared frames are decoded; {failure}")


def decode_timed(path: str | Path) -> Iterator[TimedFrame]:
    """As `decode`, with the time of each frame in ticks of `describe(path).time_base`.

    Times are the file's own and always rise: a frame without one is shown when the last one ends. They are shifted
    only where `zero_of` says.
    """
    pictures = decode_pictures(path)
    return (TimedFrame(picture.rgb, picture.pts, picture.duration, picture.pixel_aspect) for picture in pictures)


@contextmanager
def opened(path: str | Path) -> Iterator[av.container.InputContainer]:
    """A container with a video stream that can be decoded. Raises EmptyFile, NotAVideo or UnreadableVideo."""
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
    declared = _declared_frames(container, stream, rate)
    return VideoInfo(declared, rate, stream.height, stream.width, Fraction(stream.time_base))


def _declared_frames(container, stream, rate: float | None) -> int | None:
    """The header's frame count; Matroska declares only a duration, and MP4's count includes frames edited out."""
    seconds = _declared_seconds(container, stream)
    expected = round(seconds * rate) if seconds and rate else None
    if stream.frames and expected and "mp4" in container.format.name:
        return min(stream.frames, expected)
    return stream.frames or expected


def _declared_seconds(container, stream) -> float | None:
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration is not None else None


def _ends_early(container, stream, decoded: int, last: DecodedPicture | None) -> bool:
    declared = _info(container).declared_frames
    if declared is None or declared - decoded <= max(2, TOLERANCE * declared):
        return False
    if stream.frames or last is None:
        return True
    # A duration times a rate is no count where the rate varies: what matters is that frames come until the end.
    return (last.pts + last.duration) * stream.time_base < (1 - TOLERANCE) * _declared_seconds(container, stream)


def zero_of(container: av.container.InputContainer) -> Fraction:
    """Seconds that become 0: MPEG streams begin at any hour, and MP4 cannot show a frame before 0."""
    if container.format.name.startswith("mpeg") and container.start_time is not None:
        return Fraction(container.start_time, av.time_base)
    stream = container.streams.best("video")
    return min(Fraction(0), (stream.start_time or 0) * stream.time_base)


def _shown(
    frame: av.VideoFrame, stream: av.VideoStream, origin: int, last: DecodedPicture | None
) -> tuple[int, int, Fraction]:
    """pts, duration and pixel_aspect of a frame that follows `last`."""
    duration = frame.duration or max(1, round(1 / (stream.average_rate or 25) / stream.time_base))
    if frame.pts is None:
        pts = last.pts + last.duration if last else 0
    else:
        pts = max(frame.pts - origin, last.pts + 1 if last else 0)
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    return pts, duration, 1 / aspect if frame.rotation % 180 else aspect
