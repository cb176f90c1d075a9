"""Folders and rows of items: nothing stale, nothing overwritten, errors not swallowed."""

import numpy as np
import pytest

from media.image import frame_path, write_png
from prep.datasets import Source
from prep.items import fresh_folder, item_row, rejected, run_jobs, without_duplicates, write_items
from prep.quality import Verdict


def test_jobs_keep_their_order_and_raise_their_errors():
    assert run_jobs(lambda a, b: a * b, [(i, 2) for i in range(9)], 3, "jobs") == [2 * i for i in range(9)]
    assert run_jobs(print, [], 2, "none") == []
    with pytest.raises(ZeroDivisionError):
        run_jobs(lambda a: 1 / a, [(1,), (0,)], 2, "jobs")


def test_a_fresh_folder_holds_nothing_of_an_earlier_run(tmp_path):
    write_png(frame_path(tmp_path / "test/old", 0), np.zeros((4, 4, 3), np.uint8))
    assert list(fresh_folder(tmp_path / "test").iterdir()) == []


def test_a_folder_with_files_of_its_own_is_not_emptied(tmp_path):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(ValueError, match=r"it holds files \(thesis\.txt\)"):
        fresh_folder(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_orientation(tmp_path):
    source = Source("d", "videos", tmp_path, "f", None)
    sizes = {"landscape": (2, 3), "portrait": (3, 2), "square": (2, 2)}
    assert {item_row("x", source, *size)["orientation"]: size for size in sizes.values()} == sizes


def test_only_the_first_of_equal_items_is_kept():
    rows = [
        {"clip": name, "n_frames": n, "sha256": h}
        for name, n, h in (("a", 0, 1), ("b", 5, 1), ("c", 5, 1), ("d", 5, 2))
    ]
    found = without_duplicates(rows)
    assert [row.get("reason") for row in found] == [None, None, "duplicate", None]
    assert found[2]["n_frames"] == 0 and found[2]["detail"] == "its 5 frames are those of b"


def test_reasons_are_those_of_the_list():
    with pytest.raises(ValueError, match="'ugly' is no reason"):
        rejected({}, Verdict("ugly", ""))


def test_two_items_of_one_name_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="two sources make an item called a"):
        write_items([{"clip": "a", "n_frames": 1}] * 2, tmp_path / "t.parquet", "clips")
