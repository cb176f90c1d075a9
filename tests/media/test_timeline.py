"""Files of which the clock begins anew: pictures one after another, sound in step with them."""

from fractions import Fraction

import av
import numpy as np
import pytest

from media.decoding import decode, decode_timed, describe, read_timeline
from media.encoding import VideoWriter, join
from media.timeline import Timeline

RATE = 48000
TONE = 8  # the frame of each part in which a tone sounds and the picture is white


def write_part(path, begin: float, sound: bool = True, codecs=("mpeg2video", "mp2")):
    """Thirty frames of a file whose clock shows `begin` seconds at the first; frame TONE is white and sounds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codecs[0], rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        track = container.add_stream(codecs[1], rate=RATE, layout="mono") if sound else None
        for index in range(30):
            loud = index == TONE
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 255 if loud else 40, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index + round(begin * 25), Fraction(1, 25)
            container.mux(stream.encode(frame))
            if track:
                wave = (loud * 20000 * np.sin(np.arange(RATE // 25) / 5)).astype(np.int16)[None]
                tone = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
                tone.sample_rate, tone.time_base = RATE, Fraction(1, RATE)
                tone.pts = round((index / 25 + begin) * RATE)
                container.mux(track.encode(tone))
        container.mux(stream.encode())
        if track:
            container.mux(track.encode(None))
    return path.read_bytes()


@pytest.fixture
def joined(tmp_path):
    """Joins parts (when the clock begins, whether there is sound) byte after byte, as broadcasts and DVDs come."""

    def make(suffix: str, parts: list[tuple[float, bool]], **given):
        path = tmp_path / f"joined.{suffix}"
        path.write_bytes(b"".join(write_part(tmp_path / f"part.{suffix}", *part, **given) for part in parts))
        return path

    return make


def written(path, folder):
    """The file as `colorize video` writes it: its frames encoded anew, its sound joined to them."""
    with VideoWriter(folder / "part.mp4", describe(path).time_base, Fraction(25)) as writer:
        for frame in decode_timed(path, read_timeline(path)):
            writer.add(frame)
    join([folder / "part.mp4"], folder / "out.mp4", path)
    return folder / "out.mp4"


def moments(path) -> tuple[list[float], list[float]]:
    """When the pictures turn white, and when it begins to sound, in seconds."""
    step = describe(path).time_base
    white = [float(frame.pts * step) for frame in decode_timed(path) if frame.rgb.mean() > 150]
    loud: list[float] = []
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.audio[0]):
            wave = np.abs(frame.to_ndarray().astype(np.float64)).max(axis=0)
            if wave.max() > 0.1 * (1 if frame.format.name.startswith("flt") else 32768):
                begin = frame.pts * frame.time_base + np.argmax(wave > 0.5 * wave.max()) / frame.sample_rate
                if not loud or begin - loud[-1] > 0.2:
                    loud.append(float(begin))
    return white, loud


@pytest.mark.parametrize(("suffix", "codecs"), [("ts", ("libx264", "aac")), ("mpg", ("mpeg2video", "mp2"))])
@pytest.mark.parametrize(
    "parts",
    [
        [(0, True), (0, True)],
        [(0, True), (0, False), (0, True)],
        [(100, True), (7, True)],
        [(0, True), (3600, True)],
    ],
)
def test_parts_follow_one_another_with_their_sound(tmp_path, joined, suffix, codecs, parts):
    path = joined(suffix, parts, codecs=codecs)
    step = describe(path).time_base
    times = [float(frame.pts * step) for frame in decode_timed(path)]
    np.testing.assert_allclose(np.diff(times), 0.04, atol=1e-3)
    assert len(times) == len(list(decode(path))) == 30 * len(parts)
    white, loud = moments(written(path, tmp_path))
    assert len(white) == len(parts)
    sounding = [moment for moment, (_, sound) in zip(white, parts, strict=True) if sound]
    np.testing.assert_allclose(loud, sounding, atol=0.06)


def test_one_clock_stays_as_it_is(tmp_path, joined):
    path = joined("ts", [(50, True)])
    assert read_timeline(path).shifts == (0,)
    assert len(list(decode_timed(path))) == 30


def test_a_frame_that_stands_long_is_no_other_clock(tmp_path, write_video, picture):
    with VideoWriter(tmp_path / "slides.mp4", Fraction(1, 25), Fraction(25)) as writer:
        for frame in decode_timed(write_video(tmp_path / "clip.mp4", [picture(0)] * 2)):
            writer.add(frame.__class__(frame.rgb, frame.pts // 512 * 1000, 1))
    assert [frame.pts for frame in decode_timed(tmp_path / "slides.mp4")] == [0, 1000]


def test_sound_that_is_refused_at_the_end_costs_no_picture(tmp_path, joined, monkeypatch):
    path = joined("ts", [(0, True), (0, True)], codecs=("libx264", "aac"))
    monkeypatch.setattr("media.encoding.read_timeline", lambda path: Timeline())
    monkeypatch.setattr("media.encoding._rising", lambda packets, joined: packets)
    with pytest.warns(UserWarning, match="a piece of its sound is refused"):
        out = written(path, tmp_path)
    assert len(list(decode(out))) == 60
