"""Stage: Figure 7, PSNR against the index of the frame for every row that is given the first one: table and picture."""

import textwrap
from itertools import cycle
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import tyro
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.scoring.read_scores import read_scores
from bench.scoring.statistics import mean_interval
from bench.stand_ins import flow_name, note_on_rows
from media.provenance import recorded
from media.tables import CLIPS, kept, read_table
from media.whole import written_whole

VERSION = 3

PAPERS_ROWS = ("vpn2017", "stn2018", "flow_propagation")  # what Figure 7 shows beside the model

COLUMNS = ["method", "frame", "psnr", "n_clips", "psnr_low", "psnr_high"]
# Okabe and Ito's colours, told apart by the colour-blind; dashes and markers tell the lines apart in grey as well.
COLOURS = ("#000000", "#E69F00", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "X", "P", "<", ">")
WIDTH = 3.4  # inches, a column of a paper
TEXT = 7  # points


def main(
    *,
    rows: list[str],
    scores: list[Path],
    clips: Path,
    clips_of: list[str],
    backbone: str,
    flow: str,
    seed: int,
    csv: Path,
    svg: Path,
    markdown: Path,
) -> None:
    """Write the curves as CSV and as a picture, and what they are and are not as Markdown.

    Args:
        rows: the rows that are given the first frame, in their order.
        scores: their tables of scores.
        clips: the table of the test clips.
        clips_of: the datasets whose clips count; none: all.
        backbone: network on whose features rows match and learn.
        flow: estimator whose flow they are given.
        seed: of the draws for intervals.
        csv: the CSV to write.
        svg: the picture to write.
        markdown: the values at the ends of the curves, with the notes.
    """
    table = curves(read_scores(scores, clips, clips_of), rows, seed)
    shown = kept(read_table(clips, CLIPS))
    datasets = sorted(set(shown["dataset"]) & set(clips_of or shown["dataset"]))
    with written_whole(markdown) as temporary:
        temporary.write_text(to_markdown(table, datasets, note_on_rows(backbone, flow)))
    draw(table, flow_name(flow), svg)
    with written_whole(csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


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


def draw(table: pd.DataFrame, flow: str, path: Path) -> None:
    """Write the curves (columns COLUMNS) as SVG: one line a row with its interval as a band.

    flow: what the flow was, in words, for the caption. Text stays text and nothing random or dated is written, so the
    same curves give the same file.
    """
    style = {"svg.fonttype": "none", "svg.hashsalt": "huebench", "font.size": TEXT, "axes.linewidth": 0.6}
    with matplotlib.rc_context(style):
        methods = list(table["method"].unique())
        legend = -(-len(methods) // 2) * 0.16  # inches: two columns below the axes
        figure = Figure(figsize=(WIDTH, 2.5 + legend), layout="constrained")
        ax = figure.subplots()
        looks = zip(methods, cycle(COLOURS), cycle(DASHES), cycle(MARKERS), strict=False)
        for index, (method, *look) in enumerate(looks):
            draw_curve(ax, table[table["method"] == method], method, look, index)
        ax.set(xlabel="frame (0 is given)", ylabel="PSNR (dB)")
        ax.set_title("\n".join(textwrap.wrap(caption(table, flow), 58)), fontsize=TEXT, loc="left")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(axis="y", color="#DDDDDD", linewidth=0.5)
        ax.spines[["top", "right"]].set_visible(False)
        if methods:
            spacing = {"handlelength": 2.4, "handletextpad": 0.5, "columnspacing": 1}
            figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=TEXT, **spacing)
        with written_whole(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})


def draw_curve(ax: Axes, curve: pd.DataFrame, method: str, look: list, index: int) -> None:
    """A row's line with its band. look: colour, dashes, marker; markers of the rows stand at different frames."""
    colour, dashes, marker = look
    frames = curve["frame"].to_numpy(int)
    low, high = (curve[end].to_numpy(float) for end in ("psnr_low", "psnr_high"))
    ax.fill_between(frames, low, high, color=colour, alpha=0.08, linewidth=0)
    every = max(1, len(frames) // 4)
    ax.plot(
        frames, curve["psnr"].to_numpy(float), color=colour, linestyle=dashes, linewidth=1.1, label=method,
        marker=marker, markersize=3.2, markeredgewidth=0, markevery=(index % every, every),
    )  # fmt: skip


def caption(table: pd.DataFrame, flow: str) -> str:
    """What is seen: how many clips, what the bands are, and the flow that rows were given."""
    if table.empty:
        return "No clip was scored."
    most, fewest = table["n_clips"].max(), table["n_clips"].min()
    n = f"n = {most}" if most == fewest else f"n = {most} to {fewest}"
    return f"Mean over clips, {n}; bands: 95 % interval over clips. Flow: {flow}."


def to_markdown(table: pd.DataFrame, datasets: list[str], note: str) -> str:
    """The curves' values where they begin, where the first clip has ended and at their end, and what they are."""
    frames = end_frames(table)
    lines = [
        {"method": method} | {f"frame {frame}": _cell(curve, frame) for frame in frames}
        for method, curve in table.groupby("method", sort=False)
    ]
    body = pd.DataFrame(lines).to_markdown(index=False, disable_numparse=True)
    absent = [row for row in PAPERS_ROWS if row not in set(table["method"])]
    notes = [
        "PSNR in dB over RGB [95 % interval, percentile bootstrap over clips], mean over clips; n: clips that have "
        "this frame. Where n falls, shorter clips have ended: the curve then changes with the clips as well.",
        "Frame 0 is given in its true colours and not drawn. The luminance is the input's, which flatters every row.",
        note,
        f"Clips of {', '.join(datasets) or 'no dataset'} (the paper: the sequences of DAVIS).",
        "The paper prints its Figure 7 as curves without a table, so none of its values stand here. It shows its own "
        "model, STN, VPN and optical flow"
        + (f"; no rows here: {', '.join(absent)} (config/all.yaml has them). " if absent else ". ")
        + "How long and how wide the models behind rows were trained stands under table1.md.",
    ]
    return "\n".join(["# Figure 7", "", body, "", *(f"- {note}" for note in notes), ""])


def end_frames(table: pd.DataFrame) -> list[int]:
    """The first frame, the last one that all clips have, and the last one at all; those that differ."""
    n_clips = table.groupby("frame")["n_clips"].max()
    if n_clips.empty:
        return []
    everywhere = n_clips.index[n_clips == n_clips.iloc[0]].max()
    return [int(frame) for frame in np.unique([n_clips.index[0], everywhere, n_clips.index[-1]])]


def _cell(curve: pd.DataFrame, frame: int) -> str:
    """A row's value at a frame with its interval and n; nothing where it has none."""
    found = curve[curve["frame"] == frame]
    if found.empty:
        return ""
    at = found.iloc[0]
    between = "" if pd.isna(at["psnr_low"]) else f" [{at['psnr_low']:.2f}, {at['psnr_high']:.2f}]"
    return f"{at['psnr']:.2f}{between}, n = {at['n_clips']}"


if __name__ == "__main__":
    tyro.cli(recorded(main, VERSION, "csv", "svg", "markdown"))
