"""How far a video says that it reaches, and whether its frames reach there."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.format import Flags

from media.timeline import packets_of

# Containers miscount by a frame or two, and sound may outlast the picture a little: frames, a share, seconds at most.
FRAMES, SHARE, LONGEST = 2, Fraction(1, 20), Fraction(10)
RIFF_HEADER = 8
# ASF's object with the size of the file, and where in it that and the flags stand; one that was not seekable has none.
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
ASF_SIZE, ASF_FLAGS, BROADCAST = 40, 88, 1
# How Matroska's muxers write the length of a track.
TAG = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


@dataclass
class Reach:
    """How far the tracks beside the pictures reach, as far as a file has been read: the end of their packets."""

    seconds: Fraction = Fraction(0)

    def follow(self, container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.Packet]:
        """The packets of the pictures; those of the others are only looked at."""
        for packet in packets_of(container, *container.streams):
            if packet.stream_index == stream.index:
                yield packet
            elif packet.pts is not None:
                self.seconds = max(self.seconds, (packet.pts + (packet.duration or 0)) * packet.time_base)


def declared_frames(container: av.container.InputContainer) -> int | None:
    """The header's frame count; Matroska declares only a duration, and MP4's count includes frames edited out."""
    stream, seconds = container.streams.best("video"), declared_seconds(container)
    expected = round(seconds * stream.average_rate) if seconds and stream.average_rate else None
    if stream.frames and expected and "mp4" in container.format.name:
        return min(stream.frames, expected)
    return stream.frames or expected


def declared_seconds(container: av.container.InputContainer) -> Fraction | None:
    """The length of the pictures as the header has it, or that of the whole file; None where neither is known."""
    stream = container.streams.best("video")
    if container.format.flags & Flags.ts_discont.value:
        return None  # an MPEG stream declares nothing; FFmpeg takes the last time in it for its end
    if container.format.name == "avi" and stream.frames and stream.average_rate:
        return stream.frames / Fraction(stream.average_rate)  # FFmpeg makes the duration fit what is left of the file
    if _has_own_length(stream):
        return stream.duration * Fraction(stream.time_base)
    of_file = _seconds_of_file(container)
    return of_file and min(of_file, _tagged_seconds(container) or of_file)


def _has_own_length(stream: av.VideoStream) -> bool:
    return stream.duration is not None and stream.container.format.name != "asf"  # FFmpeg gives each that of the file


def _seconds_of_file(container: av.container.InputContainer) -> Fraction | None:
    return None if container.duration is None else Fraction(container.duration, av.time_base)


def _tagged_seconds(container: av.container.InputContainer) -> Fraction | None:
    """The length of the pictures that Matroska has in a tag, if it does; its header has only that of the whole file."""
    tag = container.streams.best("video").metadata.get("DURATION", "")
    if "matroska" not in container.format.name or not (parts := TAG.match(tag)):
        return None
    hours, minutes, seconds = map(Fraction, parts.groups())
    return hours * 3600 + minutes * 60 + seconds


def ends_early(
    container: av.container.InputContainer, path: Path, decoded: int, reached: Fraction | None, others: Fraction
) -> bool:
    """Whether a file was cut off: its last frame ends well before the declared end.

    reached: seconds at which the last frame ends; others: at which the last packet of any other track does. Where a
    header tells only the length of the whole file, that may be the sound's, which goes on after the pictures.
    Numbers of frames only count where no end is declared: frames that show nothing new are left out of AVI, those
    before the first that stands alone cannot be decoded in what was cut out of a longer file, and a rate may vary.
    """
    stream, seconds = container.streams.best("video"), declared_seconds(container)
    if container.format.name == "asf" and _is_cut_asf(path):
        return True  # FFmpeg makes the duration fit what is left of the file
    if reached is None or not seconds:
        return bool(stream.frames) and stream.frames - decoded > max(FRAMES, SHARE * stream.frames)
    early = _misses(reached, seconds, stream)
    if not _has_own_length(stream) and (whole := _seconds_of_file(container)):
        early = _misses(max(reached, others), whole, stream) or (early and _tagged_seconds(container) is not None)
    return early and not (container.format.name == "avi" and _is_whole_riff(path))


def _misses(reached: Fraction, seconds: Fraction, stream: av.VideoStream) -> bool:
    return seconds - reached > max(FRAMES / Fraction(stream.average_rate or 25), min(SHARE * seconds, LONGEST))


def _is_whole_riff(path: Path) -> bool:
    """Whether an AVI has all bytes that it declares: its last frames may be ones that show nothing new."""
    with open(path, "rb") as file:
        length = file.seek(0, 2)
        begin = 0
        while begin < length:
            file.seek(begin)
            header = file.read(RIFF_HEADER)
            if len(header) < RIFF_HEADER or header[:4] != b"RIFF":
                break  # what follows the last part is none of the video
            size = struct.unpack("<I", header[4:])[0]
            if size == 0 or begin + RIFF_HEADER + size > length:
                return False
            begin += RIFF_HEADER + size + size % 2
    return begin > 0


def _is_cut_asf(path: Path) -> bool:
    """Whether an ASF has clearly fewer bytes than it declares."""
    with open(path, "rb") as file:
        head = file.read(1 << 16)
        length = file.seek(0, 2)
    properties = head[head.find(ASF_PROPERTIES) :] if ASF_PROPERTIES in head else b""
    if len(properties) < ASF_FLAGS + 4 or properties[ASF_FLAGS] & BROADCAST:
        return False
    size = struct.unpack_from("<Q", properties, ASF_SIZE)[0]
    return size - length > SHARE * size
