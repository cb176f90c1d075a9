"""Stage: the model trained without one loss at a time, beside the full one, on some of the test images (Figure 5)."""

from pathlib import Path

import tyro

from bench.figures.strips import NOTE_ON_NUMBERS, Items, Strip, evenly, note_on_choice, write_gallery
from bench.stand_ins import note_on_rows
from media.provenance import recorded

VERSION = 1


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
        colorized: the tables of results of the ablations, the full model's at the end.
        images: table of the test images.
        image_references: their references.
        backbone: network on whose features the models match and learn.
        flow: estimator whose flow they were trained with.
        count: how many images are shown.
        folder: the folder to write.
    """
    items = Items("images", images, image_references)
    shown = evenly(items.n_frames, count)
    rows = [table.stem for table in colorized]
    title = (
        "**Figure 5 of the paper: ablation of the losses.** Each strip is one test image: the input, the reference, "
        f"the model trained without one of its losses ({', '.join(rows[:-1])}), and the full model ({rows[-1]})."
    )
    notes = [
        "How the models were trained, and their numbers over all test images, stand in table5.md.",
        note_on_choice(items, shown),
        NOTE_ON_NUMBERS,
        note_on_rows(backbone, flow),
        "The paper shows images of its own choice.",
    ]
    write_gallery(folder, (strip(items, item, colorized) for item in shown), title, notes)


def strip(items: Items, item: str, colorized: list[Path]) -> Strip:
    """Input, reference and the models' results of an image in one line."""
    panels = [items.input(item), items.reference(item), *(items.result(table, item) for table in colorized)]
    return Strip(item, [panels], headings=[shown.row for shown in panels])


if __name__ == "__main__":
    tyro.cli(recorded(main, VERSION, "folder"))
