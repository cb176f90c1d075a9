"""Frame-exact decoding, and the fixed name of every way a video can fail."""

import av
import cv2
import numpy as np
import pytest

from media.decoding import (
    EmptyFile,
    NotAVideo,
    TruncatedVideo,
    UnreadableVideo,
    VideoError,
    decode,
    decode_pictures,
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
