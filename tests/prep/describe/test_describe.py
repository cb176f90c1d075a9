"""`python -m prep`: what is said about datasets is what preparation does with them; the plot; errors that teach."""

import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from media.image import write_png
from media.tables import CLIPS
from prep.__main__ import main
from prep.datasets.lists import draw_order
from prep.datasets.registry import read_registry
from prep.describe.describe import histogram, list_sources, margins, rejections, sample
from prep.describe.filter_plot import PLANES, draw_plane, draw_plot, nearest_to_threshold, verdicts, write_names
from prep.judging.quality import Filters

ROOT = Path(__file__).parents[3]
FILTERS = Filters(min_mean_l=15, min_mean_chroma=6, min_chroma_spread=0.5, min_side=32)


def table_of(*rows) -> pd.DataFrame:
    """Items as judge_all gives them; each row a mapping, its columns absent where not given."""
    columns = CLIPS | {"kind": "string", "seconds": "Float64"}
    given = {"dataset": "films", "shot": 0, "kind": "videos"}
    filled = [given | {"source": f"{number}.mp4"} | row for number, row in enumerate(rows)]
    return pd.DataFrame(filled).reindex(columns=list(columns)).astype(columns)


@pytest.fixture
def films(tmp_path, write_video, moving):
    """A folder of videos, good and bad, and a configuration whose registry has it as `films`."""
    grey = [np.repeat(frame.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8) for frame in moving(5, 8)]
    write_video(tmp_path / "films/cut.mp4", moving(1, 9) + moving(2, 7) + moving(3, 3))
    write_video(tmp_path / "films/upright.mp4", moving(4, 8, height=96, width=64))
    write_video(tmp_path / "films/grey.mp4", grey)
    write_video(tmp_path / "films/copy.mp4", moving(4, 8, height=96, width=64))
    (tmp_path / "films/empty.mp4").touch()
    lines = ["name\tkind\troot\tcount", f"films\tvideos\t{tmp_path / 'films'}\t9", "gone\tvideos\t/nowhere\t", ""]
    (tmp_path / "datasets.tsv").write_text("\n".join(lines))
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"datasets: {tmp_path / 'datasets.tsv'}\nclips: {{size: [36, 64], length: 5}}\nfilter: {{min_side: 32}}\n"
    )
    return path


def the_line(wanted: str, lines: list[str]) -> str:
    """The one line that has these words."""
    (line,) = [line for line in lines if wanted in line]
    return line


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\b\d+\b", text)]


def test_it_says_what_is_there_and_what_is_fit_and_writes_nothing(tmp_path, films, capsys):
    before = sorted(tmp_path.rglob("*"))
    main(["describe", "films", "--config", str(films)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("films: ") and numbers(lines[0]) == [5, 9]  # files, and what the registry counts
    assert lines[1].endswith(str(tmp_path / "films"))
    assert numbers(the_line("clips: ", lines)) == [3, 5, 1, 6]  # kept; files, with cuts; shots
    assert numbers(the_line("orientation", lines)) == [2, 2, 1]  # portrait, landscape, not known
    counts = dict(line.split()[:2] for line in lines[lines.index("items: 7") + 1 :][:5])
    assert counts == {"kept": "3", "too_short": "1", "grayscale": "1", "duplicate": "1", "empty_file": "1"}
    assert numbers(the_line("cut.mp4, shot 2: too_short: ", lines).partition("too_short")[2]) == [3, 5, 1, 5]
    assert the_line("empty.mp4: empty_file: ", lines)
    assert sorted(tmp_path.rglob("*")) == before


def test_it_judges_as_preparation_does(tmp_path, films, prepare_set, capsys):
    table = prepare_set(
        "clips", [{"dataset": "films", "files": "*"}], filters={"duplicates": "near", "min_chroma_spread": 1.5}
    )
    main(["describe", "films", "--config", str(films)])
    said = capsys.readouterr().out
    assert f"clips: {table['reason'].isna().sum()} kept" in said
    for row in table.dropna(subset="reason").itertuples():
        assert f"{row.reason}: {row.detail}" in said


def test_photographs_and_videos_are_described_together(tmp_path, films, picture, capsys):
    for seed in range(3):
        write_png(tmp_path / f"photos/{seed}.png", picture(seed, 64, 64))
    with (tmp_path / "datasets.tsv").open("a") as registry:
        registry.write(f"photos\timages\t{tmp_path / 'photos'}\t3\n")
    main(["describe", "films", "photos", "--config", str(films)])
    said = capsys.readouterr().out
    assert "photographs: 3 kept; files: 3" in said and "3 square, 2 portrait, 2 landscape" in said
    assert "films/grey.mp4: grayscale" in said


def test_a_sample_is_drawn_by_name_and_grows_without_changing(tmp_path, films, capsys):
    sources = list_sources(read_registry(tmp_path / "datasets.tsv"), "films", "**/*")
    names = [source.file for source in sources]
    two, three = ([source.file for source in sample(sources, count, seed=0)] for count in (2, 3))
    assert set(two) == set(draw_order(names, 0)[:2]) and set(two) < set(three)
    assert sample(sources, 99, seed=0) == sample(sources, None, seed=0) == sources
    main(["describe", "films", "--config", str(films), "--limit", "2"])
    assert "a sample: 2 of the 5" in capsys.readouterr().out


def test_a_folder_that_only_holds_clips_is_none(tmp_path, picture):
    for name in ("day/1/0.png", "day/2/0.png", "night/0.png"):
        write_png(tmp_path / "frames" / name, picture(0, 8, 8))
    (tmp_path / "datasets.tsv").write_text(f"name\tkind\troot\nframes\tframes\t{tmp_path / 'frames'}\n")
    found = list_sources(read_registry(tmp_path / "datasets.tsv"), "frames", "**/*")
    assert [source.file for source in found] == ["day/1", "day/2", "night"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["filsm"], "did you mean 'films'"),
        (["gone"], "/nowhere does not exist"),
        ([], "films, gone"),
        (["films", "--files", "*.avi"], "cut.mp4"),
        (["films", "--files", "/x"], "/x"),
        (["films", "--limit", "0"], "--limit is 0"),
        (["films", "--plot", "p.bmp"], ".svg, .png, .pdf"),
        (["films", "--config", "none.yaml"], "none.yaml"),
    ],
)
def test_errors_end_with_one_message(films, arguments, message):
    with pytest.raises(SystemExit) as stopped:
        main(["describe", "--config", str(films), *arguments])
    assert str(stopped.value).startswith("error: ") and message in str(stopped.value)


@pytest.mark.parametrize("wrong", ["min_mean_ll: 3", "min_side: wide", "duplicates: off"])
def test_a_threshold_that_makes_no_sense_is_named(tmp_path, films, wrong):
    (tmp_path / "wrong.yaml").write_text(f"filter: {{{wrong}}}\n")
    with pytest.raises(SystemExit, match=rf"filter\.{wrong.partition(':')[0]}"):
        main(["describe", "films", "--config", str(films), "--config", str(tmp_path / "wrong.yaml")])


def test_draw_is_the_other_command(tmp_path, films):
    main(["draw", "films", "--out", str(tmp_path / "list.txt"), "--datasets", str(tmp_path / "datasets.tsv")])
    assert "upright.mp4" in (tmp_path / "list.txt").read_text()


def test_help_imports_nothing_heavy():
    code = "import sys, prep.__main__; print({'cv2', 'pandas', 'matplotlib', 'dask', 'av'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_histogram_adds_up_and_the_most_frequent_reason_comes_first():
    table = table_of(*[{}] * 3, *[{"reason": "too_dark"}] * 2, *[{"reason": "too_short"}] * 5)
    lines = [line.split() for line in histogram(table)]
    assert [line[0] for line in lines] == ["kept", "too_short", "too_dark"]
    assert [line[1:3] for line in lines] == [["3", "30.0%"], ["5", "50.0%"], ["2", "20.0%"]]
    assert [len(line[3]) for line in lines] == [12, 20, 8]


def test_only_some_rejected_items_are_named_unless_all_are_wanted():
    table = table_of({}, *[{"reason": "too_dark", "detail": "too\ndark"}] * 25)
    assert "5 more" in rejections(table, 20)[-1] and "--all" in rejections(table, 20)[-1]
    assert len(rejections(table, 20)) == 21 and len(rejections(table, None)) == 25
    assert rejections(table, 20)[0] == "  1.mp4: too_dark: too dark"
    assert rejections(table, 25)[-1] == "  25.mp4: too_dark: too dark"


def test_the_items_nearest_to_a_threshold_are_those_on_either_side_of_it():
    dark = [{"mean_l": value, "reason": "too_dark"} for value in (3, 14, 9)]
    light = [{"mean_l": value, "source_height": 40, "source_width": 90} for value in (80, 20, 35)]
    short = {"mean_l": 16, "reason": "too_short"}  # neither kept nor rejected for its lightness
    lines = margins(table_of(*dark, *light, short), FILTERS)
    assert re.findall(r"min_mean_l 15|\d+ \(\d.mp4\)", lines[0]) == ["min_mean_l 15", "14 (1.mp4)", "20 (4.mp4)"]
    assert re.findall(r"min_side 32|\d+ \(\d.mp4\)", lines[3]) == ["min_side 32", "40 (3.mp4)"]  # none was rejected


def measured(count: int) -> pd.DataFrame:
    """Items all over the plot, with the verdicts that their numbers ask for."""
    drawn = np.random.default_rng(0)
    rows = []
    for l_, chroma, spread in drawn.uniform((2, 0, 0), (90, 30, 9), (count, 3)).tolist():
        reason = "too_dark" if l_ < 15 else "grayscale" if spread < 0.5 else "low_chroma" if chroma < 6 else None
        rows.append({"mean_l": l_, "mean_chroma": chroma, "chroma_spread": spread, "reason": reason})
    return table_of(*rows, {"reason": "empty_file"})


def test_the_plot_names_thresholds_and_rejected_items_and_is_the_same_each_time(tmp_path):
    table = measured(9)
    for name in ("once.svg", "twice.svg"):
        draw_plot(table, FILTERS, tmp_path / name)
    drawn = (tmp_path / "once.svg").read_text()
    assert drawn == (tmp_path / "twice.svg").read_text()
    for wanted in ("filter.min_mean_l 15", "filter.min_mean_chroma 6", "filter.min_chroma_spread 0.5", "kept ("):
        assert wanted in drawn
    rejected = table[table["reason"].notna() & table["mean_l"].notna()]
    assert len(rejected) and all(f">{Path(source).stem}<" in drawn for source in rejected["source"])


def test_names_in_the_plot_do_not_overlap():
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    table = measured(150)
    table = table.assign(name=table["source"], verdict=verdicts(table)).dropna(subset="mean_l")
    columns = ["mean_l", "mean_chroma", "chroma_spread"]
    table[columns] = table[columns].astype(float).clip(lower=0.1)
    figure = Figure()
    canvas, ax = FigureCanvasAgg(figure), figure.subplots()
    draw_plane(ax, PLANES[0], table, FILTERS)
    canvas.draw()
    write_names(ax, PLANES[0], nearest_to_threshold(table, PLANES[0], FILTERS), table)
    boxes = [Text.get_window_extent(text, canvas.get_renderer()) for text in ax.texts]
    assert len(boxes) > 8
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_nothing_to_plot_is_said(films, tmp_path):
    with pytest.raises(SystemExit, match="nothing to plot"):
        main(["describe", "films", "--config", str(films), "--files", "empty.mp4", "--plot", str(tmp_path / "p.svg")])
