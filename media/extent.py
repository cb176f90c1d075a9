"""How far a video says that it reaches, and whether its frames reach there."""

import struct
from fractions import Fraction
from pathlib import Path

import av
from av.format import Flags

# Containers miscount by a frame or two, and sound may outlast the picture a little: frames, a share, seconds at most.
FRAMES, SHARE, LONGEST = 2, Fraction(1, 20), Fraction(10)
RIFF_HEADER = 8


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
    if stream.duration is not None:
        return stream.duration * Fraction(stream.time_base)
    return None if container.duration is None else Fraction(container.duration, av.time_base)


def ends_early(container: av.container.InputContainer, path: Path, decoded: int, reached: Fraction | None) -> bool:
    """Whether a file was cut off: its last frame ends well before the declared end.

    reached: seconds at which the last frame ends. Numbers of frames only count where no end is declared: frames that
    show nothing new are left out of AVI, those before the first that stands alone cannot be decoded in what was cut
    out of a longer file, and a rate may vary.
    """
    stream, seconds = container.streams.best("video"), declared_seconds(container)
    if reached is None or not seconds:
        return bool(stream.frames) and stream.frames - decoded > max(FRAMES, SHARE * stream.frames)
    rate = Fraction(stream.average_rate or 25)
    if seconds - reached <= max(FRAMES / rate, min(SHARE * seconds, LONGEST)):
        return False
    return not (container.format.name == "avi" and _is_whole_riff(path))


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
