"""Stage: whole shots, and how far their colours have drifted at each frame (Figure 16 shows pictures alone)."""

from itertools import cycle
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import tyro
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.figures.drift import UNIT, drift, mean_colours
from bench.figures.figure7 import COLOURS, DASHES, MARKERS, TEXT, WIDTH
from bench.figures.strips import NOTE_ON_NUMBERS, Items, clip_strip, results_of, write_gallery
from bench.stand_ins import note_on_rows
from media.image import read_frames
from media.provenance import recorded
from media.tables import folder_of
from media.whole import written_whole

VERSION = 1

COLUMNS = ["row", "clip", "frame", "drift", "a", "b", "truth_a", "truth_b"]  # Lab units; of the frame's mean colour
SHOWN = 8  # frames of a strip, evenly over the clip
TITLE = (
    "**Figure 16 of the paper: colours change over a long clip.** Whole shots, and how far their colours have drifted "
    "at each frame."
)
NOTES = (
    "drift.csv, drift.svg: |e(t) - e(0)| in Lab units, where e(t) is the mean colour (a, b) of frame t minus that of "
    "the same frame of the truth: 0 where nothing drifts, also under a wrong tint that stays. Colours too pale to "
    "follow the scene's drift as well: a clip without colours, also in the plot, has the truth's own change as its "
    "drift. The measure is ours: the paper shows pictures only.",
    NOTE_ON_NUMBERS,
)


def main(*, clips: Path, colorized: list[Path], backbone: str, flow: str, folder: Path) -> None:
    """Measure and draw.

    Args:
        clips: table of the long clips.
        colorized: the tables of the rows that coloured them.
        backbone: network on whose features rows match and learn.
        flow: estimator whose flow they are given.
        folder: the folder to write.
    """
    items = Items("clips", clips)
    table = drifts(items, colorized)
    strips = [
        clip_strip(items, clip, colorized, np.unique(np.linspace(0, n_frames - 1, SHOWN).round().astype(int)).tolist())
        for clip, n_frames in items.n_frames.items()
    ]
    lengths = ", ".join(f"`{clip}` ({n_frames} frames)" for clip, n_frames in items.n_frames.items())
    rows = ", ".join(f"`{table.stem}`" for table in colorized)
    shown = f"Shown: every kept clip of the set `{clips.stem}`: {lengths or 'none'}; coloured by {rows}."
    write_gallery(folder, strips, TITLE, [shown, *NOTES, note_on_rows(backbone, flow), *last_words(table)])
    with written_whole(folder / "drift.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    draw(table, folder / "drift.svg")


def drifts(items: Items, colorized: list[Path]) -> pd.DataFrame:
    """A line for each row, clip and frame, columns COLUMNS; a clip that a row could not colour has none."""
    parts = [pd.DataFrame(columns=COLUMNS)]
    for clip, n_frames in items.n_frames.items():
        truth = mean_colours(read_frames(folder_of(items.table) / clip, n_frames))
        for table in colorized:
            done = results_of(table).get(("clips", clip))
            if done is None or done["reason"] is not None:
                continue  # its strip says why
            result = mean_colours(read_frames(folder_of(table) / "clips" / clip, n_frames))
            columns = [drift(result, truth), *result.T, *truth.T]
            numbers = dict(zip(COLUMNS[3:], columns, strict=True))
            parts.append(pd.DataFrame({"row": table.stem, "clip": clip, "frame": range(n_frames), **numbers}))
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


def last_words(table: pd.DataFrame) -> list[str]:
    """The drift at the last frame, beside that of grey, and where it was largest: a line for each curve."""
    lines = []
    for (row, clip), curve in table.groupby(["row", "clip"], sort=False):
        last, most = curve.iloc[-1], curve.loc[curve["drift"].idxmax()]
        lines.append(
            f"`{row}` on `{clip}`: drift {last['drift']:.1f} at the last frame, {last['frame']} (without colours: "
            f"{without_colours(curve)[-1]:.1f}); at most {most['drift']:.1f}, at frame {most['frame']}."
        )
    return lines


def without_colours(curve: pd.DataFrame) -> np.ndarray:
    """The drift of the same clip in grey, at each frame. curve: a row's lines of one clip, columns COLUMNS."""
    truths = curve[["truth_a", "truth_b"]].to_numpy(float)
    return drift(np.zeros_like(truths), truths)


def draw(table: pd.DataFrame, path: Path) -> None:
    """Write the curves (columns COLUMNS) as SVG, a plot for each clip and in it a line for each row.

    Text stays text and nothing random or dated is written, so the same curves give the same file.
    """
    style = {"svg.fonttype": "none", "svg.hashsalt": "huebench", "font.size": TEXT, "axes.linewidth": 0.6}
    with matplotlib.rc_context(style):
        clips, rows = list(table["clip"].unique()), list(table["row"].unique())
        looks = dict(zip(rows, zip(cycle(COLOURS), cycle(DASHES), cycle(MARKERS), strict=False), strict=False))
        figure = Figure(figsize=(WIDTH, 0.4 + 2.1 * max(1, len(clips))), layout="constrained")
        axes = figure.subplots(max(1, len(clips)), squeeze=False)[:, 0]
        for clip, ax in zip(clips, axes, strict=False):
            draw_clip(ax, table[table["clip"] == clip], clip, looks)
        labelled = [ax.get_legend_handles_labels() for ax in axes]
        entries = {label: handle for found in labelled for handle, label in zip(*found, strict=True)}
        figure.legend(entries.values(), entries, loc="outside lower center", ncols=2, frameon=False)
        with written_whole(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})


def draw_clip(ax: Axes, table: pd.DataFrame, clip: str, looks: dict[str, tuple]) -> None:
    """A clip's curves, and that of the clip in grey. looks: colour, dashes and marker of each row."""
    one = table.drop_duplicates("frame")
    ax.plot(one["frame"].to_numpy(int), without_colours(one), color="#999999", linewidth=0.7, label="without colours")
    for row, curve in table.groupby("row", sort=False):
        colour, dashes, marker = looks[row]
        ax.plot(
            curve["frame"].to_numpy(int), curve["drift"].to_numpy(float), color=colour, linestyle=dashes, linewidth=1.1,
            label=row, marker=marker, markersize=3.2, markeredgewidth=0, markevery=max(1, len(curve) // 4),
        )  # fmt: skip
    ax.set(xlabel="frame", ylabel=f"colour drift ({UNIT})", ylim=(0, None))
    ax.set_title(clip, fontsize=TEXT, loc="left")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="y", color="#DDDDDD", linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    tyro.cli(recorded(main, VERSION, "folder"))
