"""Stage: the rows that are given the first frame, over frames of some of the test clips (Figure 9)."""

from pathlib import Path

import tyro

from bench.figures.strips import NOTE_ON_NUMBERS, Items, clip_strip, evenly, note_on_choice, write_gallery
from bench.stand_ins import note_on_rows
from media.provenance import recorded


def main(
    *,
    colorized: list[Path],
    clips: Path,
    clips_of: list[str],
    backbone: str,
    flow: str,
    count: int,
    folder: Path,
) -> None:
    """Write the folder of strips.

    Args:
        colorized: the tables of results of the rows that are given the first frame, in their order.
        clips: table of the test clips.
        clips_of: the datasets whose clips may be shown; none: all.
        backbone: network on whose features rows match and learn.
        flow: estimator whose flow they are given.
        count: how many clips are shown.
        folder: the folder to write.
    """
    items = Items("clips", clips, datasets=clips_of)
    shown = evenly(items.n_frames, count)
    title = (
        "**Figure 9 of the paper: comparison with colour propagation.** Each strip is one test clip, the truth at the "
        "top: rows are given frame 0 in colour and colour the frames that follow it."
    )
    notes = [
        "Rows: " + ", ".join(table.stem for table in colorized) + "; their numbers over all frames stand in "
        "propagation.md.",
        note_on_choice(items, shown),
        NOTE_ON_NUMBERS,
        note_on_rows(backbone, flow),
        "The paper shows VPN, STN and its own model on clips of its own choice.",
    ]
    write_gallery(folder, (clip_strip(items, item, colorized) for item in shown), title, notes)


if __name__ == "__main__":
    tyro.cli(recorded(main, "folder"))
