"""The times of a file whose parts were joined: where its clock begins anew, the next part follows on the one before.

The clock of an MPEG stream that was joined of several begins anew with each. A file is looked through once, packet by
packet without decoding; its packets are then shifted, those of all tracks of a part alike, so that sound stays in step.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import av
from av.format import Flags

# A clock that goes back by more seconds than this begins anew; less is a container's rounding.
BACK = Fraction(1, 5)
# A clock that leaps ahead by more seconds is another one, in formats whose clock may change (as FFmpeg's own program
# has it); elsewhere it is a frame that stands long.
AHEAD = 10


@dataclass(frozen=True)
class Timeline:
    """The parts of a file. A file that was not joined is one, whose times stay as they are."""

    shifts: tuple[Fraction, ...] = (Fraction(0),)  # seconds that are added to the times of each part
    parts: dict[int, list[int]] = field(default_factory=dict)  # of each track, its part after each new beginning

    def placed(self, packets: Iterable[av.Packet]) -> Iterable[av.Packet]:
        """The packets of some tracks from their first one on, with their times on the one line."""
        if len(self.shifts) == 1:
            yield from packets
            return
        clocks: dict[int, Clock] = {}
        for packet in packets:
            clock = clocks.setdefault(packet.stream.index, Clock.of(packet.stream))
            clock.show(packet)
            parts = self.parts[packet.stream.index]
            shift = self.shifts[parts[min(clock.beginnings, len(parts) - 1)]]
            if shift and packet.time_base:
                ticks = round(shift / packet.time_base)
                packet.pts = None if packet.pts is None else packet.pts + ticks
                packet.dts = None if packet.dts is None else packet.dts + ticks
            yield packet


def packets_of(container: av.container.InputContainer, *tracks: av.stream.Stream) -> Iterator[av.Packet]:
    """All packets of some tracks, and at the end an empty one of each. Raises FFmpegError."""
    packets = container.demux(*tracks)
    while True:
        try:
            packet = next(packets, None)
        except IndexError:
            # FFmpeg makes up a track where an FLV is cut off, and PyAV, which does not know it, stumbles there; the
            # empty packets of those that it knows have come by then.
            return
        if packet is None:
            return
        yield packet


@dataclass
class Clock:
    """The clock of one track, as its packets come."""

    leaps: bool  # whether the format's clock may change
    last: Fraction | None = None
    beginnings: int = 0

    @classmethod
    def of(cls, stream: av.VideoStream | av.AudioStream) -> "Clock":
        return cls(bool(stream.container.format.flags & Flags.ts_discont.value))

    def show(self, packet: av.Packet) -> bool:
        """Go on to the time of a packet: whether the clock begins anew with it."""
        if packet.dts is None:
            return False
        now = packet.dts * packet.time_base
        # The first packet after a joint may have its own time of showing, and one of decoding from before.
        if self.leaps and packet.pts is not None:
            shown = packet.pts * packet.time_base
            now = shown if shown > now + AHEAD else now
        anew = self.last is not None and (now < self.last - BACK or (self.leaps and now > self.last + AHEAD))
        self.last = now
        self.beginnings += anew
        return anew


def timeline_of(container: av.container.InputContainer) -> Timeline:
    """Look through an opened file, to its end. A file that cannot be read further ends there.

    The pictures say which parts there are. A new beginning of another track is that of the part whose pictures begin
    nearest to it in the file, since the tracks of a file come to its next part one after another.
    """
    picture = container.streams.best("video")
    tracks = [picture, *container.streams.audio]
    clocks = {stream.index: Clock.of(stream) for stream in tracks}
    beginnings: dict[int, list[int]] = {stream.index: [0] for stream in tracks}  # by the number of the packet
    spans: list[tuple[Fraction, Fraction]] = []  # of the pictures of each part, from when to when they are shown
    try:
        for number, packet in enumerate(packets_of(container, *tracks)):
            index = packet.stream.index
            if clocks[index].show(packet):
                beginnings[index].append(number)
            if packet.stream is picture and packet.pts is not None:
                start = packet.pts * packet.time_base
                span = start, start + _duration(packet)
                if len(spans) < len(beginnings[index]):
                    spans.append(span)
                else:
                    spans[-1] = min(spans[-1][0], span[0]), max(spans[-1][1], span[1])
    except (av.FFmpegError, OSError):
        pass  # decoding comes there too, and says so
    begun = beginnings[picture.index][: len(spans)] or [0]
    shifts = [Fraction(0)]
    for before, here in pairwise(spans):
        shifts.append(shifts[-1] + before[1] - here[0])
    return Timeline(tuple(shifts), {index: _parts(own, begun) for index, own in beginnings.items()})


def _duration(packet: av.Packet) -> Fraction:
    return packet.duration * packet.time_base if packet.duration else 1 / Fraction(packet.stream.average_rate or 25)


def _parts(own: list[int], begun: list[int]) -> list[int]:
    """The part of each new beginning of a track; those of the parts are `begun`, both by the number of the packet."""
    parts = [0]
    for number in own[1:]:
        nearest = min(range(len(begun)), key=lambda part: abs(begun[part] - number))
        parts.append(max(parts[-1], nearest))
    return parts
