"""Stage: Figure 7, PSNR against the index of the frame for every row that is given the first one: table and picture."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from matplotlib.axes import Axes

from bench.figures.plot_style import TEXT, looks, plot, tidy
from bench.metrics.psnr import DIRECTION, UNIT
from bench.scoring.read_scores import read_scores
from bench.scoring.statistics import mean_interval
from bench.stand_ins import Choices, flow_name, note_on_rows, read_choices
from media.document import Cell, Column, Document, Note, Row, cells_of
from media.formats import write
from media.provenance import recorded
from media.tables import CLIPS, kept, read_table

PAPERS_ROWS = ("vpn2017", "stn2018", "flow_propagation")  # what Figure 7 shows beside the model

COLUMNS = ["method", "frame", "psnr", "n_clips", "psnr_low", "psnr_high"]
WHAT_IS_SHOWN = (
    "PSNR in dB over RGB [95 % interval, percentile bootstrap over clips], mean over clips; n: clips that have this "
    "frame. Where n falls, shorter clips have ended: the curve then changes with the clips as well."
)
GIVEN = "Frame 0 is given in its true colours and not drawn. The luminance is the input's, which flatters every row."


def main(
    *,
    rows: list[str],
    scores: list[Path],
    clips: Path,
    clips_of: list[str],
    choices: Path,
    seed: int,
    csv: Path,
    svg: Path,
    markdown: Path,
    json: Path,
) -> None:
    """Write the curves as values and as a picture, and what they are and are not.

    Args:
        rows: the rows that are given the first frame, in their order.
        scores: their tables of scores.
        clips: the table of the test clips.
        clips_of: the datasets whose clips count; none: all.
        choices: what the run has chosen where the paper's choice may be another.
        seed: of the draws for intervals.
        csv: the values to write, for programs.
        svg: the picture to write.
        markdown: the values at the ends of the curves, with the notes.
        json: all values and the notes as a document (media/document.py).
    """
    table = curves(read_scores(scores, clips, clips_of), rows, seed)
    shown = kept(read_table(clips, CLIPS))
    datasets = sorted(set(shown["dataset"]) & set(clips_of or shown["dataset"]))
    chosen = read_choices(choices)
    notes = notes_of(table, datasets, chosen)
    psnr_plot(table, flow_name(chosen.flow), svg)
    write(ends(table, notes), markdown=markdown)
    write(document(table, notes), csv=csv, json=json)


def curves(scores: pd.DataFrame, rows: list[str], seed: int) -> pd.DataFrame:
    """One line for each row and frame after the given one, columns COLUMNS; psnr in dB, the mean over clips.

    psnr_low and psnr_high are its 95 % interval over clips, empty for a single one.
    scores has the columns SCORES. Clips that are shorter than a frame's index are not in its mean, so n_clips falls.
    """
    psnr = scores[(scores["metric"] == "psnr") & (scores["kind"] == "clips") & (scores["frame"] > 0)]
    lines = []
    for (row, frame), values in psnr.sort_values("item").groupby(["row", "frame"])["value"]:
        lines.append([row, frame, values.mean(), len(values), *mean_interval(values, seed=seed)])
    table = pd.DataFrame(lines, columns=COLUMNS)
    order = table["method"].map({row: index for index, row in enumerate(rows)})
    return table.assign(order=order).sort_values(["order", "frame"]).drop(columns="order")


def psnr_plot(table: pd.DataFrame, flow: str, path: Path) -> None:
    """Write the curves (columns COLUMNS) as SVG: one line a row with its interval as a band.

    flow: what the flow was, in words, for the caption.
    """
    methods = list(table["method"].unique())
    legend = -(-len(methods) // 2) * 0.16  # inches: two columns below the axes
    with plot(path, height=2.5 + legend) as figure:
        ax = figure.subplots()
        for index, (method, look) in enumerate(looks(methods).items()):
            draw_curve(ax, table[table["method"] == method], method, look, index)
        ax.set(xlabel="frame (0 is given)", ylabel="PSNR (dB)")
        ax.set_title("\n".join(textwrap.wrap(caption(table, flow), 58)), fontsize=TEXT, loc="left")
        tidy(ax)
        if methods:
            spacing = {"handlelength": 2.4, "handletextpad": 0.5, "columnspacing": 1}
            figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=TEXT, **spacing)


def draw_curve(ax: Axes, curve: pd.DataFrame, method: str, look: dict, index: int) -> None:
    """A row's line with its band. look: plot_style.looks; markers of the rows stand at different frames."""
    frames = curve["frame"].to_numpy(int)
    low, high = (curve[end].to_numpy(float) for end in ("psnr_low", "psnr_high"))
    ax.fill_between(frames, low, high, color=look["color"], alpha=0.08, linewidth=0)
    every = max(1, len(frames) // 4)
    ax.plot(frames, curve["psnr"].to_numpy(float), label=method, markevery=(index % every, every), **look)


def caption(table: pd.DataFrame, flow: str) -> str:
    """What is seen: how many clips, what the bands are, and the flow that rows were given."""
    if table.empty:
        return "No clip was scored."
    most, fewest = table["n_clips"].max(), table["n_clips"].min()
    n = f"n = {most}" if most == fewest else f"n = {most} to {fewest}"
    return f"Mean over clips, {n}; bands: 95 % interval over clips. Flow: {flow}."


def document(table: pd.DataFrame, notes: tuple[Note, ...]) -> Document:
    """All values of the curves (columns COLUMNS)."""
    columns = (
        Column(name="method", heading="method"),
        Column(name="frame", heading="frame"),
        Column(name="psnr", heading="PSNR", unit=UNIT, direction=DIRECTION, decimals=2, interval=True),
        Column(name="n_clips", heading="clips"),
    )
    rows = tuple(Row(cells=cells_of(line)) for line in table.to_dict("records"))
    return Document(name="figure7", title="Figure 7", columns=columns, rows=rows, notes=notes)


def ends(table: pd.DataFrame, notes: tuple[Note, ...]) -> Document:
    """The values where the curves begin, where the first clip has ended and at their end: a column each."""
    columns = [Column(name=str(frame), heading=f"frame {frame}") for frame in end_frames(table)]
    rows = [
        Row(cells={"method": Cell(value=method)} | {column.name: _end(curve, column.name) for column in columns})
        for method, curve in table.groupby("method", sort=False)
    ]
    method = Column(name="method", heading="method")
    return Document(name="figure7", title="Figure 7", columns=(method, *columns), rows=tuple(rows), notes=notes)


def notes_of(table: pd.DataFrame, datasets: list[str], choices: Choices) -> tuple[Note, ...]:
    """What the curves (columns COLUMNS) are and are not, and of which datasets."""
    absent = [row for row in PAPERS_ROWS if row not in set(table["method"])]
    papers = (
        "The paper prints its Figure 7 as curves without a table, so none of its values stand here. It shows its own "
        "model, STN, VPN and optical flow"
        + (f"; no rows here: {', '.join(absent)} (config/all.yaml has them). " if absent else ". ")
        + "How long and how wide the models behind rows were trained stands under table1.md."
    )
    return (
        Note(kind="psnr", text=WHAT_IS_SHOWN),
        Note(kind="given", text=GIVEN),
        note_on_rows(choices, set(table["method"])),
        Note(kind="data", text=f"Clips of {', '.join(datasets) or 'no dataset'} (the paper: the sequences of DAVIS)."),
        Note(kind="the paper's", text=papers, rows=tuple(absent)),
    )


def end_frames(table: pd.DataFrame) -> list[int]:
    """The first frame, the last one that all clips have, and the last one at all; those that differ."""
    n_clips = table.groupby("frame")["n_clips"].max()
    if n_clips.empty:
        return []
    everywhere = n_clips.index[n_clips == n_clips.iloc[0]].max()
    return [int(frame) for frame in np.unique([n_clips.index[0], everywhere, n_clips.index[-1]])]


def _end(curve: pd.DataFrame, frame: str) -> Cell:
    """A row's value at a frame with its interval and n; nothing where it has none."""
    lines = curve[curve["frame"] == int(frame)]
    if lines.empty:
        return Cell()
    at = lines.iloc[0]
    between = "" if pd.isna(at["psnr_low"]) else f" [{at['psnr_low']:.2f}, {at['psnr_high']:.2f}]"
    return Cell(value=float(at["psnr"]), text=f"{at['psnr']:.2f}{between}, n = {at['n_clips']}")


if __name__ == "__main__":
    tyro.cli(recorded(main, "csv", "svg", "markdown", "json"))
