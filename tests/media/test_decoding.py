"""Frame-exact decoding, and the fixed name of every way a video can fail."""

import errno
import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from media.decoding import (
    Bounds,
    EmptyFile,
    NotAVideo,
    TruncatedVideo,
    UnreadableVideo,
    VideoError,
    VideoTooLarge,
    decode,
    decode_pictures,
    decode_timed,
    describe,
)


def failure(path) -> VideoError:
    with pytest.raises(VideoError) as caught:
        list(decode(path))
    return caught.value


def test_every_frame_comes_once_and_in_order(tmp_path, write_video):
    levels = [10 * i + 20 for i in range(20)]
    path = write_video(tmp_path / "steps.mp4", [np.full((48, 64, 3), level, np.uint8) for level in levels])
    frames = list(decode(path))
    assert {(frame.shape, frame.dtype) for frame in frames} == {((48, 64, 3), np.dtype(np.uint8))}
    np.testing.assert_allclose([frame.mean() for frame in frames], levels, atol=2)


def test_colours_are_red_green_blue(tmp_path, write_video):
    path = write_video(tmp_path / "red.mp4", [np.full((48, 64, 3), (200, 30, 60), np.uint8)] * 3)
    np.testing.assert_allclose(next(decode(path)).mean(axis=(0, 1)), (200, 30, 60), atol=4)


def test_describe_reads_the_header(tmp_path, write_video, moving):
    info = describe(write_video(tmp_path / "clip.mp4", moving(0, 12)))
    assert (info.declared_frames, info.fps, info.height, info.width) == (12, 25.0, 64, 96)


def test_matroska_declares_its_frames_by_duration(tmp_path, write_video, moving):
    assert describe(write_video(tmp_path / "clip.mkv", moving(0, 50))).declared_frames == 50


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_rotation_tag_is_honoured(tmp_path, write_video, picture, rotation):
    path = write_video(tmp_path / "phone.mp4", [picture(1)] * 2, rotation=rotation)
    upright = next(decode(path))
    expected = np.rot90(picture(1), rotation // 90)
    assert upright.shape == expected.shape
    assert np.abs(upright.astype(int) - expected).mean() < 12  # wrong turns are off by 60 and more


@pytest.mark.parametrize("rotation", [0, 90])
def test_a_picture_is_rgb_where_it_is_asked_for(tmp_path, write_video, moving, rotation):
    smooth = [cv2.GaussianBlur(frame, (0, 0), 8) for frame in moving(0, 3, height=96, width=160)]
    path = write_video(tmp_path / "clip.mp4", smooth, rotation=rotation)
    for picture, frame in zip(decode_pictures(path), decode(path), strict=True):
        assert picture.shape == frame.shape
        np.testing.assert_array_equal(picture.rgb, frame)
        np.testing.assert_array_equal(picture.thinned(1), frame)
        assert picture.thinned(4).shape == frame[::4, ::4].shape
        assert abs(np.subtract(picture.thinned(4), frame[2::4, 2::4], dtype=float)).mean() < 4


def test_empty_file(tmp_path):
    path = tmp_path / "zero.mp4"
    path.touch()
    error = failure(path)
    assert isinstance(error, EmptyFile) and error.reason == "empty_file" and str(path) in str(error)


@pytest.mark.parametrize("name", ["notes.mp4", "notes.avi", "notes.txt"])
def test_text_is_not_a_video(tmp_path, name):
    path = tmp_path / name
    path.write_text("Greetings. This is no video at all.\n" * 50)
    error = failure(path)
    assert isinstance(error, NotAVideo) and error.reason == "not_a_video"


def test_a_still_image_is_not_a_video(tmp_path, picture):
    path = tmp_path / "still.mp4"
    path.write_bytes(cv2.imencode(".png", picture(0))[1].tobytes())
    assert isinstance(failure(path), NotAVideo)


def test_a_video_without_its_index_is_unreadable(tmp_path, write_video, moving):
    path = write_video(tmp_path / "clip.mp4", moving(0, 30))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    error = failure(path)
    assert isinstance(error, UnreadableVideo) and error.reason == "unreadable_video"


def test_what_the_system_cannot_read_is_no_fault_of_the_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.mp4"):
        next(decode(tmp_path / "gone.mp4"))


@pytest.mark.parametrize(("name", "codec"), [("clip.mp4", "libx264"), ("clip.avi", "mpeg4"), ("clip.mkv", "libx264")])
def test_a_cut_off_file_gives_its_frames_and_then_fails(tmp_path, write_video, moving, name, codec):
    path = write_video(tmp_path / name, moving(0, 60), codec=codec, movflags="faststart" if name == "clip.mp4" else "")
    whole = list(decode(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    frames, received = decode(path), []
    with pytest.raises(TruncatedVideo, match="of 60 declared frames") as caught:
        received.extend(frames)
    assert caught.value.reason == "truncated_video"
    assert 0 < len(received) < len(whole) == 60
    np.testing.assert_array_equal(received[0], whole[0])


def test_frames_edited_out_are_not_missing(tmp_path, write_video, moving):
    """A copy that begins inside a group of pictures stores frames that its edit list hides."""
    source, trimmed = write_video(tmp_path / "clip.mp4", moving(0, 50)), tmp_path / "trimmed.mp4"
    with av.open(str(source)) as given, av.open(str(trimmed), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        shift = round(0.6 / given.streams.video[0].time_base)
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.dts, packet.pts, packet.stream = packet.dts - shift, packet.pts - shift, stream
                container.mux(packet)
    assert len(list(decode(trimmed))) == 35


def test_names_are_files_and_nothing_else(tmp_path, write_video, moving, monkeypatch):
    """FFmpeg takes such names for protocols, lists and devices."""
    source = write_video(tmp_path / "clip.mp4", moving(0, 3)).read_bytes()
    monkeypatch.chdir(tmp_path)
    for name in (
        "12:30.mp4",
        "concat:a|b",
        "-",
        "pipe:0",
        "http:",
        "file:clip",
        "subfile,,start,0,end,9,,:x",
        "clip%03d.mp4",
    ):
        Path(name).write_bytes(source)
        assert len(list(decode(name))) == 3


@pytest.mark.parametrize(
    "content",
    [
        "ffconcat version 1.0\nfile clip.mp4\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nclip.mp4\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static'></MPD>",
        ";FFMETADATA1\ntitle=x\n",
    ],
)
@pytest.mark.parametrize("name", ["list.mp4", "list.m3u8", "list.txt"])
def test_a_list_of_other_files_is_not_a_video(tmp_path, write_video, moving, content, name):
    write_video(tmp_path / "clip.mp4", moving(0, 3))
    (tmp_path / name).write_text(content)
    assert isinstance(failure(tmp_path / name), NotAVideo)


def test_declared_sizes_are_bounded_before_decoding(tmp_path, write_video, moving):
    size = struct.pack("<2H", 16000, 16000)
    bomb = b"GIF89a" + size + b"\x80\0\0" + bytes(3) + b"\xff" * 3 + b"," + bytes(4) + size + b"\0\x02\x02D\x01\0;"
    (tmp_path / "bomb.gif").write_bytes(bomb)
    error = failure(tmp_path / "bomb.gif")
    assert isinstance(error, VideoTooLarge) and error.reason == "too_large" and "16000x16000" in str(error)
    path = write_video(tmp_path / "clip.mp4", moving(0, 5))
    for bounds in (Bounds(max_pixels=64 * 96 - 1), Bounds(max_frames=4)):
        with pytest.raises(VideoTooLarge, match="at most"):
            next(decode_pictures(path, bounds))
    assert len(list(decode_pictures(path, Bounds(64 * 96, 5)))) == 5


# Where the corner of a picture goes: display matrices a, b, c, d (columns x and y), and what they do to an array.
MATRICES = {
    "mirrored": ((-1, 0, 0, 1), np.fliplr),
    "flipped": ((1, 0, 0, -1), np.flipud),
    "half a turn": ((-1, 0, 0, -1), lambda image: np.rot90(image, 2)),
    "a quarter to the left": ((0, -1, 1, 0), np.rot90),
    "a quarter to the right": ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),
    "transposed": ((0, 1, 1, 0), lambda image: image.swapaxes(0, 1)),
    "transversed": ((0, -1, -1, 0), lambda image: np.rot90(image, 2).swapaxes(0, 1)),
}


# Matroska stores angles alone.
ANGLES = ["half a turn", "a quarter to the left", "a quarter to the right"]


@pytest.mark.parametrize(
    ("name", "suffix"), [*((name, "mp4") for name in MATRICES), *((name, "mkv") for name in ANGLES)]
)
def test_display_matrices_are_honoured(tmp_path, write_video, picture, name, suffix):
    (a, b, c, d), turned = MATRICES[name]
    one = 1 << 16
    matrix = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30]
    path = write_video(
        tmp_path / f"phone.{suffix}", [picture(1)] * 2, prepare=lambda stream: stream.set_display_matrix(matrix)
    )
    expected = turned(picture(1))
    shown = next(decode_pictures(path))
    assert shown.rgb.shape == shown.shape == expected.shape
    assert np.abs(shown.rgb.astype(int) - expected).mean() < 12  # wrong turns are off by 60 and more
    assert np.abs(shown.thinned(4).astype(int) - expected[2::4, 2::4]).mean() < 40


@pytest.mark.parametrize(("size", "matrix"), [((720, 64), 1), ((64, 1280), 1), ((576, 720), 5), ((718, 718), 5)])
def test_without_a_matrix_high_definition_is_bt709(tmp_path, write_video, size, matrix):
    """A colour coded by one matrix and not tagged comes back where players assume that one."""
    color = np.full((*size, 3), (200, 60, 40), np.uint8)
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "4"})
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        frame = av.VideoFrame.from_ndarray(color, format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=matrix, dst_color_range="MPEG")
        frame.colorspace, frame.color_range = 2, 0
        container.mux([*stream.encode(frame), *stream.encode()])
    np.testing.assert_allclose(next(decode(tmp_path / "clip.mp4")).mean(axis=(0, 1)), (200, 60, 40), atol=3)


def pq(luminance: float) -> float:
    """The signal of a luminance in cd/m2 (SMPTE ST 2084)."""
    y = (luminance / 10000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


def write_high_dynamic_range(path, transfer: int, signals: list[float]):
    """A video of ten bits in BT.2020: grey strips of these signals, 0..1."""
    levels = np.repeat([round(64 + 876 * signal) for signal in signals], 32).astype(np.uint16)
    luma, chroma = np.repeat(levels[None], 64, axis=0), np.full((32, len(levels) // 2), 512, np.uint16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.height, stream.width, stream.pix_fmt = 64, len(levels), "yuv420p10le"
        codec = stream.codec_context
        codec.color_trc, codec.color_primaries, codec.colorspace, codec.color_range = transfer, 9, 9, 1
        frame = av.VideoFrame(len(levels), 64, "yuv420p10le")
        for plane, values in zip(frame.planes, (luma, chroma, chroma), strict=True):
            rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
            rows[:, : values.shape[1]] = values
            plane.update(rows.tobytes())
        container.mux([*stream.encode(frame), *stream.encode()])
    return path


def test_pq_is_tone_mapped_and_said(tmp_path):
    """Up to the reference white of 203 cd/m2 a luminance becomes its sRGB value; all above it is white."""
    luminances = [0, 20, 50, 100, 200, 1000]
    path = write_high_dynamic_range(tmp_path / "hdr.mp4", 16, [pq(value) for value in luminances])
    with pytest.warns(UserWarning, match=r"hdr\.mp4: has high dynamic range \(PQ"):
        rgb = next(decode(path))
    linear = np.minimum(1, np.array(luminances) / 203)
    expected = 255 * np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(rgb[32, 16::32], np.repeat(expected[:, None], 3, axis=1), atol=4)


def test_hlg_is_tone_mapped_and_said(tmp_path):
    path = write_high_dynamic_range(tmp_path / "hdr.mkv", 18, [0, 0.25, 0.5, 0.75, 1])
    with pytest.warns(UserWarning, match=r"hdr\.mkv: has high dynamic range \(HLG"):
        rgb = next(decode(path))
    levels = rgb[32, 16::32].mean(axis=1)
    assert levels[0] < 2 and levels[3] > 250 and 120 < levels[2] < 155 and (np.diff(levels[:4]) > 30).all()


def test_the_wide_gamut_of_bt2020_becomes_srgb(tmp_path):
    def prepare(stream):
        codec = stream.codec_context
        codec.color_primaries, codec.color_trc, codec.colorspace, codec.color_range = 9, 14, 9, 1

    colors = [(120, 120, 120), (150, 110, 100)]
    strips = np.repeat(np.repeat(np.array(colors, np.uint8)[None], 48, axis=1), 64, axis=0)
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.height, stream.width, stream.pix_fmt = *strips.shape[:2], "yuv444p"
        prepare(stream)
        frame = av.VideoFrame.from_ndarray(strips, format="rgb24")
        frame = frame.reformat(format="yuv444p", dst_colorspace=9, dst_color_range="MPEG")
        container.mux([*stream.encode(frame), *stream.encode()])
    grey, vivid = next(decode(path))[32, 24::48].astype(int)
    np.testing.assert_allclose(grey, 120, atol=3)
    # BT.2087, from BT.2020 to BT.709, in linear light of the transfer that both share.
    matrix = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
    linear = matrix @ ((np.array(colors[1]) / 255 + 0.099) / 1.099) ** (1 / 0.45)
    np.testing.assert_allclose(vivid, 255 * (1.099 * linear**0.45 - 0.099), atol=5)


def test_a_matrix_that_is_not_read_is_named(tmp_path, write_video, moving):
    def prepare(stream):
        stream.codec_context.colorspace = 8  # YCgCo

    path = write_video(tmp_path / "clip.mp4", moving(0, 2), prepare=prepare)
    error = failure(path)
    assert isinstance(error, UnreadableVideo) and "the matrix 8" in str(error)


def write_at(path, frames, times, codec="libx264", options=None):
    """Frames at times in twenty-fifths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        for frame, time in zip(frames, times, strict=True):
            coded = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            coded.pts, coded.time_base = time, Fraction(1, 25)
            container.mux(stream.encode(coded))
        container.mux(stream.encode())
    return path


def test_frames_that_show_nothing_new_are_not_missing(tmp_path, moving):
    """An AVI writer fills a gap with chunks of no bytes, as a capture card does for a frame that it lost."""
    times = [time for time in range(60) if time % 4 != 2]
    path = write_at(tmp_path / "capture.avi", moving(0, len(times)), times, codec="mpeg4")
    frames = list(decode_timed(path))
    assert len(frames) == 45 and describe(path).declared_frames == 60
    assert float(frames[-1].pts * describe(path).time_base) == pytest.approx(59 / 25)


def test_frames_at_any_time_are_whole(tmp_path, moving):
    times = [0, 1, 2, 30, 31, 90, 91, 200]
    for name in ("vary.mp4", "vary.mkv"):
        frames = list(decode_timed(write_at(tmp_path / name, moving(0, 8), times)))
        step = describe(tmp_path / name).time_base
        np.testing.assert_allclose([float(frame.pts * step) * 25 for frame in frames], times, atol=0.03)


OPEN_GROUPS = {"x264-params": "open-gop=1:keyint=15:min-keyint=15:bframes=3:scenecut=0:b-adapt=0"}


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi"])
def test_frames_before_the_first_that_stands_alone_are_not_missing(tmp_path, moving, suffix):
    """A copy that begins at a picture whose group is open: its leading frames refer to what is not there."""
    source = write_at(tmp_path / f"long.{suffix}", moving(0, 60), range(60), options=OPEN_GROUPS)
    trimmed, begin = tmp_path / f"trimmed.{suffix}", None
    with av.open(str(source)) as given, av.open(str(trimmed), "w") as container:
        stream = container.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.dts is not None and (begin or (packet.is_keyframe and packet.pts * packet.time_base >= 0.9)):
                begin = begin or packet.dts
                packet.dts, packet.pts, packet.stream = packet.dts - begin, packet.pts - begin, stream
                container.mux(packet)
    assert len(list(decode(source))) == 60
    assert 25 <= len(list(decode(trimmed))) <= 33


@pytest.mark.parametrize(("name", "codec"), [("clip.mp4", "libx264"), ("clip.avi", "mpeg4"), ("clip.mkv", "libx264")])
@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_file_that_was_cut_off_is_noticed(tmp_path, write_video, moving, name, codec, share):
    path = write_video(tmp_path / name, moving(0, 60), codec=codec, movflags="faststart" if name == "clip.mp4" else "")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert failure(path).reason in ("truncated_video", "unreadable_video")


def test_an_error_of_the_disk_is_none_of_the_file(tmp_path, write_video, moving, monkeypatch):
    """FFmpeg reports broken files by the same number, so the file's bytes are read once more."""
    path = write_video(tmp_path / "clip.mp4", moving(0, 3))

    def failing(*_, **__):
        raise av.FFmpegError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr("media.decoding.av.open", failing)
    assert isinstance(failure(path), UnreadableVideo)
    monkeypatch.setattr("media.decoding.read_through", failing_disk)
    with pytest.raises(OSError) as caught:
        next(decode(path))
    assert not isinstance(caught.value, av.FFmpegError) and caught.value.errno == errno.EIO


def failing_disk(path):
    raise OSError(errno.EIO, "Input/output error", str(path))
