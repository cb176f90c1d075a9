"""One video for all tiles of a clip: where they lie, that they fit, and that each frame is the right one."""

import av
import numpy as np
import pytest

from bench.report.atlas import KEYFRAME_EVERY, LARGEST, grid_for, write_atlas, write_strip
from media.decoding import decode, describe
from media.image import read_rgb


@pytest.mark.parametrize("n_tiles", [1, 2, 3, 10, 17, 40])
@pytest.mark.parametrize("size", [(216, 384), (480, 854), (1080, 1920), (65, 97)])
def test_tiles_are_even_fit_the_level_and_do_not_overlap(n_tiles, size):
    grid = grid_for(n_tiles, size)
    assert grid.height % 2 == 0 and grid.width % 2 == 0
    assert grid.shape[0] <= LARGEST[0] and grid.shape[1] <= LARGEST[1]
    assert grid.height <= size[0] and grid.width <= size[1]
    corners = {grid.corner(index) for index in range(n_tiles)}
    assert len(corners) == n_tiles
    assert max(top for top, _ in corners) + grid.height <= grid.shape[0]
    assert max(left for _, left in corners) + grid.width <= grid.shape[1]


def test_a_small_clip_is_not_shrunk_and_a_large_one_keeps_its_shape():
    assert (grid_for(16, (216, 384)).height, grid_for(16, (216, 384)).width) == (216, 384)
    grid = grid_for(16, (1080, 1920))
    assert grid.width / grid.height == pytest.approx(1920 / 1080, rel=0.01)


def test_every_frame_of_every_tile_is_in_its_place(tmp_path):
    tiles = [[np.full((32, 48, 3), 10 + 40 * tile + 5 * t, np.uint8) for tile in range(5)] for t in range(8)]
    grid = grid_for(5, (32, 48))
    write_atlas(tmp_path / "a.mp4", tiles, grid)
    frames = list(decode(tmp_path / "a.mp4"))
    assert len(frames) == 8 and describe(tmp_path / "a.mp4").fps == 10
    for t, frame in enumerate(frames):
        for tile in range(5):
            top, left = grid.corner(tile)
            inside = frame[top : top + 32, left : left + 48].astype(int)
            assert np.abs(inside - (10 + 40 * tile + 5 * t)).max() <= 3, (t, tile)


def test_no_tile_takes_colours_of_its_neighbour(tmp_path):
    colors = [(220, 20, 20), (20, 20, 220), (20, 220, 20), (240, 240, 240)]
    grid = grid_for(4, (32, 48))
    write_atlas(tmp_path / "a.mp4", [[np.full((32, 48, 3), color, np.uint8) for color in colors]], grid)
    (frame,) = decode(tmp_path / "a.mp4")
    for tile, color in enumerate(colors):
        top, left = grid.corner(tile)
        assert np.abs(frame[top : top + 32, left : left + 48].astype(int) - color).max() <= 6, tile


def test_a_step_back_has_a_keyframe_near(tmp_path):
    rng = np.random.default_rng(0)
    noise = [[rng.integers(0, 256, (32, 48, 3), np.uint8)] for _ in range(12)]
    write_atlas(tmp_path / "a.mp4", noise, grid_for(1, (32, 48)))
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert [packet.is_keyframe for packet in packets][::KEYFRAME_EVERY] == [True] * 3
        assert stream.codec_context.name == "h264" and stream.pix_fmt == "yuv420p"


def test_a_strip_has_its_tiles_side_by_side_and_is_no_higher_than_needed(tmp_path):
    tiles = [np.full((320, 480, 3), value, np.uint8) for value in (30, 130, 230)]
    assert write_strip(tmp_path / "s.webp", tiles) == (160, 240)
    strip = read_rgb(tmp_path / "s.webp")
    assert strip.shape == (160, 720, 3)
    assert [round(strip[80, 120 + 240 * tile].mean() / 10) for tile in range(3)] == [3, 13, 23]
