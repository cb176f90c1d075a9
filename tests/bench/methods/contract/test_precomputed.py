"""Rows `precomputed`: frames are found by kind and item."""

import numpy as np
import pytest

from bench.methods.contract.method import Given
from bench.methods.contract.rows import load
from media.color import lab_from_rgb
from media.image import frame_path, write_png
from media.numbering import UnclearFolder


@pytest.mark.parametrize("folder", ["{results}/{kind}/test", "{results}/done"])
def test_reads_chroma_in_order(tmp_path, setting, folder):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (3, 8, 9, 3), dtype=np.uint8)
    item = tmp_path / folder.replace("{results}/", "").replace("{kind}", "clips")
    item = item / "a" if "{kind}" in folder else item / "clips" / "a"
    for index, rgb in enumerate(frames):
        write_png(frame_path(item, index), rgb)
    known = type(setting)(setting.weights_dir, setting.backbone, None, 0, results_dir=tmp_path)
    method = load("row", {"precomputed": folder}, known)
    found = list(method.colorize(iter(()), Given("clips", "a")))
    np.testing.assert_array_equal(found, lab_from_rgb(frames)[..., 1:])


def test_missing_folder_says_where(tmp_path, setting):
    method = load("row", {"precomputed": str(tmp_path)}, setting)
    with pytest.raises(FileNotFoundError, match=r"clips/a: holds no PNG frames; put the coloured frames"):
        list(method.colorize(iter(()), Given("clips", "a")))


def test_unknown_results_folder_is_an_error(setting):
    method = load("row", {"precomputed": "{results}/x"}, setting)
    with pytest.raises(ValueError, match="name the folder itself"):
        list(method.colorize(iter(()), Given("clips", "a")))


def test_row_may_hold_one_kind(setting):
    assert load("row", {"precomputed": "x", "given": {"clips": []}}, setting).given == {"clips": ()}


def test_frames_come_in_numerical_order_and_hidden_files_are_no_frames(tmp_path, setting):
    frames = np.random.default_rng(0).integers(0, 256, (12, 4, 5, 3), dtype=np.uint8)
    for index, rgb in enumerate(frames):
        write_png(tmp_path / "clips" / "a" / f"{index}.{'PNG' if index % 2 else 'png'}", rgb)
    (tmp_path / "clips" / "a" / "._3.png").write_bytes(b"of another system")
    method = load("row", {"precomputed": str(tmp_path)}, setting)
    found = list(method.colorize(iter(()), Given("clips", "a")))
    np.testing.assert_array_equal(found, lab_from_rgb(frames)[..., 1:])


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["0.png", "1.png", "3.png", "4.png"], "missing_frames"),
        (["0.png", "1.png", "2.jpg"], "missing_frames"),
        (["00000.png", "00001.png", "00001 (1).png", "00002.png"], "ambiguous_frames"),
        (["0.png", "1.png", "00001.png", "00002.png"], "ambiguous_frames"),
    ],
)
def test_a_folder_that_leaves_a_doubt_is_not_read(tmp_path, setting, names, reason):
    for name in names:
        write_png(tmp_path / "clips" / "a" / name, np.zeros((4, 5, 3), np.uint8))
    method = load("row", {"precomputed": str(tmp_path)}, setting)
    with pytest.raises(UnclearFolder) as caught:
        next(method.colorize(iter(()), Given("clips", "a")))
    assert caught.value.reason == reason
