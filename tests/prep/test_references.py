"""Retrieval: grey pictures are compared, and nothing is ever its own reference."""

import numpy as np
import pandas as pd
import pytest

from media.image import frame_path, write_png
from media.tables import CLIPS, REFERENCES, read_table, write_table
from prep.references import best_references, main

ITEM = pd.Series({"clip": "me", "dataset": "d", "source": "me.jpg", "sha256": "h0", "source_sha256": "f0"})


def gallery(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["clip", "dataset", "source", "sha256", "source_sha256"])


def test_the_most_similar_come_first():
    others = gallery(*[(name, "d", name, name, name) for name in "abcd"])
    rows = best_references(ITEM, others, np.array([0.1, 0.9, 0.5, 0.7]), count=3)
    assert [(row["rank"], row["reference"], row["similarity"]) for row in rows] == [
        (1, "b", 0.9),
        (2, "d", 0.7),
        (3, "c", 0.5),
    ]


def test_never_the_items_own_pixels_or_source():
    others = gallery(
        ("same_source", "d", "me.jpg", "other_size", None),
        ("same_pixels", "e", "copy.jpg", "h0", "f1"),
        ("same_file", "e", "renamed.jpg", "another_size", "f0"),
        ("same_name_elsewhere", "e", "me.jpg", "h1", "f2"),
    )
    with pytest.warns(UserWarning, match="me: only 1 of 2 references"):
        rows = best_references(ITEM, others, np.array([1.0, 1.0, 1.0, 0.2]), count=2)
    assert [row["reference"] for row in rows] == ["same_name_elsewhere"]


def test_a_gallery_of_nothing_else_is_an_error_that_teaches():
    with pytest.raises(ValueError, match="me: the gallery has 1 images and none but the item's own; add images"):
        best_references(ITEM, gallery(("me", "d", "me.jpg", "x", "f0")), np.array([1.0]), count=5)


def test_the_stage_finds_the_same_picture_in_other_colours(tmp_path, picture):
    pictures = [picture(seed, 64, 64) for seed in range(4)]
    row = {"dataset": "d", "n_frames": 1}
    for index, rgb in enumerate(pictures):
        write_png(frame_path(tmp_path / "gallery" / f"g{index}", 0), rgb)
    grey = np.rint(pictures[2] @ [0.2126, 0.7152, 0.0722]).astype(np.uint8)
    write_png(frame_path(tmp_path / "items/i2", 0), np.stack([grey] * 3, axis=-1))
    rows = [row | {"clip": f"g{i}", "source": f"{i}.png", "sha256": str(i)} for i in range(4)]
    write_table(rows, tmp_path / "gallery.parquet", CLIPS)
    found = {}
    for source in ("clip.mp4", "2.png"):  # another source, then the gallery image's own
        write_table([row | {"clip": "i2", "source": source, "sha256": "i"}], tmp_path / "items.parquet", CLIPS)
        main(
            queries=tmp_path / "items.parquet",
            gallery=tmp_path / "gallery.parquet",
            backbone="efficientnet_lite0",
            weights=tmp_path,
            table=tmp_path / "references.parquet",
            count=3,
        )
        found[source] = read_table(tmp_path / "references.parquet", REFERENCES)
    best = found["clip.mp4"].iloc[0]
    assert (best["item"], best["rank"], best["reference"]) == ("i2", 1, "g2")
    assert best["path"] == str(tmp_path / "gallery/g2/00000.png")
    assert found["clip.mp4"]["similarity"].is_monotonic_decreasing
    assert sorted(found["2.png"]["reference"]) == ["g0", "g1", "g3"]
