"""How far a file reaches: sound that goes on after the pictures is none that is missing, and a cut is noticed."""

from fractions import Fraction

import av
import numpy as np
import pytest

from media.decoding import TruncatedVideo, decode, describe

RATE = 44100
CONTAINERS = [
    ("mkv", "libx264"), ("webm", "libvpx"), ("flv", "libx264"), ("asf", "mpeg4"), ("wmv", "wmv2"), ("mp4", "libx264"),
    ("mov", "libx264"), ("avi", "mpeg4"), ("nut", "mpeg4"),
]  # fmt: skip


@pytest.fixture
def write_with_sound(tmp_path):
    """Writes frames, 25 a second, and seconds of noise as a video of the name's container."""

    def write(name, codec, frames, seconds):
        with av.open(str(tmp_path / name), "w") as container:
            video = container.add_stream(codec, rate=Fraction(25))
            video.height, video.width, video.pix_fmt = *frames[0].shape[:2], "yuv420p"
            sound = container.add_stream(
                "libopus" if name.endswith("webm") else "aac", rate=48000 if "webm" in name else RATE
            )
            for frame in frames:
                container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
            container.mux(video.encode())
            noise = np.random.default_rng(0).normal(0, 0.1, (1, sound.rate * seconds)).astype(np.float32)
            samples = av.AudioFrame.from_ndarray(noise, format="flt", layout="mono")
            samples.rate = sound.rate
            container.mux(sound.encode(samples))
            container.mux(sound.encode())
        return tmp_path / name

    return write


@pytest.mark.parametrize(("suffix", "codec"), CONTAINERS)
def test_sound_may_be_longer_than_the_pictures(write_with_sound, moving, suffix, codec):
    path = write_with_sound(f"song.{suffix}", codec, moving(0, 25), 4)
    assert len(list(decode(path))) == 25


def test_matroska_says_how_long_the_pictures_are(write_with_sound, moving):
    assert describe(write_with_sound("song.mkv", "libx264", moving(0, 25), 4)).declared_frames == 25


@pytest.mark.parametrize(("suffix", "codec"), CONTAINERS[:5])
@pytest.mark.parametrize("seconds", [1, 2, 8])
def test_a_cut_is_noticed_whichever_track_is_longer(write_with_sound, moving, suffix, codec, seconds):
    path = write_with_sound(f"song.{suffix}", codec, moving(0, 50), seconds)
    assert len(list(decode(path))) == 50
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.raises(TruncatedVideo):
        list(decode(path))


def test_a_cut_in_pictures_before_a_long_sound_is_noticed(write_with_sound, moving):
    """The sound of this file reaches its end, and Matroska's tag says that the pictures go on."""
    path = write_with_sound("song.mkv", "libx264", moving(0, 50), 8)
    path.write_bytes(path.read_bytes().replace(b"00:00:02.0", b"00:00:06.0"))
    with pytest.raises(TruncatedVideo):
        list(decode(path))
