"""What was lost inside a file that is read to its end: frames that their decoder calls corrupt, and lost packets."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av

# Seconds: a longer gap is a clock that leaps where parts were joined; a part begins with a picture that stands alone.
LONGEST_GAP, LONGEST_BEFORE_KEY = 10, 1
# A frame that comes more than so many of the last one's durations after it leaves a gap.
GAP = Fraction(3, 2)


@dataclass
class Damage:
    """Looks at the packets and frames of one video as they pass."""

    lost: bool = False  # a packet is flagged, which the demuxer of an MPEG stream does where others before it are lost
    begun: bool = False  # a frame has come that is not corrupt, or refers to no other

    def follow(self, packets: Iterator[av.Packet]) -> Iterator[av.Packet]:
        """The packets, of which some may be flagged."""
        for packet in packets:
            self.lost |= packet.is_corrupt
            yield packet

    def shows(self, frame: av.VideoFrame, duration: Fraction, since: Fraction | None) -> bool:
        """Whether a frame is damaged, or frames before it are lost.

        duration: usual seconds of a frame; since: seconds since the last frame began. Frames before the first that is
        whole, or ought to stand alone, are no damage: a copy that begins inside a group of pictures has them. Nor are
        flagged packets alone, which a joint of two parts has too: the pictures must have a gap.
        """
        self.begun |= frame.key_frame or not frame.is_corrupt
        corrupt = self.begun and frame.is_corrupt
        longest = LONGEST_BEFORE_KEY if frame.key_frame else LONGEST_GAP
        gap = self.lost and since is not None and GAP * duration < since < longest
        self.lost = self.lost and not gap
        return corrupt or gap
