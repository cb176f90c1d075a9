"""Rows of items: what they say of the source, and frames only where they are kept."""

import numpy as np
import pytest

from media.image import read_frames
from prep.datasets.selection import Source
from prep.judging.quality import Filters, Verdict
from prep.judging.verdicts import intact, item_row, judge_file, judged, rejected

FILTERS = Filters(min_mean_l=15, min_mean_chroma=6, min_chroma_spread=0.5, min_side=32)


@pytest.fixture
def source(tmp_path):
    (tmp_path / "f.mp4").write_bytes(b"abc")
    return Source("d", "videos", tmp_path / "f.mp4", "f.mp4", None)


def test_orientation(source):
    sizes = {"landscape": (2, 3), "portrait": (3, 2), "square": (2, 2)}
    assert {item_row("x", source, *size)["orientation"]: size for size in sizes.values()} == sizes


def test_a_kept_item_has_frames_and_a_rejected_one_has_none(tmp_path, source, moving):
    frames = moving(0, 3)
    row = judged(item_row("good", source), frames, FILTERS, tmp_path / "out")
    np.testing.assert_array_equal(list(read_frames(tmp_path / "out/good", 3)), frames)
    assert row["n_frames"] == 3 and intact(row, tmp_path / "out")
    (tmp_path / "out/good/00001.png").unlink()
    assert not intact(row, tmp_path / "out")
    dark = judged(item_row("dark", source), [frame // 12 for frame in frames], FILTERS, tmp_path / "out")
    assert (dark["reason"], dark["n_frames"]) == ("too_dark", 0) and intact(dark, tmp_path / "out")
    assert not (tmp_path / "out/dark").exists()


def test_judging_alone_writes_nothing(tmp_path, source, moving):
    assert judged(item_row("good", source), moving(0, 3), FILTERS, None)["n_frames"] == 3
    assert [path.name for path in tmp_path.iterdir()] == ["f.mp4"]


def test_colours_are_judged_before_anything_else(source, moving, tmp_path):
    verdict = Verdict("too_short", "3 frames")
    row = item_row("x", source)
    assert judged(row, moving(0, 3), FILTERS, tmp_path, otherwise=verdict)["reason"] == "too_short"
    dark = [frame // 12 for frame in moving(0, 3)]
    assert judged(row, dark, FILTERS, tmp_path, otherwise=verdict)["reason"] == "too_dark"


def test_checksums(source):
    row = item_row("x", source)
    assert judge_file(row, source) is None
    assert judge_file(row, Source("d", "videos", source.path, "f.mp4", None, row["source_sha256"])) is None
    verdict = judge_file(row, Source("d", "images", source.path, "f.mp4", None, "1" * 64))
    assert verdict.reason == "corrupt_image" and row["source_sha256"] in verdict.detail


def test_reasons_are_those_of_the_list():
    with pytest.raises(ValueError, match="'ugly' is no reason"):
        rejected({}, Verdict("ugly", ""))
