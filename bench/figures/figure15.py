"""Stage: clips without colours of their own, coloured with the most similar reference (Figure 15: legacy videos)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import tyro

from bench.figures.strips import (
    FRAMES,
    INPUT,
    Caption,
    ShownItems,
    Strip,
    in_code,
    nothing_fit,
    nothing_shown,
    write_gallery,
)
from bench.stand_ins import note_on_rows, read_choices
from media.document import Note
from media.provenance import recorded
from media.tables import CLIPS, kept, read_table

TITLE = "Figure 15 of the paper: colorization of legacy videos"
LEAD = "Clips without colours of their own, coloured with their most similar reference."
NO_TRUTH = Note(
    kind="numbers",
    text="There is no ground truth: these pictures are to be looked at, and no number says how good they are.",
)
COLORED = 1.5  # chroma spread (Lab units) from which a clip is a film in colour; grey and toned film stays below


def main(
    *,
    clips: Path | None = None,
    clip_references: Path | None = None,
    colorized: tuple[Path, ...] = (),
    choices: Path,
    folder: Path,
    absent: str = "",
) -> None:
    """Draw the figure.

    Args:
        clips: table of the legacy clips; None: there are none.
        clip_references: table of their references.
        colorized: the tables of the rows that coloured the clips.
        choices: what the run has chosen where the paper's choice may be another.
        folder: the folder to write.
        absent: what to do to have clips, where there are none.
    """
    if clips is None:
        return write_gallery(folder, [], Caption(TITLE, LEAD, [nothing_shown("legacy", absent)]))
    items, every = ShownItems("clips", clips, clip_references), read_table(clips, CLIPS)
    table = kept(every)
    if table.empty:
        return write_gallery(folder, [], Caption(TITLE, LEAD, [nothing_fit(every, clips.stem)]))
    strips = [strip_of(items, clip, colorized) for clip in table["clip"]]
    rows = tuple(table.stem for table in colorized)
    said = f"Shown: every kept clip of the set `{clips.stem}`, {len(strips)} in all, coloured by {in_code(rows)}."
    chosen = Note(kind="shown", text=said, rows=rows)
    notes = [chosen, NO_TRUTH, *films_in_color(table), note_on_rows(read_choices(choices), rows)]
    write_gallery(folder, strips, Caption(TITLE, LEAD, notes))


def strip_of(items: ShownItems, clip: str, colorized: Sequence[Path]) -> Strip:
    """The input over frames of a clip, with the reference behind it; below it each row's result."""
    frames = [frame for frame in FRAMES if frame < items.n_frames[clip]]
    lines = [[*(items.input(clip, frame) for frame in frames), items.reference(clip)]]
    for table in colorized:
        # Without the numbers: they would be those of a distance to grey.
        lines.append([replace(items.result(table, clip, frame), numbers={}, lines=()) for frame in frames])
    headings = [*(f"frame {frame}" for frame in frames), "reference"]
    return Strip(clip, lines, headings, [INPUT, *(table.stem for table in colorized)], width=240)


def films_in_color(table: pd.DataFrame) -> Iterator[Note]:
    """A note that names the films in colour, if there are any. table: columns CLIPS."""
    films = table.loc[table["chroma_spread"] >= COLORED, "source"].drop_duplicates()
    if not films.empty:
        said = (
            f"STAND-IN for legacy footage: {', '.join(films)}, filmed in colour. Its colours are dropped: the rows and "
            "the search for a reference were given its luminance alone. `clips.sets.legacy` in the configuration takes "
            "other footage."
        )
        yield Note(kind="stand-in", text=said)


if __name__ == "__main__":
    tyro.cli(recorded(main, "folder"))
