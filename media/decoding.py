"""Video files read frame by frame in order (PyAV), with every way a file can fail given its fixed name.

Frames come in presentation order, every one, with no seeking and no resampling to a constant rate, as players show
them (media.display): turned and mirrored upright, as sRGB; non-square pixels stay as stored, and are said. Files are
opened as what they are, by the containers that are read and no protocol: a name or a playlist leads nowhere else.
"""

import errno
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from media.damage import Damage
from media.display import can_be_shown, high_dynamic_range, rgb_of, turn_of
from media.extent import Reach, declared_frames, ends_early
from media.faults import MACHINE
from media.image import MAX_PIXELS
from media.regular import NoRegularFile, check_regular
from media.timeline import Timeline, timeline_of
from media.turning import Turn

# FFmpeg's names of the containers and raw streams that are read. None of them opens another file.
CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2 avi matroska,webm ogg flv live_flv asf asf_o mpeg mpegvideo mpegts gif apng mxf gxf dv "
    "rm wtv nut nuv ivf obu av1 m4v h264 hevc vvc vc1 dirac mjpeg yuv4mpegpipe"
).replace(" ", ",")
# How files of the usual ones begin: MP4/QuickTime, AVI, Matroska/WebM, Ogg, FLV, ASF, MPEG program, MPEG-TS, GIF.
CONTAINER_START = re.compile(
    rb".{4}(ftyp|moov|mdat|free|skip|wide)|RIFF.{4}AVI |\x1aE\xdf\xa3|OggS|FLV|0&\xb2u"
    rb"|\x00\x00\x01[\xb3\xba]|G.{187}G|GIF8",
    re.DOTALL,
)
# The most frames that a file may have where nothing else is said: eleven hours at 25 a second.
MAX_FRAMES = 1_000_000
# What FFmpeg says both of a failing disk, mount or memory and, some of it, of broken files.
AMBIGUOUS = MACHINE | {errno.ENOENT, errno.EACCES}


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
    """Decoding breaks off, or the last frame comes well before the declared end."""

    reason = "truncated_video"


class CorruptVideo(VideoError):
    """All of the file can be read, but frames inside it are damaged or lost."""

    reason = "corrupt_video"


class VideoTooLarge(VideoError):
    """The file declares larger frames, or more of them, than are decoded."""

    reason = "too_large"


@dataclass(frozen=True)
class Bounds:
    """What a file may declare, so that nothing more is decoded."""

    max_pixels: int = MAX_PIXELS  # of a frame
    max_frames: int = MAX_FRAMES


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
    turn: Turn  # what turns it upright
    damaged: bool = False  # it is corrupt, or frames before it are lost

    @property
    def shape(self) -> tuple[int, int, int]:
        """Upright."""
        sides = self.frame.height, self.frame.width
        return (*(sides[::-1] if self.turn.transposed else sides), 3)

    @property
    def high_dynamic_range(self) -> str | None:
        """The name of its transfer, if that is one of high dynamic range; `rgb` is tone-mapped then."""
        return high_dynamic_range(self.frame)

    @property
    def interlaced(self) -> bool:
        """Whether its lines are of two moments."""
        return self.frame.interlaced_frame

    @property
    def rgb(self) -> np.ndarray:
        """uint8 (H, W, 3), upright; made anew at each call."""
        return self.turn.upright(rgb_of(self.frame, self.to_rgb))

    def thinned(self, step: int) -> np.ndarray:
        """About every so many rows and columns, uint8 RGB, upright; costs a fifth of `rgb`."""
        if step == 1:
            return self.rgb
        width, height = -(-self.frame.width // step), -(-self.frame.height // step)
        thinned = rgb_of(self.frame, self.to_thinned, width=width, height=height, interpolation="POINT")
        return self.turn.upright(thinned)


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
    """Every frame in order, uint8 RGB (H, W, 3); a warning says where it is tone-mapped.

    Raises EmptyFile, NotAVideo, UnreadableVideo or VideoTooLarge at the first frame. A file that breaks off gives the
    frames it has and then raises TruncatedVideo: the declared end is compared with the last frame's only at the end.
    One that is damaged inside gives all it has and then raises CorruptVideo.
    """
    return (picture.rgb for picture in decode_pictures(path))


def decode_timed(path: str | Path, timeline: Timeline | None = None) -> Iterator[TimedFrame]:
    """As `decode`, with the time of each frame in ticks of `describe(path).time_base`.

    Times are the file's own and always rise: a frame without one is shown when the last one ends. They are shifted
    only where `zero_of` says, and after a joint of parts whose clocks begin anew. timeline: the file's `timeline`,
    which is read if it is not given.
    """
    for picture in decode_pictures(path, timeline=timeline or read_timeline(path)):
        yield TimedFrame(picture.rgb, picture.pts, picture.duration, picture.pixel_aspect)


def read_timeline(path: str | Path) -> Timeline:
    """The parts of a file whose clock may begin anew, found by reading it once. Raises as `describe` does."""
    with opened(path) as container:
        return timeline_of(container)


def decode_pictures(
    path: str | Path, bounds: Bounds | None = None, timeline: Timeline | None = None
) -> Iterator[DecodedPicture]:
    """As `decode`, for who needs few of the frames as RGB. Pictures keep the decoder's memory: hold few of them.

    Without a timeline times are right up to where a clock begins anew.
    """
    bounds = bounds or Bounds()
    with opened(path, bounds) as container:
        stream, declared = container.streams.best("video"), _info(container).declared_frames
        # Sizes may change in the stream. Twice, because FFmpeg counts its own alignment.
        stream.codec_context.options = {"max_pixels": str(2 * bounds.max_pixels)}
        decoded, failure, picture, damaged = 0, None, None, 0
        converters = VideoReformatter(), VideoReformatter()
        origin = round(zero_of(container) / stream.time_base)
        reach, damage = Reach(), Damage()
        packets = damage.follow(reach.follow(container, stream))
        frames = _frames(path, (timeline or Timeline()).placed(packets))
        try:
            for frame in frames:
                shown = _shown(frame, stream, origin, picture)
                since = picture and (shown[0] - picture.pts) * stream.time_base
                hurt = damage.shows(frame, 1 / Fraction(stream.average_rate or 25), since)
                picture = DecodedPicture(frame, *converters, *shown, hurt)
                damaged += hurt
                _check_decoded(path, picture, decoded, bounds)
                yield picture
                decoded += 1
        except av.FFmpegError as error:
            failure = f"decoding fails there ({error.strerror})"
        reached = (picture.pts + picture.duration) * stream.time_base if picture else None
        if failure is None and ends_early(container, Path(path), decoded, reached, reach.seconds - zero_of(container)):
            failure = "the file ends there"
        if decoded == 0:
            raise UnreadableVideo(path, f"no frame can be decoded; {failure or 'it declares none'}")
        if failure:
            raise TruncatedVideo(path, f"{decoded} of {declared or 'unknown'} declared frames are decoded; {failure}")
        if damaged > (picture.damaged and declared is None):  # a stream that declares no end may end inside a frame
            raise CorruptVideo(path, f"{damaged} of {decoded} frames are damaged, or follow on some that are lost")


def _frames(path: str | Path, packets: Iterator[av.Packet]) -> Iterator[av.VideoFrame]:
    """All that can be decoded. Raises FFmpegError where it breaks off, OSError where the system cannot read on."""
    begun, failed = False, None
    try:
        for packet in packets:
            try:
                for frame in packet.decode():
                    begun = True
                    yield frame
            except av.FFmpegError as error:
                # A copy that begins inside a group of pictures has frames without what they refer to.
                failed = error
                if begun or error.errno in AMBIGUOUS:
                    raise
    except av.FFmpegError as error:
        if error.errno in AMBIGUOUS:
            read_through(path)
        raise
    if failed is not None and not begun:
        raise failed


def read_through(path: str | Path) -> None:
    """Raises OSError if the system cannot read a file; a broken file can be read."""
    with open(path, "rb") as file:
        while file.read(1 << 24):
            pass


def _check_decoded(path: str | Path, picture: DecodedPicture, decoded: int, bounds: Bounds) -> None:
    frame, transfer = picture.frame, picture.high_dynamic_range
    _check_pixels(path, frame, bounds)
    if decoded == 0 and not can_be_shown(frame):
        coded = f"{frame.format.name} by the matrix {int(frame.colorspace)} of ITU-T H.273"
        raise UnreadableVideo(path, f"its colours are coded as {coded}, which cannot be made RGB here")
    if decoded == 0 and transfer:
        warnings.warn(f"{path}: has high dynamic range ({transfer}); it is tone-mapped to SDR", stacklevel=3)
    if decoded >= bounds.max_frames:
        raise VideoTooLarge(path, f"it has more than {bounds.max_frames:,} frames")


@contextmanager
def opened(path: str | Path, bounds: Bounds | None = None) -> Iterator[av.container.InputContainer]:
    """A container with a video stream that can be decoded.

    Raises OSError where the system cannot read the file; EmptyFile, NotAVideo, UnreadableVideo or VideoTooLarge.
    """
    start = _start(path)
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    try:
        container = av.open(f"file:{path}", options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        if error.errno in AMBIGUOUS:
            read_through(path)
        if CONTAINER_START.match(start):
            raise UnreadableVideo(path, f"it begins like a video but cannot be opened ({error.strerror})") from error
        raise NotAVideo(path, f"it is in no container for videos that is read here ({error.strerror})") from error
    with container:
        stream = container.streams.best("video")
        if stream is None or stream.codec_context is None:
            raise UnreadableVideo(path, "it has no video stream that can be decoded")
        _check_declared(path, container, bounds or Bounds())
        yield container


def _start(path: str | Path) -> bytes:
    """The first bytes of a regular file; one would wait for ever at a pipe."""
    try:
        check_regular(path)
    except NoRegularFile as error:
        raise UnreadableVideo(path, f"it {error}") from error
    with open(path, "rb") as file:
        start = file.read(512)
    if not start:
        raise EmptyFile(path, "the file has 0 bytes")
    return start


def _check_pixels(path: str | Path, shown: av.VideoFrame | av.VideoStream, bounds: Bounds) -> None:
    if shown.height * shown.width > bounds.max_pixels:
        size = f"{shown.width}x{shown.height}"
        raise VideoTooLarge(path, f"it declares frames of {size} pixels; expected at most {bounds.max_pixels:,} in all")


def _check_declared(path: str | Path, container: av.container.InputContainer, bounds: Bounds) -> None:
    _check_pixels(path, container.streams.best("video"), bounds)
    if (declared := declared_frames(container) or 0) > bounds.max_frames:
        raise VideoTooLarge(path, f"it declares {declared:,} frames; expected at most {bounds.max_frames:,}")


def _info(container: av.container.InputContainer) -> VideoInfo:
    stream = container.streams.best("video")
    rate = float(stream.average_rate) if stream.average_rate else None
    return VideoInfo(declared_frames(container), rate, stream.height, stream.width, Fraction(stream.time_base))


def zero_of(container: av.container.InputContainer) -> Fraction:
    """Seconds that become 0: MPEG streams begin at any hour, and MP4 cannot show a frame before 0."""
    if container.format.name.startswith("mpeg") and container.start_time is not None:
        return Fraction(container.start_time, av.time_base)
    stream = container.streams.best("video")
    return min(Fraction(0), (stream.start_time or 0) * stream.time_base)


def _shown(
    frame: av.VideoFrame, stream: av.VideoStream, origin: int, last: DecodedPicture | None
) -> tuple[int, int, Fraction, Turn]:
    """pts, duration, pixel_aspect and turn of a frame that follows `last`."""
    duration = frame.duration or max(1, round(1 / (stream.average_rate or 25) / stream.time_base))
    if frame.pts is None:
        pts = last.pts + last.duration if last else 0
    else:
        pts = max(frame.pts - origin, last.pts + 1 if last else 0)
    aspect, turn = Fraction(stream.sample_aspect_ratio or 1), turn_of(frame)
    return pts, duration, 1 / aspect if turn.transposed else aspect, turn
