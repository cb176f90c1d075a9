"""The command `try`: a row on a few frames."""

import numpy as np
import pytest

from bench.run.try_row import HINT_GRID, chroma, hints, main, read_clip, steps
from media.color import lab_from_rgb, luminance_from_rgb
from media.image import frame_path, read_rgb, write_png
from plan.reading import read_config

SIZE = (48, 64)
SHIFT = 2


@pytest.fixture
def clip(tmp_path):
    """A folder of five frames on which a smooth texture moves to the left."""
    import cv2

    coarse = np.random.default_rng(0).integers(30, 226, (7, 12, 3)).astype(np.uint8)
    texture = cv2.resize(coarse, (SIZE[1] + 5 * SHIFT, SIZE[0]), interpolation=cv2.INTER_CUBIC)
    for index in range(5):
        write_png(frame_path(tmp_path / "clip", index), texture[:, SHIFT * index :][:, : SIZE[1]])
    return tmp_path / "clip"


@pytest.fixture
def small(tmp_path):
    """A configuration whose clips are small."""
    path = tmp_path / "small.yaml"
    path.write_text(
        f"clips: {{size: {list(SIZE)}}}\n"
        "training: {not_made: {method: ours}}\n"
        "methods: {mine: {method: copy_first}, untrained: {method: ours, training: not_made}}\n"
    )
    return path


@pytest.fixture
def frames(clip) -> list[np.ndarray]:
    return read_clip(clip, 3, 1, SIZE)


def test_a_strip_is_drawn(clip, small, tmp_path, capsys):
    main("mine", clip=clip, frames=3, out=tmp_path / "strip.png", config=(small,))
    assert "strip.png: 3 frames of 48 x 64" in capsys.readouterr().out
    strip = read_rgb(tmp_path / "strip.png")
    assert strip.shape[1] > 3 * 300 and strip.std() > 10


@pytest.mark.parametrize("row", ["grey", "copy_first", "welsh2002", "flow_propagation", "bonneel2015"])
def test_a_row_is_given_what_it_asks_for(frames, row):
    found = chroma(row, frames, None, "copy_first", read_config())
    assert [ab.shape for ab in found] == [(*SIZE, 2)] * 3
    if row in ("copy_first", "flow_propagation"):
        np.testing.assert_array_equal(found[0], lab_from_rgb(frames[0])[..., 1:])


def test_a_reference_may_be_another_picture(frames, tmp_path):
    write_png(tmp_path / "red.png", np.full((*SIZE, 3), (200, 40, 40), np.uint8))
    (found, *_) = chroma("welsh2002", frames, tmp_path / "red.png", "grey", read_config())
    red = lab_from_rgb(np.full((1, 1, 3), (200, 40, 40), np.uint8))[0, 0, 1:]
    np.testing.assert_allclose(found.mean((0, 1)), red, atol=1)


def test_flow_is_of_the_clip(frames):
    (step, _) = steps([luminance_from_rgb(rgb) for rgb in frames])
    assert abs(np.median(step.flow[..., 0]) - SHIFT) < 0.3 and step.visible.mean() > 0.5


def test_hints_are_true_colours_on_a_grid():
    ab = np.random.default_rng(0).normal(size=(*SIZE, 2)).astype(np.float32)
    given = hints(ab)
    known = given[..., 2] == 1
    assert known.sum() == HINT_GRID[0] * HINT_GRID[1]
    np.testing.assert_array_equal(given[known][:, :2], ab[known])
    assert not given[~known].any()


def test_clips_may_be_folders_videos_and_images(clip, tmp_path):
    from fractions import Fraction

    from media.decoding import TimedFrame
    from media.encoding import VideoWriter

    frames = read_clip(clip, 9, 2, SIZE)
    assert len(frames) == 3  # of the five
    with VideoWriter(tmp_path / "v.mp4", Fraction(1, 25), Fraction(25)) as writer:
        for index, rgb in enumerate(frames):
            writer.add(TimedFrame(rgb, index, 1))
    assert len(read_clip(tmp_path / "v.mp4", 2, 1, SIZE)) == 2
    (image,) = read_clip(frame_path(clip, 0), 4, 1, (24, 32))
    assert image.shape == (24, 32, 3)


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("gray", "clip", "Did you mean 'grey'"),
        ("untrained", "clip", "row 'untrained' cannot run here: there is no .*/train/not_made/model.safetensors"),
        ("ground_truth", "clip", "frames of the pipeline's own clips only"),
        ("grey", "nothing.mp4", "No such file or directory: .*nothing.mp4"),
    ],
)
def test_what_cannot_run_says_why(clip, small, tmp_path, name, source, expected):
    with pytest.raises(SystemExit, match=f"error: .*{expected}"):
        main(name, clip=tmp_path / source, out=tmp_path / "strip.png", config=(small,))
    assert not (tmp_path / "strip.png").exists()


def test_a_method_that_loses_frames_is_named(clip, small, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.methods.grey.Grey.colorize", lambda self, frames, given: [])
    with pytest.raises(SystemExit, match="row 'grey': expected 4 frames, the method yielded 0"):
        main("grey", clip=clip, out=tmp_path / "strip.png", config=(small,))


def test_no_frame_is_no_clip(clip, small, tmp_path):
    with pytest.raises(SystemExit, match="expected --frames of 1 or more, not 0"):
        main("grey", clip=clip, frames=0, out=tmp_path / "strip.png", config=(small,))
