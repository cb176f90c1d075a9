"""Stage: whole shots, and how far their colours have drifted at each frame (Figure 16 shows pictures alone)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from matplotlib.axes import Axes

from bench.figures.drift import UNIT, drift, mean_colors
from bench.figures.plot_style import TEXT, looks, plot, tidy
from bench.figures.strips import (
    NOTE_ON_NUMBERS,
    Caption,
    ShownItems,
    clip_strip,
    in_code,
    nothing_fit,
    nothing_shown,
    results_of,
    write_gallery,
)
from bench.stand_ins import note_on_rows, read_choices
from media.document import Note
from media.image import read_frames
from media.provenance import recorded
from media.tables import CLIPS, folder_of, read_table
from media.whole import written_whole

COLUMNS = ["row", "clip", "frame", "drift", "a", "b", "truth_a", "truth_b"]  # Lab units; of the frame's mean colour
SHOWN = 8  # frames of a strip, evenly over the clip
TITLE = "Figure 16 of the paper: colours change over a long clip"
LEAD = "Whole shots, and how far their colours have drifted at each frame."
NOTE_ON_DRIFT = Note(
    kind="drift",
    text="drift.csv, drift.svg: |e(t) - e(0)| in Lab units, where e(t) is the mean colour (a, b) of frame t minus that "
    "of the same frame of the truth: 0 where nothing drifts, also under a wrong tint that stays. Colours too pale to "
    "follow the scene's drift as well: a clip without colours, also in the plot, has the truth's own change as its "
    "drift. The measure is ours: the paper shows pictures only.",
)


def main(
    *,
    clips: Path | None = None,
    colorized: tuple[Path, ...] = (),
    choices: Path,
    folder: Path,
    absent: str = "",
) -> None:
    """Measure and draw.

    Args:
        clips: table of the long clips; None: there are none.
        colorized: the tables of the rows that coloured them.
        choices: what the run has chosen where the paper's choice may be another.
        folder: the folder to write.
        absent: what to do to have clips, where there are none.
    """
    if clips is None:
        return write_gallery(folder, [], Caption(TITLE, LEAD, [nothing_shown("long", absent)]))
    items = ShownItems("clips", clips)
    if not items.n_frames:
        return write_gallery(folder, [], Caption(TITLE, LEAD, [nothing_fit(read_table(clips, CLIPS), clips.stem)]))
    measured = drifts(items, colorized)
    strips = [
        clip_strip(items, clip, colorized, np.unique(np.linspace(0, n_frames - 1, SHOWN).round().astype(int)).tolist())
        for clip, n_frames in items.n_frames.items()
    ]
    lengths = ", ".join(f"{in_code([clip])} ({n_frames} frames)" for clip, n_frames in items.n_frames.items())
    rows = tuple(table.stem for table in colorized)
    said = f"Shown: every kept clip of the set `{clips.stem}`: {lengths}; coloured by {in_code(rows)}."
    notes = [
        Note(kind="shown", text=said, rows=rows),
        NOTE_ON_DRIFT,
        NOTE_ON_NUMBERS,
        note_on_rows(read_choices(choices), rows),
        *last_words(measured),
    ]
    write_gallery(folder, strips, Caption(TITLE, LEAD, notes))
    with written_whole(folder / "drift.csv") as temporary:
        measured.to_csv(temporary, index=False, float_format="%.6g")
    drift_plot(measured, folder / "drift.svg")


def drifts(items: ShownItems, colorized: Sequence[Path]) -> pd.DataFrame:
    """A line for each row, clip and frame, columns COLUMNS; a clip that a row could not colour has none."""
    parts = [pd.DataFrame(columns=COLUMNS)]
    for clip, n_frames in items.n_frames.items():
        truth = mean_colors(read_frames(folder_of(items.table) / clip, n_frames))
        for table in colorized:
            done = results_of(table).get(("clips", clip))
            if done is None or done["reason"] is not None:
                continue  # its strip says why
            result = mean_colors(read_frames(folder_of(table) / "clips" / clip, n_frames))
            columns = [drift(result, truth), *result.T, *truth.T]
            numbers = dict(zip(COLUMNS[3:], columns, strict=True))
            parts.append(pd.DataFrame({"row": table.stem, "clip": clip, "frame": range(n_frames), **numbers}))
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


def last_words(table: pd.DataFrame) -> Iterator[Note]:
    """The drift at the last frame, beside that of grey, and where it was largest: a note on each curve."""
    for (row, clip), curve in table.groupby(["row", "clip"], sort=False):
        last, most = curve.iloc[-1], curve.loc[curve["drift"].idxmax()]
        said = (
            f"`{row}` on {in_code([clip])}: drift {last['drift']:.1f} at the last frame, {last['frame']} (without "
            f"colours: {without_colors(curve)[-1]:.1f}); at most {most['drift']:.1f}, at frame {most['frame']}."
        )
        yield Note(kind="last words", text=said, rows=(row,))


def without_colors(curve: pd.DataFrame) -> np.ndarray:
    """The drift of the same clip in grey, at each frame. curve: a row's lines of one clip, columns COLUMNS."""
    truths = curve[["truth_a", "truth_b"]].to_numpy(float)
    return drift(np.zeros_like(truths), truths)


def drift_plot(table: pd.DataFrame, path: Path) -> None:
    """Write the curves (columns COLUMNS) as SVG, a plot for each clip and in it a line for each row."""
    clips, rows = list(table["clip"].unique()), list(table["row"].unique())
    with plot(path, height=0.4 + 2.1 * max(1, len(clips))) as figure:
        axes = figure.subplots(max(1, len(clips)), squeeze=False)[:, 0]
        for clip, ax in zip(clips, axes, strict=False):
            draw_clip(ax, table[table["clip"] == clip], clip, looks(rows))
        labeled = [ax.get_legend_handles_labels() for ax in axes]
        entries = {label: handle for of_axes in labeled for handle, label in zip(*of_axes, strict=True)}
        figure.legend(entries.values(), entries, loc="outside lower center", ncols=2, frameon=False)


def draw_clip(ax: Axes, table: pd.DataFrame, clip: str, look_of: dict[str, dict]) -> None:
    """A clip's curves, and that of the clip in grey. look_of: plot_style.looks of all rows."""
    one = table.drop_duplicates("frame")
    ax.plot(one["frame"].to_numpy(int), without_colors(one), color="#999999", linewidth=0.7, label="without colours")
    for row, curve in table.groupby("row", sort=False):
        every = max(1, len(curve) // 4)
        frames, drifted = curve["frame"].to_numpy(int), curve["drift"].to_numpy(float)
        ax.plot(frames, drifted, label=row, markevery=every, **look_of[row])
    ax.set(xlabel="frame", ylabel=f"colour drift ({UNIT})", ylim=(0, None))
    ax.set_title(clip, fontsize=TEXT, loc="left")
    tidy(ax)


if __name__ == "__main__":
    tyro.cli(recorded(main, "folder"))
