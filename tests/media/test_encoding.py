"""Writing videos: every size, times to the tick, and joining with the sound kept."""

from fractions import Fraction

import av
import numpy as np
import pytest

from media.decoding import TimedFrame, decode, decode_timed, describe
from media.encoding import VideoWriter, join

# Ticks of 1/90000 s: (time, duration) of frames at a rate that varies, the first one not at 0.
VARIABLE = [(1200, 3003), (4203, 3003), (7206, 9000), (16206, 1001), (17207, 3003), (20210, 6006)]


def write_timed(path, frames, times=VARIABLE, time_base=Fraction(1, 90000), aspect=Fraction(1)):
    with VideoWriter(path, time_base, Fraction(30)) as writer:
        for frame, (pts, duration) in zip(frames, times, strict=True):
            writer.add(TimedFrame(frame, pts, duration, aspect))
    return path


def write_with_sound(path, frames, codec, rate=44100):
    """`frames` at 30 frames a second, and a tone of the same length."""
    with av.open(str(path), "w") as container:
        video, audio = container.add_stream("libx264", rate=30), container.add_stream(codec, rate=rate, layout="mono")
        video.height, video.width = frames[0].shape[:2]
        samples, step = 0, 1152
        for index, frame in enumerate(frames):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
            while samples < (index + 1) * rate / 30:
                tone = (8000 * np.sin(np.arange(samples, samples + step) / 10)).astype(np.int16)
                heard = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
                heard.sample_rate, heard.pts, samples = rate, samples, samples + step
                container.mux(audio.encode(heard))
        container.mux(video.encode())
        container.mux(audio.encode())
    return path


def sound_packets(path) -> list[tuple[float, bytes]]:
    with av.open(str(path)) as container:
        return [(float(p.pts * p.time_base), bytes(p)) for p in container.demux(audio=0) if p.size]


def seconds(path) -> list[tuple[float, float]]:
    base = describe(path).time_base
    return [(float(f.pts * base), float(f.duration * base)) for f in decode_timed(path)]


@pytest.mark.parametrize("size", [(48, 64), (47, 63), (480, 1), (1, 1)])
def test_every_size_is_written_as_it_is(tmp_path, picture, size):
    frames = [picture(seed, *size) for seed in range(6)]
    written = list(decode(write_timed(tmp_path / "clip.mp4", frames)))
    assert [frame.shape for frame in written] == [(*size, 3)] * 6
    assert np.mean([np.abs(a.astype(int) - b).mean() for a, b in zip(written, frames, strict=True)]) < 10


def test_the_same_frames_make_the_same_file(tmp_path, moving):
    files = set()
    for _ in range(60):
        path = write_timed(tmp_path / "clip.mp4", moving(0, 10), [(3000 * t, 3000) for t in range(10)])
        files.add(path.read_bytes())
        list(decode(path))  # leaves other memory behind for the next one
    assert len(files) == 1


def test_written_greys_have_no_tint_and_colours_their_tone(tmp_path):
    ramp = np.stack([np.linspace(0, 255, 64 * 48).reshape(48, 64).astype(np.uint8)] * 3, axis=-1)
    patches = np.full((48, 64, 3), (200, 30, 60), np.uint8)
    grey, color = decode(write_timed(tmp_path / "clip.mp4", [ramp, patches], VARIABLE[:2]))
    assert np.ptp(grey.astype(int), axis=-1).max() == 0 and np.abs(grey.astype(int) - ramp).max() < 6
    assert np.abs(color.astype(int) - patches).max() < 6


@pytest.mark.parametrize(("name", "tolerance"), [("clip.mp4", 0), ("clip.mov", 0), ("clip.mkv", 0.0006)])
def test_times_are_written_to_the_tick(tmp_path, picture, name, tolerance):
    """Matroska counts milliseconds."""
    path = write_timed(tmp_path / name, [picture(seed) for seed in range(6)])
    expected = [(pts / 90000, duration / 90000) for pts, duration in VARIABLE]
    np.testing.assert_allclose(np.array(seconds(path))[:, 0], np.array(expected)[:, 0], atol=tolerance)
    if not tolerance:
        np.testing.assert_allclose(seconds(path), expected)


def test_non_square_pixels_are_kept_and_turned_with_the_frame(tmp_path, picture, write_video):
    wide = Fraction(16, 15)
    path = write_timed(tmp_path / "pal.mp4", [picture(0)], VARIABLE[:1], aspect=wide)
    assert next(decode_timed(path)).pixel_aspect == wide
    with av.open(str(path)) as given, av.open(str(tmp_path / "turned.mp4"), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0], opaque=True)
        stream.set_display_rotation(90)
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    assert next(decode_timed(tmp_path / "turned.mp4")).pixel_aspect == 1 / wide


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_joined_videos_are_one_with_all_frames_and_times(tmp_path, picture, suffix):
    frames = [picture(seed) for seed in range(6)]
    halves = [write_timed(tmp_path / f"{i}.mp4", frames[i : i + 3], VARIABLE[i : i + 3]) for i in (0, 3)]
    join(halves, tmp_path / f"joined{suffix}")
    expected = [frame for half in halves for frame in decode(half)]
    np.testing.assert_array_equal(list(decode(tmp_path / f"joined{suffix}")), expected)
    times = [time for half in halves for time in seconds(half)]
    np.testing.assert_allclose(seconds(tmp_path / f"joined{suffix}"), times, atol=0.0011 if suffix == ".mkv" else 1e-9)


@pytest.mark.parametrize(
    ("source", "codec", "suffix"),
    [("a.mp4", "aac", ".mp4"), ("a.mp4", "aac", ".mkv"), ("a.mkv", "libopus", ".mkv"), ("a.avi", "libmp3lame", ".mp4")],
)
def test_sound_is_copied(tmp_path, moving, source, codec, suffix):
    path = write_with_sound(tmp_path / source, moving(0, 30), codec, 48000 if codec == "libopus" else 44100)
    silent = write_timed(tmp_path / "silent.mp4", moving(0, 30), [(3000 * i, 3000) for i in range(30)])
    join([silent], tmp_path / f"joined{suffix}", sound=path)
    given, kept = sound_packets(path), sound_packets(tmp_path / f"joined{suffix}")
    assert [data for _, data in kept] == [data for _, data in given]
    np.testing.assert_allclose([time for time, _ in kept], [time for time, _ in given], atol=0.001)
    np.testing.assert_allclose(seconds(tmp_path / f"joined{suffix}"), seconds(silent), atol=0.001)


def test_sound_that_the_container_cannot_hold_is_encoded_as_aac(tmp_path, moving):
    path = write_with_sound(tmp_path / "a.mkv", moving(0, 30), "libopus", 48000)
    silent = write_timed(tmp_path / "silent.mp4", moving(0, 30), [(3000 * i, 3000) for i in range(30)])
    with pytest.warns(UserWarning, match=r"a\.mkv: .*track 1 .*AAC.*joined\.mov .*opus"):
        join([silent], tmp_path / "joined.mov", sound=path)
    with av.open(str(tmp_path / "joined.mov")) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert len(sound) / 48000 == pytest.approx(1.0, abs=0.05)
    assert np.sqrt(np.mean(sound[4800:-4800] ** 2)) == pytest.approx(8000 / 32768 / np.sqrt(2), rel=0.05)


def test_streams_that_begin_at_any_hour_begin_at_zero(tmp_path, moving):
    """An MPEG transport stream here begins at about 1.5 s; sound and picture are shifted alike."""
    path = write_with_sound(tmp_path / "a.ts", moving(0, 30), "aac")
    with av.open(str(path)) as container:
        lag = min(frame.pts for frame in container.decode(video=0)) / 90000 - sound_packets(path)[0][0]
    silent = write_timed(tmp_path / "silent.mp4", moving(0, 30), [(f.pts, f.duration) for f in decode_timed(path)])
    join([silent], tmp_path / "joined.mp4", sound=path)
    first_heard, first_seen = sound_packets(tmp_path / "joined.mp4")[0][0], seconds(tmp_path / "joined.mp4")[0][0]
    assert first_heard == pytest.approx(0, abs=1e-3) and first_seen == pytest.approx(lag, abs=1e-3)
