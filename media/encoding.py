"""Video files written frame by frame with the frames' own times, and joined with the sound of another file (PyAV).

Written files name their matrix and range: BT.709, limited range.
"""

import heapq
import io
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.codec.context import Flags

from media.decoding import TimedFrame, opened, read_timeline, zero_of
from media.timeline import Timeline, packets_of
from media.whole import written_whole

# Containers that H.264 with frames at any time can be written to, as FFmpeg calls them.
MUXERS = {".mp4": "mp4", ".m4v": "ipod", ".mov": "mov", ".mkv": "matroska"}
WRITABLE = tuple(MUXERS)
# Constant quality of x264: 18 is hard to tell from the original, and a sixth of the size of lossless. Its macroblock
# tree is off: it reads memory that it did not write, so that the same frames gave another file now and then.
QUALITY = {"crf": "18", "x264-params": "no-mbtree=1"}
BT709, LIMITED = 1, 1  # their numbers in the H.264 standard, tables E-3 to E-5


class VideoWriter:
    """Writes frames with their times as H.264 (a context manager): 8 bits, constant quality, every frame size.

    Players want 4:2:0, which halves the resolution of the colours and needs even sides; frames with an odd side are
    written as 4:4:4 instead. There are no B-frames, so that files made one after another join without overlap. The file
    appears whole or, after an error, not at all.
    """

    def __init__(self, path: str | Path, time_base: Fraction, rate: Fraction, keyframe_every: int | None = None):
        """time_base: seconds a tick; rate: the usual frames a second, which players show and x264 plans with.

        keyframe_every: so many frames at most from one that stands alone to the next, for players that step; None:
        x264's choice.
        """
        self.path, self.time_base, self.rate = Path(path), time_base, rate
        self.keyframes = {"g": str(keyframe_every)} if keyframe_every else {}
        self.stream = None

    def __enter__(self) -> "VideoWriter":
        with ExitStack() as stack:
            self.container = stack.enter_context(_written(self.path, self.time_base))
            self.closing = stack.pop_all()
        return self

    def add(self, frame: TimedFrame) -> None:
        """Encode one frame; all must have the size of the first and rising times."""
        if self.stream is None:
            self._begin(frame)
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.rgb), format="rgb24")
        picture = picture.reformat(format=self.stream.pix_fmt, dst_colorspace="ITU709", dst_color_range="MPEG")
        picture.pts, picture.duration, picture.time_base = frame.pts, frame.duration, self.time_base
        self.container.mux(self.stream.encode(picture))

    def _begin(self, frame: TimedFrame) -> None:
        height, width = frame.rgb.shape[:2]
        options = QUALITY | {"bf": "0"} | self.keyframes
        self.stream = self.container.add_stream("libx264", self.rate, options=options, time_base=self.time_base)
        self.stream.height, self.stream.width = height, width
        self.stream.pix_fmt = "yuv444p" if height % 2 or width % 2 else "yuv420p"
        codec = self.stream.codec_context
        codec.sample_aspect_ratio = frame.pixel_aspect
        codec.flags |= Flags.frame_duration
        codec.color_range = LIMITED
        codec.colorspace = codec.color_primaries = codec.color_trc = BT709

    def __exit__(self, *failure) -> None:
        if failure[0] is not None:
            self.closing.__exit__(*failure)
            return
        with self.closing:
            if self.stream is not None:
                self.container.mux(self.stream.encode())


@contextmanager
def _written(path: Path, time_base: Fraction) -> Iterator[av.container.OutputContainer]:
    """A container to write to, which takes its place as a file once it is whole."""
    options = _exact_times(path, time_base)
    with (
        written_whole(path) as temporary,
        # The whole path: FFmpeg takes what stands before a colon in a name for a protocol.
        av.open(str(temporary.absolute()), "w", MUXERS[path.suffix.lower()], container_options=options) as container,
    ):
        yield container


def _exact_times(path: Path, time_base: Fraction) -> dict[str, str]:
    """Options of a container for frames at exactly their ticks; Matroska rounds to milliseconds whatever one says."""
    if path.suffix.lower() == ".mkv":
        # Sound often begins a little before 0, with what its decoder needs; else all would be shifted by that.
        return {"avoid_negative_ts": "disabled"}
    ticks = str(time_base.denominator)
    return {"video_track_timescale": ticks, "movie_timescale": ticks, "movflags": "faststart"}


def join(videos: list[Path], output: Path, sound: Path | None = None) -> None:
    """Copy videos by VideoWriter one after another into one, with the sound of the file `sound`, all its tracks.

    Sound is copied too; where the container cannot hold its codec it is encoded as AAC, and one that cannot be decoded
    either is left out; both give a warning. Where the clock of `sound` begins anew, it goes on as its pictures do.
    """
    with ExitStack() as stack:
        first = stack.enter_context(av.open(str(videos[0].absolute()))).streams.video[0]
        container = stack.enter_context(_written(output, first.time_base))
        track = container.add_stream_from_template(first, opaque=True)
        track.codec_context.framerate = _average_rate(videos)
        tracks = [_pictures(videos, track)]
        if sound is not None:
            tracks.append(_sounds(stack.enter_context(opened(sound)), container, output, read_timeline(sound)))
        # Interleaved here: the muxer would hold back one whole track until the other one comes.
        for packet in heapq.merge(*tracks, key=lambda packet: packet.dts * packet.time_base):
            _put(packet, container)


def _put(packet: av.Packet, container: av.container.OutputContainer) -> None:
    """Write a packet; sound that the container refuses is left out with a warning, because the pictures are done."""
    try:
        container.mux(packet)
    except (av.ArgumentError, av.InvalidDataError) as error:
        if packet.stream.type != "audio":
            raise
        warnings.warn(f"{_name(container)}: a piece of its sound is refused and left out ({error})", stacklevel=2)


def count_frames(video: Path) -> int:
    """The pictures in a file by VideoWriter or `join`, counted one by one; nothing is decoded."""
    with av.open(str(video.absolute())) as container:
        return sum(1 for packet in container.demux(video=0) if packet.size)


def _average_rate(videos: list[Path]) -> Fraction:
    frames, seconds = 0, Fraction(0)
    for video in videos:
        with av.open(str(video.absolute())) as container:
            stream = container.streams.video[0]
            frames, seconds = frames + stream.frames, seconds + stream.duration * stream.time_base
    return (frames / seconds).limit_denominator(100_000)


def _pictures(videos: list[Path], track: av.VideoStream) -> Iterator[av.Packet]:
    for video in videos:
        with av.open(str(video.absolute())) as container:
            for packet in container.demux(video=0):
                if packet.size:
                    packet.stream = track
                    yield packet


def _sounds(
    source: av.container.InputContainer,
    container: av.container.OutputContainer,
    output: Path,
    timeline: Timeline,
) -> Iterator[av.Packet]:
    """The packets of all sound tracks of `source`; the tracks are added to `container`, that of `output`, at once."""
    tracks = {stream: _sound_track(stream, container, output) for stream in source.streams.audio}
    return _taken(source, {stream: take for stream, take in tracks.items() if take}, timeline)


def _taken(source: av.container.InputContainer, tracks: dict, timeline: Timeline) -> Iterator[av.Packet]:
    origin = zero_of(source)
    try:
        for packet in _rising(timeline.placed(packets_of(source, *tracks) if tracks else ()), len(timeline.shifts) > 1):
            if packet.size and packet.dts is not None:
                shift = round(origin / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            yield from tracks[packet.stream](packet)
    except av.FFmpegError as error:
        warnings.warn(f"{_name(source)}: its sound breaks off and is kept up to there ({error.strerror})", stacklevel=2)


def _rising(packets: Iterable[av.Packet], joined: bool) -> Iterator[av.Packet]:
    """Without those whose time does not rise, which muxers refuse.

    joined: also without those that begin before the one before is half over, of a part that outlasts its pictures.
    """
    earliest: dict[int, int] = {}
    for packet in packets:
        index = packet.stream.index
        if packet.dts is not None and packet.size:
            if packet.dts < earliest.get(index, packet.dts):
                continue
            earliest[index] = packet.dts + max(1, (packet.duration or 0) // 2 if joined else 0)
        yield packet


def _name(container: av.container.InputContainer) -> str:
    return container.name.removeprefix("file:")


def _sound_track(
    stream: av.AudioStream, container: av.container.OutputContainer, output: Path
) -> Callable[[av.Packet], Iterable[av.Packet]] | None:
    """Add a track for `stream`: returns what makes its packets from those of the source."""
    name = f"{_name(stream.container)}: sound track {stream.index}"
    if stream.codec_context is None:
        warnings.warn(f"{name} is left out: nothing here can decode it", stacklevel=2)
        return None
    if _can_hold(container.format.name, stream):
        track = container.add_stream_from_template(stream, opaque=True)
        return lambda packet: _copied(packet, track)
    codec = stream.codec_context.codec.canonical_name
    warnings.warn(f"{name} is encoded as AAC: a file like {output} cannot hold {codec}", stacklevel=2)
    rates = av.Codec("aac", "w").audio_rates
    track = container.add_stream("aac", rate=stream.rate if stream.rate in rates else 48000, layout=stream.layout)
    return lambda packet: _encoded(packet, stream, track)


def _can_hold(container_format: str, stream: av.AudioStream) -> bool:
    """Whether a header can be written: the lists of codecs promise more than the muxers take (Opus in QuickTime)."""
    try:
        with av.open(io.BytesIO(), "w", format=container_format) as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _copied(packet: av.Packet, track: av.AudioStream) -> Iterator[av.Packet]:
    if packet.size and packet.dts is not None:
        packet.stream = track
        yield packet


def _encoded(packet: av.Packet, stream: av.AudioStream, track: av.AudioStream) -> Iterator[av.Packet]:
    for frame in stream.decode(packet):
        yield from track.encode(frame)
    if not packet.size:
        yield from track.encode(None)
