"""Damage inside a file is noticed; what is only cut out or joined is none."""

from fractions import Fraction

import av
import numpy as np
import pytest

from bench.run.try_row import read_clip
from colorize.inference.clip import open_clip
from media.decoding import CorruptVideo, decode, decode_pictures


@pytest.fixture
def stream(tmp_path, write_video, moving):
    """A transport stream of 60 frames, a group of pictures every 12."""

    def grouped(track):
        track.codec_context.gop_size = 12

    return write_video(tmp_path / "clip.ts", moving(0, 60), prepare=grouped)


def without_packets(path, count):
    """The file without some packets of a transport stream, 188 bytes each, in its middle."""
    data = path.read_bytes()
    middle = len(data) // 188 // 2 * 188
    path.write_bytes(data[:middle] + data[middle + 188 * count :])
    return path


def test_lost_packets_are_noticed_when_all_frames_have_come(stream):
    assert len(list(decode(stream))) == 60
    frames, received = decode(without_packets(stream, 60)), []
    with pytest.raises(CorruptVideo, match="frames are damaged, or follow on some that are lost") as caught:
        received.extend(frames)
    assert 30 < len(received) < 60 and caught.value.reason == "corrupt_video"


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mkv", "libx264"), ("flv", "libx264"), ("avi", "mpeg4"), ("mpg", "mpeg2video")]
)
def test_damage_in_a_frame_is_noticed(tmp_path, write_video, moving, suffix, codec):
    path = write_video(tmp_path / f"clip.{suffix}", moving(0, 30), codec=codec)
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data, hurt = path.read_bytes(), packets[12]
    middle = hurt[len(hurt) // 3 : len(hurt) // 3 + 40]
    assert data.count(middle) == 1
    noise = np.random.default_rng(0).integers(0, 256, len(middle), np.uint8).tobytes()
    path.write_bytes(data.replace(middle, noise))
    with pytest.raises(CorruptVideo):
        list(decode(path))


def test_joined_parts_and_a_beginning_inside_a_group_are_no_damage(stream):
    data = stream.read_bytes()
    stream.write_bytes(data + data)
    assert len(list(decode(stream))) == 120
    for begin in (188 * 37, 188 * 37 + 100):
        stream.write_bytes(data[begin:])
        assert 20 <= len(list(decode(stream))) < 60


def test_a_second_part_whose_clock_is_ahead_is_no_gap(tmp_path, write_video, moving):
    parts = []
    for begin in (0, 125):
        path = tmp_path / f"part{begin}.ts"
        with av.open(str(path), "w") as container:
            track = container.add_stream("libx264", rate=25)
            track.height, track.width, track.pix_fmt = 64, 96, "yuv420p"
            for index, rgb in enumerate(moving(0, 30)):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
                frame.pts, frame.time_base = begin + index, Fraction(1, 25)
                container.mux(track.encode(frame))
            container.mux(track.encode())
        parts.append(path.read_bytes())
    (tmp_path / "joined.ts").write_bytes(b"".join(parts))
    assert len(list(decode(tmp_path / "joined.ts"))) == 60


@pytest.mark.parametrize(("suffix", "codec"), [("ts", "libx264"), ("mpg", "mpeg2video"), ("h264", "libx264")])
@pytest.mark.parametrize("share", [0.4, 0.61, 0.8])
def test_a_stream_that_ends_inside_a_frame_is_a_shorter_one(tmp_path, write_video, moving, suffix, codec, share):
    path = write_video(tmp_path / f"clip.{suffix}", moving(0, 60), codec=codec)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert 0 < len(list(decode(path))) < 60


def test_who_goes_on_with_damaged_frames_says_so(stream, capsys):
    without_packets(stream, 60)
    whole = [picture.damaged for picture in pictures_of(stream)]
    assert 1 <= sum(whole) < 5 and not any(whole[:10])
    with pytest.warns(UserWarning, match=r"clip\.ts: \d of \d+ frames are damaged.*coloured as they are"):
        assert len(list(open_clip(stream, 25).frames())) == len(whole)
    assert len(read_clip(stream, 5, 1, (32, 48))) == 5 and not capsys.readouterr().err
    assert len(read_clip(stream, 200, 1, (32, 48))) == len(whole)
    assert f"clip.ts: {sum(whole)} frames are damaged" in capsys.readouterr().err


def pictures_of(path):
    pictures = []
    with pytest.raises(CorruptVideo):
        pictures.extend(decode_pictures(path))  # extends as far as it comes
    return pictures
