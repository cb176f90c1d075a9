"""Stage: one clip coloured with each of its most similar references in turn (Figures 11 to 14, a clip each)."""

from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pandas as pd
import tyro

from bench.figures.strips import FRAMES, INPUT, REFERENCE, Caption, Shown, ShownItems, Strip, in_code, write_gallery
from bench.stand_ins import note_on_rows, read_choices
from media.document import Note
from media.provenance import recorded
from media.tables import CLIPS, REFERENCES, kept, read_table

NOTES = (
    Note(
        kind="layout",
        text="Left: the reference, with the cosine of its features and the clip's; right of it the frames that were "
        "coloured with it. At the top: the clip's first frame in its own colours, which no line was given, and the "
        "input.",
    ),
    Note(kind="numbers", text="Without numbers: the colours are to be those of the reference, not the clip's own."),
    Note(kind="the paper's", text="The paper shows clips and references of its own choice."),
)


def main(
    *,
    clips: Path,
    clip_references: Path,
    colorized: list[Path],
    choices: Path,
    position: int,
    folder: Path,
) -> None:
    """Draw the figure.

    Args:
        clips: table of the test clips.
        clip_references: table of their references.
        colorized: the tables of the coloured clips: for each row those of its ranks, from 1 on.
        choices: what the run has chosen where the paper's choice may be another.
        position: which of the kept clips is shown, counted from 1 in the order of the table.
        folder: the folder to write.
    """
    items = ShownItems("clips", clips, clip_references)
    names = kept(read_table(clips, CLIPS))["clip"].tolist()
    number = folder.name.removeprefix("figure")
    title = f"Figure {number} of the paper: one clip, coloured with different references"
    lead = "A line for each of the clip's most similar references."
    if position > len(names):
        said = f"Nothing is shown: this figure is about test clip {position}, and there are {len(names)}."
        write_gallery(folder, [], Caption(title, lead, [Note(kind="nothing shown", text=said)]))
        return
    clip = names[position - 1]
    strips = [strip_of(items, clip, list(tables)) for _, tables in groupby(colorized, key=lambda table: table.stem)]
    rows = tuple(dict.fromkeys(table.stem for table in colorized))
    chosen = (
        f"Shown: test clip {position} of {len(names)}, {in_code([clip])}, coloured by {in_code(rows)}; it was chosen "
        "by its place in the table of clips (`figures.multimodal` in the configuration), not by its looks."
    )
    notes = [Note(kind="shown", text=chosen, rows=rows), *NOTES, note_on_rows(read_choices(choices), rows)]
    write_gallery(folder, strips, Caption(title, lead, notes))


def strip_of(items: ShownItems, clip: str, colorized: list[Path]) -> Strip:
    """A line for each reference under the clip's input. colorized: a row's tables, for the ranks from 1 on."""
    frames = [frame for frame in FRAMES if frame < items.n_frames[clip]]
    truth = replace(items.truth(clip), numbers={}, lines=("ground_truth, frame 0",))
    lines = [[truth, *(items.input(clip, frame) for frame in frames)]]
    ranked = read_table(items.references, REFERENCES).query("item == @clip").set_index("rank")
    for rank, table in enumerate(colorized, start=1):
        results = [replace(items.result(table, clip, frame), numbers={"rank": rank}, lines=()) for frame in frames]
        lines.append([reference(items, ranked, rank), *results])
    labels = [INPUT, *(f"reference {rank}" for rank in range(1, len(lines)))]
    return Strip(clip, lines, ["", *(f"frame {frame}" for frame in frames)], labels, width=240)


def reference(items: ShownItems, ranked: pd.DataFrame, rank: int) -> Shown:
    """The reference of a rank, as the rows are given it. ranked: a clip's rows of REFERENCES, by rank."""
    if rank not in ranked.index:
        return Shown(REFERENCE, 0, None, f"no_reference: the gallery had none of rank {rank}", {"rank": rank})
    row = ranked.loc[rank]
    numbers = {"rank": rank, "similarity": row["similarity"]}
    lines = (row["reference"], f"similarity {row['similarity']:.3f}")
    return Shown(REFERENCE, 0, items.picture_of(row["reference"]), numbers=numbers, lines=lines)


if __name__ == "__main__":
    tyro.cli(recorded(main, "folder"))
