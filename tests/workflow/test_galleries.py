"""Clips that are only shown: figures 11 to 16 as the whole pipeline leaves them, and what they must not touch."""

import numpy as np
import pandas as pd
import pytest
import yaml
from tiny_world import LENGTH, ROOT, planned, snakemake

from bench.figures.drift import drift, mean_colours
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
    expected = drift(*(mean_colours(read_frames(folder, LENGTH)) for folder in folders))
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


@pytest.fixture
def plan(tmp_path):
    """Plans targets of the default with some keys changed; what Snakemake said."""

    def call(change, *targets):
        (tmp_path / "overlay.yaml").write_text(yaml.safe_dump(change))
        return snakemake("-n", *targets, directory=tmp_path, config=tmp_path / "overlay.yaml")

    return call


def test_without_a_set_its_figure_is_refused_and_the_rest_is_made(plan):
    without = {"clips": {"sets": {"legacy": None, "long": None}}}
    done = plan(without, "results/figure15")
    assert done.returncode != 0 and "no set of clips 'legacy'" in done.stdout and "`legacy: {from: [" in done.stdout
    everything = plan(without)
    assert everything.returncode == 0, everything.stdout
    jobs = planned(everything.stdout)
    assert "figure15" not in jobs and "figure16" not in jobs and jobs["figure11_to_14"] == 4


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"legacy": {"rows": ["ours_shiped"]}}, "did you mean 'ours_shipped'?"),
        ({"legacy": {"rows": ["ours_first_frame"]}}, "coloured with a reference, but the row 'ours_first_frame'"),
        ({"long": {"rows": ["grey"]}}, "coloured with a reference or first_frame, but the row 'grey'"),
        ({"multimodal": {"clips": [1, 2]}}, "[1, 2]"),
    ],
)
def test_rows_that_cannot_colour_a_figure_stop_the_run(plan, figures, said):
    done = plan({"figures": figures}, "results/figure16")
    assert done.returncode != 0 and said in done.stdout


def test_fewer_references_are_fewer_colourings(plan):
    done = plan({"references": {"count": 2}}, "results/figure11")
    assert done.returncode == 0, done.stdout
    assert planned(done.stdout)["colorize_shown"] == 1


def test_the_papers_run_shows_its_own_model(tmp_path):
    targets = [f"results/figure{number}" for number in (11, 15, 16)]
    done = snakemake("-n", *targets, "--printshellcmds", directory=tmp_path, config=ROOT / "config/paper.yaml")
    assert done.returncode == 0, done.stdout
    assert "results/colorize_shown/legacy/1/ours.parquet" in done.stdout and "ours_shipped" not in done.stdout
