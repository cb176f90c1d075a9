"""Stage: the rows that colour clips without a frame of them, over frames of some of the test clips (Figure 10)."""

from dataclasses import replace
from pathlib import Path

import tyro

from bench.figures.strips import (
    NOTE_ON_NUMBERS,
    REFERENCE,
    Items,
    Strip,
    clip_strip,
    evenly,
    note_on_choice,
    write_gallery,
)
from bench.stand_ins import note_on_rows
from media.provenance import recorded

VERSION = 1


def main(
    *,
    colorized: list[Path],
    clips: Path,
    clips_of: list[str],
    clip_references: Path,
    backbone: str,
    flow: str,
    count: int,
    folder: Path,
) -> None:
    """Write the folder of strips.

    Args:
        colorized: the tables of results of the rows that are not given the first frame, in their order.
        clips: table of the test clips.
        clips_of: the datasets whose clips may be shown; none: all.
        clip_references: their references.
        backbone: network on whose features rows match and learn.
        flow: estimator whose flow they are given.
        count: how many clips are shown.
        folder: the folder to write.
    """
    items = Items("clips", clips, clip_references, clips_of)
    shown = evenly(items.n_frames, count)
    title = (
        "**Figure 10 of the paper: comparison with automatic video colorization.** Each strip is one test clip, the "
        "truth and the reference (only for rows that take one) at the top: no row sees any colour of the clip."
    )
    notes = [
        "Rows: " + ", ".join(table.stem for table in colorized) + "; what they are stands in table1.md.",
        note_on_choice(items, shown),
        NOTE_ON_NUMBERS,
        note_on_rows(backbone, flow),
        "The paper shows Iizuka, Larsson, Zhang and its own model on a clip of its own choice.",
    ]
    write_gallery(folder, (strip(items, item, colorized) for item in shown), title, notes)


def strip(items: Items, item: str, colorized: list[Path]) -> Strip:
    """The clip's strip, with its reference in a line of its own under the truth."""
    (truth, *results), (name, *rows) = (found := clip_strip(items, item, colorized)).lines, found.labels
    return replace(found, lines=[truth, [items.reference(item)], *results], labels=[name, REFERENCE, *rows])


if __name__ == "__main__":
    tyro.cli(recorded(main, VERSION, "folder"))
