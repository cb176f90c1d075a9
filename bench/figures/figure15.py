"""Stage: clips without colours of their own, coloured with the most similar reference (Figure 15: legacy videos)."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import tyro

from bench.figures.strips import FRAMES, INPUT, Items, Strip, write_gallery
from bench.stand_ins import note_on_rows
from media.provenance import recorded
from media.tables import CLIPS, kept, read_table

VERSION = 1

TITLE = (
    "**Figure 15 of the paper: colorization of legacy videos.** Clips without colours of their own, coloured with "
    "their most similar reference."
)
NO_TRUTH = "There is no ground truth: these pictures are to be looked at, and no number says how good they are."
COLOURED = 0.5  # chroma spread (Lab units) from which a clip is a film in colour; grey and toned film stays below


def main(
    *,
    clips: Path,
    clip_references: Path,
    colorized: list[Path],
    backbone: str,
    flow: str,
    folder: Path,
) -> None:
    """Draw the figure.

    Args:
        clips: table of the legacy clips.
        clip_references: table of their references.
        colorized: the tables of the rows that coloured the clips.
        backbone: network on whose features rows match and learn.
        flow: estimator whose flow they are given.
        folder: the folder to write.
    """
    items = Items("clips", clips, clip_references)
    table = kept(read_table(clips, CLIPS))
    strips = [strip_of(items, clip, colorized) for clip in table["clip"]]
    rows = ", ".join(f"`{table.stem}`" for table in colorized)
    chosen = f"Shown: every kept clip of the set `{clips.stem}`, {len(strips)} in all, coloured by {rows}."
    write_gallery(folder, strips, TITLE, [chosen, NO_TRUTH, *stand_ins(table), note_on_rows(backbone, flow)])


def strip_of(items: Items, clip: str, colorized: list[Path]) -> Strip:
    """The input over frames of a clip, with the reference behind it; below it each row's result."""
    frames = [frame for frame in FRAMES if frame < items.n_frames[clip]]
    lines = [[*(items.input(clip, frame) for frame in frames), items.reference(clip)]]
    for table in colorized:
        # Without the numbers: they would be those of a distance to grey.
        lines.append([replace(items.result(table, clip, frame), numbers={}, lines=()) for frame in frames])
    headings = [*(f"frame {frame}" for frame in frames), "reference"]
    return Strip(clip, lines, headings, [INPUT, *(table.stem for table in colorized)], width=240)


def stand_ins(table: pd.DataFrame) -> list[str]:
    """A note that names the films in colour, if there are any. table: columns CLIPS."""
    films = table.loc[table["chroma_spread"] >= COLOURED, "source"].drop_duplicates()
    if films.empty:
        return []
    return [
        f"STAND-IN for legacy footage: {', '.join(films)}, filmed in colour. Its colours are dropped: the rows and the "
        "search for a reference were given its luminance alone. `clips.sets.legacy` in the configuration takes other "
        "footage."
    ]


if __name__ == "__main__":
    tyro.cli(recorded(main, VERSION, "folder"))
