"""Generated media."""

import numpy as np

from media.decoding import describe
from media.image import read_rgb
from prep.made_media import SIZE, main, moving_scene


def test_files_of_each_name_are_made(tmp_path):
    main(folder=tmp_path, names=["test", "train"], clips=2, photos=1, frames=3)
    made = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    assert made == [
        "photographs/test_0000.png", "photographs/train_0000.png",
        "videos/test_0000.mp4", "videos/test_0001.mp4", "videos/train_0000.mp4", "videos/train_0001.mp4",
    ]  # fmt: skip
    assert read_rgb(tmp_path / made[0]).shape == (*SIZE, 3)
    info = describe(tmp_path / made[2])
    assert (info.height, info.width) == SIZE


def test_scenes_move_and_differ():
    first, second = moving_scene(1, 2)
    other = next(moving_scene(2, 1))
    assert first.shape == (*SIZE, 3) and first.dtype == np.uint8
    assert (first != second).any() and (first != other).any()
    assert np.array_equal(next(moving_scene(1, 2)), first)
