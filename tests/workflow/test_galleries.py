"""Clips that are only shown: figures 11 to 16 as the whole pipeline leaves them, and what they must not touch."""

import numpy as np
import pandas as pd
import yaml
from tiny_world import LENGTH, planned, snakemake

from bench.figures.drift import drift, mean_colors
from media.document import read
from media.image import frame_path, read_frames, read_rgb
from media.tables import CLIPS, COLORIZED, kept, read_table


def test_a_figure_shows_one_clip_with_each_of_five_references(run):
    clips = kept(read_table(run / "results/clips/test.parquet", CLIPS))["clip"].tolist()
    for number, clip in zip((11, 12), clips, strict=True):
        shown = pd.read_csv(run / f"results/figure{number}/shown.csv")
        assert set(shown["item"]) == {clip} and shown["reason"].isna().all()
        references = shown[shown["row"] == "reference"].set_index("rank")["similarity"]
        assert list(references.index) == [1, 2, 3, 4, 5] and references.is_monotonic_decreasing
        assert set(shown[shown["row"] == "welsh2002"]["rank"]) == {1, 2, 3, 4, 5}


def test_every_rank_is_its_own_colouring_of_the_clips_alone(run):
    clips = kept(read_table(run / "results/clips/test.parquet", CLIPS))["clip"].tolist()
    for rank in (2, 3, 4, 5):
        table = read_table(run / f"results/colorize_shown/test/{rank}/welsh2002.parquet", COLORIZED)
        assert list(table["item"]) == clips and table["reason"].isna().all()
    folders = [run / f"results/colorize_shown/test/{rank}/welsh2002/clips" for rank in (2, 3)]
    first, second = (read_rgb(frame_path(folder / clips[0], 0)).astype(int) for folder in folders)
    assert np.abs(first - second).mean() > 1


def test_a_figure_without_a_clip_says_so(run):
    for number in (13, 14):
        folder = run / f"results/figure{number}"
        assert sorted(path.name for path in folder.iterdir() if path.name[0] != ".") == [
            "caption.md", "figure.json", "shown.csv",
        ]  # fmt: skip
        assert [note.kind for note in read(folder / "figure.json").notes] == ["nothing shown"]


def test_a_clip_without_colours_is_shown_and_not_rejected(run):
    clips = read_table(run / "results/clips/legacy.parquet", CLIPS)
    assert list(clips["source"]) == ["grey.mkv"] and clips["reason"].isna().all()
    kinds = [note.kind for note in read(run / "results/figure15/figure.json").notes]
    assert kinds == ["shown", "numbers", "choices"]  # and no stand-in for legacy footage
    shown = pd.read_csv(run / "results/figure15/shown.csv")
    assert set(shown["row"]) == {"input", "reference", "welsh2002"} and shown["reason"].isna().all()


def test_drift_is_that_of_the_frames(run):
    table = pd.read_csv(run / "results/figure16/drift.csv")
    assert list(dict.fromkeys(table["row"])) == ["copy_first", "welsh2002"]
    (clip,) = set(table["clip"])
    folders = [run / "results/colorize_shown/long/1/copy_first/clips" / clip, run / "results/clips/long" / clip]
    expected = drift(*(mean_colors(read_frames(folder, LENGTH)) for folder in folders))
    found = table[table["row"] == "copy_first"]["drift"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert found.iloc[0] == 0 and found.iloc[-1] > 0.1
    assert "copy_first" in (run / "results/figure16/drift.svg").read_text()


def test_what_is_shown_takes_nothing_from_what_is_scored(run, world):
    """The long clip is made of a source of the test set, which keeps it."""
    test, long = (kept(read_table(run / f"results/clips/{split}.parquet", CLIPS)) for split in ("test", "long"))
    assert set(long["source"]) == {"drift.mkv"} < set(test["source"])
    done = snakemake("-n", "results/table1.csv", "--printshellcmds", "--forceall", directory=run, config=world)
    assert done.returncode == 0, done.stdout
    assert "legacy" not in done.stdout and "clips/long" not in done.stdout and "colorize_shown" not in done.stdout


def test_without_a_set_the_rest_is_made(tmp_path):
    (tmp_path / "overlay.yaml").write_text(yaml.safe_dump({"clips": {"sets": {"legacy": None, "long": None}}}))
    everything = snakemake("-n", directory=tmp_path, config=tmp_path / "overlay.yaml")
    assert everything.returncode == 0, everything.stdout
    jobs = planned(everything.stdout)
    assert "figure15" not in jobs and "figure16" not in jobs and jobs["figure11_to_14"] == 4
