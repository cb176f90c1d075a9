"""Stage: rows side by side on some of the test items: Figures 5, 6, 9, 10, which differ in rows, items and layout."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import tyro

from bench.figures.strips import (
    NOTE_ON_NUMBERS,
    REFERENCE,
    Caption,
    ShownItems,
    Strip,
    clip_strip,
    evenly,
    folded,
    note_on_choice,
    write_gallery,
)
from bench.stand_ins import note_on_rows, read_choices
from media.document import Note
from media.provenance import recorded

ACROSS = 6  # panels in a line of Figure 6


def main(
    *,
    figure: Literal["5", "6", "9", "10"],
    colorized: list[Path],
    test_set: Path,
    references: Path | None = None,
    items_of: list[str],
    choices: Path,
    count: int,
    folder: Path,
) -> None:
    """Write the folder of strips.

    Args:
        figure: its number in the paper.
        colorized: the tables of results of the rows that are shown, in their order; in Figure 5 the full model's last.
        test_set: table of the test images or clips.
        references: their references, where the figure shows them.
        items_of: the datasets whose items may be shown; none: all.
        choices: what the run has chosen where the paper's choice may be another.
        count: how many items are shown.
        folder: the folder to write.
    """
    own = FIGURES[figure]
    items = ShownItems(own.kind, test_set, references, items_of)
    shown = evenly(items.n_frames, count)
    rows = [table.stem for table in colorized]
    notes = [
        Note(kind="rows", text=own.of_rows.format(rows=", ".join(rows)), rows=tuple(rows)),
        note_on_choice(items, shown),
        NOTE_ON_NUMBERS,
        note_on_rows(read_choices(choices), rows),
        Note(kind="the paper's", text=own.papers),
    ]
    lead = f"Each strip is one test {own.kind.removesuffix('s')}{own.lead}"
    lead = lead.format(others=", ".join(rows[:-1]), last=rows[-1] if rows else "")
    strips = (own.strip(items, item, colorized) for item in shown)
    write_gallery(folder, strips, Caption(f"Figure {figure} of the paper: {own.subject}", lead, notes))


def in_a_line(images: ShownItems, item: str, colorized: list[Path]) -> Strip:
    """Input, reference and the rows' results of an image in one line."""
    panels = [images.input(item), images.reference(item), *(images.result(table, item) for table in colorized)]
    return Strip(item, [panels], headings=[shown.row for shown in panels])


def in_lines(images: ShownItems, item: str, colorized: list[Path]) -> Strip:
    """Input, reference, truth and the rows' results of an image, so many in a line."""
    given = [images.input(item), images.reference(item), images.truth(item)]
    panels = [*given, *(images.result(table, item) for table in colorized)]
    return Strip(item, folded([shown.named() for shown in panels], ACROSS))


def over_frames(clips: ShownItems, item: str, colorized: list[Path]) -> Strip:
    """The clip's strip, with its reference in a line of its own under the truth."""
    strip = clip_strip(clips, item, colorized)
    (truth, *results), (name, *rows) = strip.lines, strip.labels
    lines = [truth, [clips.reference(item)], *results]
    return replace(strip, lines=lines, labels=[name, REFERENCE, *rows])


@dataclass(frozen=True)
class Specification:
    """What a figure shows of which items, and what its caption says."""

    kind: str  # of the items: images or clips
    strip: Callable[[ShownItems, str, list[Path]], Strip]
    subject: str
    lead: str  # behind "Each strip is one test image"; may name the rows: {others}, {last}
    of_rows: str  # what the rows are; may name them: {rows}
    papers: str  # what the paper's own figure shows


FIGURES = {
    "5": Specification(
        kind="images",
        strip=in_a_line,
        subject="ablation of the losses",
        lead=": the input, the reference, the model trained without one of its losses ({others}), and the full model "
        "({last}).",
        of_rows="How the models were trained, and their numbers over all test images, stand in table5.md.",
        papers="The paper shows images of its own choice.",
    ),
    "6": Specification(
        kind="images",
        strip=in_lines,
        subject="comparison with image colorization",
        lead=": the input, the reference (only for rows that take one), the truth, and the rows of the tables.",
        of_rows="Rows: {rows}; what they are stands in table1.md.",
        papers="The paper shows Iizuka, Larsson, Zhang, He and its own model on images of its own choice.",
    ),
    "9": Specification(
        kind="clips",
        strip=clip_strip,
        subject="comparison with colour propagation",
        lead=", the truth at the top: rows are given frame 0 in colour and colour the frames that follow it.",
        of_rows="Rows: {rows}; their numbers over all frames stand in propagation.md.",
        papers="The paper shows VPN, STN and its own model on clips of its own choice.",
    ),
    "10": Specification(
        kind="clips",
        strip=over_frames,
        subject="comparison with automatic video colorization",
        lead=", the truth and the reference (only for rows that take one) at the top: no row sees any colour of the "
        "clip.",
        of_rows="Rows: {rows}; what they are stands in table1.md.",
        papers="The paper shows Iizuka, Larsson, Zhang and its own model on a clip of its own choice.",
    ),
}


if __name__ == "__main__":
    tyro.cli(recorded(main, "folder"))
