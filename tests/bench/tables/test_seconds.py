"""Seconds a frame: medians of what rows' jobs measured, beside the paper's."""

import pandas as pd

from bench.tables import seconds
from media.document import read
from media.tables import COLORIZED, write_table


def item(name, kind, n_frames, took, reason=None):
    return {"item": name, "kind": kind, "n_frames": n_frames, "seconds": took, "reason": reason}


def test_medians_over_items_and_the_papers_values(tmp_path, capsys):
    own = [item("a", "clips", 5, 50.0), item("b", "clips", 5, 1.0), item("c", "clips", 10, 4.0)]
    own += [item("d", "clips", 0, 99.0, "method_raised"), item("x", "images", 1, 0.25)]
    write_table(own, tmp_path / "ours.parquet", COLORIZED)
    write_table([item("a", "clips", 0, 0.0, "skipped")], tmp_path / "gone.parquet", COLORIZED)
    write_table([], tmp_path / "none.parquet", COLORIZED)
    seconds.main(
        colorized=[tmp_path / "ours.parquet", tmp_path / "gone.parquet", tmp_path / "none.parquet"],
        devices='{"ours": "cuda"}', clip_size=(216, 384), image_size=(256, 256), csv=tmp_path / "seconds.csv",
        markdown=tmp_path / "seconds.md", json=tmp_path / "seconds.json",
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "seconds.csv").set_index("method")
    assert list(table.index) == ["ours", "gone", "none"]
    line = table.loc["ours"]
    assert (line["clip_seconds"], line["image_seconds"], line["device"]) == (0.4, 0.25, "cuda")
    assert (line["n_clips"], line["n_frames"], line["n_images"]) == (3, 20, 1)
    assert table.loc[["gone", "none"], ["clip_seconds", "image_seconds", "n_clips"]].isna().all(axis=None)
    made = read(tmp_path / "seconds.json")
    papers = [row.cells["clip_seconds"].value for row in made.rows if row.kind == "paper"]
    assert papers == [0.61] and "216 × 384" in made.notes[0].text and seconds.processor() in made.notes[1].text
    assert "paper: Ours" in capsys.readouterr().out
