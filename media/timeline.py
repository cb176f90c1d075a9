"""The times of a file whose parts were joined: where its clock begins anew, the next part follows on the one before.

The clock of an MPEG stream that was joined of several begins anew with each. A file is looked through once, packet by
packet without decoding; its packets are then shifted, those of all tracks of a part alike, so that sound stays in step.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

import av
from av.format import Flags

# A clock that goes back by more seconds than this begins anew; less is a container's rounding.
BACK = Fraction(1, 5)
# A clock that leaps ahead by more seconds is another one, in formats whose clock may change (as FFmpeg's own program
# has it); elsewhere it is a frame that stands long.
AHEAD = 10


@dataclass
class Span:
    """From when to when the packets of one part and track are shown, in seconds of its own clock."""

    start: Fraction | None = None
    end: Fraction | None = None

    def add(self, start: Fraction, end: Fraction) -> None:
        """Make room for a packet."""
        self.start = start if self.start is None else min(start, self.start)
        self.end = end if self.end is None else max(end, self.end)


@dataclass(frozen=True)
class Timeline:
    """The parts of a file. A file that was not joined is one, whose times stay as they are."""

    shifts: tuple[Fraction, ...] = (Fraction(0),)  # seconds that are added to the times of each part
    parts: dict[int, list[int]] = field(default_factory=dict)  # of each track, the part after its each new beginning

    def placed(self, packets: Iterable[av.Packet]) -> Iterable[av.Packet]:
        """The packets of some tracks from their first one on, with their times on the one line."""
        if len(self.shifts) == 1:
            yield from packets
            return
        clocks: dict[int, Clock] = {}
        for packet in packets:
            clock = clocks.setdefault(packet.stream.index, Clock.of(packet.stream))
            clock.goes_on(packet)
            parts = self.parts.get(packet.stream.index, [])
            shift = self.shifts[parts[min(clock.beginnings, len(parts) - 1)] if parts else 0]
            if shift and packet.time_base:
                ticks = round(shift / packet.time_base)
                packet.pts = None if packet.pts is None else packet.pts + ticks
                packet.dts = None if packet.dts is None else packet.dts + ticks
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

    def goes_on(self, packet: av.Packet) -> bool:
        """Whether a packet follows on the one before; if not, the clock begins anew with it."""
        if packet.dts is None:
            return True
        now = packet.dts * packet.time_base
        anew = self.last is not None and (now < self.last - BACK or (self.leaps and now > self.last + AHEAD))
        self.last = now
        self.beginnings += anew
        return not anew


def timeline_of(container: av.container.InputContainer) -> Timeline:
    """Look through an opened file, to its end. A file that cannot be read further ends there."""
    tracks = [container.streams.best("video"), *container.streams.audio]
    clocks = {stream.index: Clock.of(stream) for stream in tracks}
    parts = {stream.index: [0] for stream in tracks}
    spans: dict[int, dict[int, Span]] = defaultdict(lambda: defaultdict(Span))
    try:
        for packet in container.demux(*tracks):
            index = packet.stream.index
            if not clocks[index].goes_on(packet):
                # The tracks of a file come to its next part one after another.
                newest = max(entered[-1] for entered in parts.values())
                parts[index].append(max(newest, parts[index][-1] + 1))
            if packet.pts is not None and packet.size:
                start = packet.pts * packet.time_base
                spans[parts[index][-1]][index].add(start, start + _duration(packet))
    except (av.FFmpegError, OSError):
        pass  # decoding comes there too, and says so
    return Timeline(_shifts(spans, tracks[0].index), parts)


def _duration(packet: av.Packet) -> Fraction:
    if packet.duration:
        return packet.duration * packet.time_base
    rate = getattr(packet.stream, "average_rate", None)
    return 1 / Fraction(rate) if rate else Fraction(0)


def _shifts(spans: dict[int, dict[int, Span]], picture: int) -> tuple[Fraction, ...]:
    """Where each part begins after the one before ends: by the track `picture` if both have it, else by all tracks."""
    shifts = [Fraction(0)]
    for part in range(1, max(spans, default=0) + 1):
        before, here = spans[part - 1], spans[part]
        tracks = [picture] if picture in before and picture in here else [*before, *here]
        ends = [before[track].end for track in tracks if track in before]
        starts = [here[track].start for track in tracks if track in here]
        shift = shifts[-1] + max(ends) - min(starts) if ends and starts else shifts[-1]
        shifts.append(shift)
    return tuple(shifts)
