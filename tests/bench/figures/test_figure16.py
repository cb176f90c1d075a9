"""Figure 16: the drift of rows whose drift is known, in table and plot."""

import re

import numpy as np
import pandas as pd
import pytest
from skimage.color import rgb2lab

from bench.figures import figure16
from media.document import read
from media.image import frame_path, read_rgb


@pytest.fixture
def figure(world, colored, choices, tmp_path):
    """The folder of the figure of the truth itself, of copied colours, and of a row that fails."""
    rows = [
        colored("ground_truth", precomputed="{results}/{kind}/test"),
        colored("copy_first"),
        colored("elsewhere", precomputed=str(world.root / "nowhere/{kind}")),
    ]
    figure16.main(
        clips=world.root / "clips/test.parquet", colorized=rows, choices=choices(),
        folder=tmp_path / "figure16",
    )  # fmt: skip
    return tmp_path / "figure16"


def test_the_table_has_the_drift_of_every_frame(figure, world):
    table = pd.read_csv(figure / "drift.csv")
    assert list(table) == figure16.COLUMNS
    assert table.groupby(["row", "clip"]).size().to_dict() == {
        (row, clip): frames for row in ("ground_truth", "copy_first") for clip, frames in (("clip_a", 5), ("clip_b", 4))
    }
    table = table.set_index(["row", "clip", "frame"])
    assert (table.xs("ground_truth")["drift"] == 0).all()
    folder = world.root / "colorize/copy_first/clips/clip_a"
    errors = [
        (rgb2lab(read_rgb(frame_path(folder, t))) - rgb2lab(world.clips["clip_a"][t]))[..., 1:].mean(axis=(0, 1))
        for t in (0, 4)
    ]
    expected = np.linalg.norm(errors[1] - errors[0])
    assert table.loc[("copy_first", "clip_a", 4), "drift"] == pytest.approx(expected, abs=2e-3) and expected > 0.5


def test_the_plot_has_a_line_for_each_row_and_is_the_same_each_time(figure):
    drawn = (figure / "drift.svg").read_text()
    assert all(
        word in drawn for word in ("clip_a", "clip_b", "copy_first", "without colours", "colour drift (Lab units)")
    )
    table = pd.read_csv(figure / "drift.csv")
    for name in ("once.svg", "twice.svg"):
        figure16.drift_plot(table, figure / name)
    assert (figure / "once.svg").read_bytes() == (figure / "twice.svg").read_bytes()


def test_strips_and_caption_say_what_is_shown(figure, world):
    shown = pd.read_csv(figure / "shown.csv")
    assert shown.loc[shown["row"] == "elsewhere", "reason"].str.startswith("method_raised").all()
    assert set(shown.loc[shown["item"] == "clip_b", "frame"]) == {0, 1, 2, 3}
    notes = read(figure / "figure.json").notes
    assert "`clip_a` (5 frames)" in notes[0].text and notes[0].rows == ("ground_truth", "copy_first", "elsewhere")
    colors = [rgb2lab(rgb)[..., 1:].mean(axis=(0, 1)) for rgb in (world.clips["clip_a"][0], world.clips["clip_a"][4])]
    grey = np.linalg.norm(colors[1] - colors[0])
    said = next(note for note in notes if note.kind == "last words" and "`clip_a`" in note.text)
    assert said.rows == ("ground_truth",)
    assert re.findall(r"\d+\.\d", said.text) == ["0.0", f"{grey:.1f}", "0.0"] and "last frame, 4" in said.text


def test_nothing_coloured_is_an_empty_table_and_plot(world, colored, choices, tmp_path):
    rows = [colored("elsewhere", precomputed=str(world.root / "nowhere/{kind}"))]
    figure16.main(
        clips=world.root / "clips/test.parquet", colorized=rows, choices=choices(),
        folder=tmp_path / "figure16",
    )  # fmt: skip
    assert pd.read_csv(tmp_path / "figure16/drift.csv").empty and (tmp_path / "figure16/drift.svg").exists()
