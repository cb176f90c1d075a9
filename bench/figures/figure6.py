"""Stage: the rows that colour photographs, side by side on some of the test images (Figure 6)."""

from pathlib import Path

import tyro

from bench.figures.strips import NOTE_ON_NUMBERS, Items, Strip, evenly, folded, note_on_choice, write_gallery
from bench.stand_ins import note_on_rows
from media.provenance import recorded

VERSION = 1

ACROSS = 6  # panels in a line


def main(
    *,
    colorized: list[Path],
    images: Path,
    image_references: Path,
    backbone: str,
    flow: str,
    count: int,
    folder: Path,
) -> None:
    """Write the folder of strips.

    Args:
        colorized: the tables of results of the rows that colour images, in their order.
        images: table of the test images.
        image_references: their references.
        backbone: network on whose features rows match and learn.
        flow: estimator whose flow they are given.
        count: how many images are shown.
        folder: the folder to write.
    """
    items = Items("images", images, image_references)
    shown = evenly(items.n_frames, count)
    title = (
        "**Figure 6 of the paper: comparison with image colorization.** Each strip is one test image: the input, the "
        "reference (only for rows that take one), the truth, and the rows of the tables."
    )
    notes = [
        "Rows: " + ", ".join(table.stem for table in colorized) + "; what they are stands in table1.md.",
        note_on_choice(items, shown),
        NOTE_ON_NUMBERS,
        note_on_rows(backbone, flow),
        "The paper shows Iizuka, Larsson, Zhang, He and its own model on images of its own choice.",
    ]
    write_gallery(folder, (strip(items, item, colorized) for item in shown), title, notes)


def strip(items: Items, item: str, colorized: list[Path]) -> Strip:
    """Input, reference, truth and the rows of an image."""
    given = [items.input(item), items.reference(item), items.truth(item)]
    panels = [*given, *(items.result(table, item) for table in colorized)]
    return Strip(item, folded([shown.named() for shown in panels], ACROSS))


if __name__ == "__main__":
    tyro.cli(recorded(main, VERSION, "folder"))
