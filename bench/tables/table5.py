"""Stage: Table 5, the model trained without one loss at a time, beside the full one and the paper's numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json import loads
from pathlib import Path

import pandas as pd
import tyro

from bench.scoring.comparison import compared
from bench.stand_ins import Choices, note_on_rows, read_choices
from bench.tables import columns, table1
from bench.tables.notes import (
    kept_step,
    notes_on_comparisons,
    notes_on_counts,
    notes_on_failures,
    notes_on_images,
    notes_on_training,
)
from colorize.settings import LossWeights, TrainSettings
from media.document import Cell, Column, Document, Note, Row
from media.formats import as_markdown, write
from media.provenance import recorded
from media.tables import CLIPS, COLORIZED, SCORES, kept, read_table

# Those of Table 1 that are about images, behind the loss that a row lacks.
COLUMNS = {"method": "string", "changed": "string"} | {
    column: kind for column, kind in table1.COLUMNS.items() if "flicker" not in column and column != "n_clips"
}
DECIMALS = {"top5": 2, "top1": 2}  # as the paper prints them
PAPER = Path(__file__).with_name("paper") / "table5.csv"
# What of a training's settings moves no number that the paper reports, has no counterpart there, or is told elsewhere:
# which checkpoint is kept under each training, the kinds of noise in docs/paper-vs-release.md.
OWN_SETTINGS = {"threads", "workers", "accelerator", "validate_every", "validation_pairs", "losses", "keep", "noise"}
# Section 4, and section 5.2 for what is scored.
PAPERS_DATA = "768 clips and 70,000 photographs"
PAPERS_IMAGES = 10_000
ONE_SEED = (
    "The paper prints no intervals. These are over images: each row is one training with one seed, and another seed "
    "would move all of them. A Fréchet distance is one number of a set, without interval or mark."
)


def main(
    *,
    rows: list[str],
    full: str,
    methods: str,
    trainings: str,
    scores: list[Path],
    colorized: list[Path],
    summaries: list[Path],
    clips: Path,
    photos: Path,
    choices: Path,
    seed: int,
    csv: Path,
    markdown: Path,
    json: Path,
) -> None:
    """Write the table and print it as it is read.

    Args:
        rows: the ablations and the full model, in their order.
        full: which of them is the full model.
        methods: options of each row, JSON.
        trainings: settings of each row's training by its name, JSON.
        scores: the tables of scores of all rows.
        colorized: the tables of results of all rows, named after them, for what failed.
        summaries: <training>/summary.json of every row.
        clips: the table of the training clips.
        photos: the table of the training photographs.
        choices: what the run has chosen where the paper's choice may be another.
        seed: of the draws for intervals and p.
        csv: the values to write, for programs.
        markdown: the page to write, for reading.
        json: the same as a document (media/document.py).
    """
    ablations = TrainedAblations(
        full=full,
        options={row: loads(methods)[row] for row in rows},
        settings={name: settings_of(own) for name, own in loads(trainings).items()},
        summaries=table1.read_summaries(summaries),
        n_clips=len(kept(read_table(clips, CLIPS))),
        n_photos=len(kept(read_table(photos, CLIPS))),
    )
    of_images = pd.concat([read_table(path, SCORES) for path in scores]).query("kind == 'images'")
    failures = pd.concat([read_table(path, COLORIZED) for path in colorized], keys=[path.stem for path in colorized])
    chosen = read_choices(choices)
    lacking = [note for path in (clips, photos) for note in notes_on_counts(path, chosen)]
    made = document(of_images, ablations, chosen, failures.query("kind == 'images'"), seed, lacking)
    write(made, csv=csv, markdown=markdown, json=json)
    print(as_markdown(made))


@dataclass(frozen=True)
class TrainedAblations:
    """The rows and how their models were trained."""

    full: str  # the row of the full model
    options: dict[str, dict]  # of each row
    settings: dict[str, TrainSettings]  # by training
    summaries: dict[str, dict]  # by training
    n_clips: int  # that all learned from
    n_photos: int

    def settings_of(self, row: str) -> TrainSettings:
        return self.settings[self.options[row]["training"]]

    def kept_step(self, row: str) -> int:
        """The step of the row's checkpoint."""
        return kept_step(self.summaries[self.options[row]["training"]])


def settings_of(training: dict) -> TrainSettings:
    """The settings of an entry under `training`, whose `method` is read elsewhere."""
    return TrainSettings(**{key: value for key, value in training.items() if key != "method"})


def document(
    scores: pd.DataFrame,
    ablations: TrainedAblations,
    choices: Choices,
    failures: pd.DataFrame,
    seed: int,
    lacking: Sequence[Note] = (),
) -> Document:
    """The table with its notes.

    scores: columns SCORES, of images; failures: COLORIZED, the row as outer index; lacking: what is to be said of
    training sets with fewer items than are wanted.
    """
    table = table5(scores, ablations, choices, seed)
    comparisons = compared(scores, list(ablations.options), ablations.full, seed)
    rows = columns.rows(table, pd.read_csv(PAPER), comparisons)
    notes = (
        note_on_rows(choices, tuple(ablations.options)),
        *lacking,
        *notes_on_images(table, choices),
        *notes_on_comparisons(table, comparisons, ablations.full),
        Note(kind="one seed", text=ONE_SEED),
        *notes_on_differences(ablations, table["n_images"].max()),
        *notes_on_adversarial(ablations),
        *notes_on_training(ablations.options, ablations.summaries),
        *notes_on_failures(failures),
    )
    rows = tuple(with_full_named(row, ablations.full) for row in rows)
    return Document(name="table5", title="Table 5", columns=shown_columns(), rows=rows, notes=notes)


def with_full_named(row: Row, full: str) -> Row:
    """The row; that of the full model says so where the others say what they lack."""
    if row.kind == "paper" or row.cells["method"].value != full:
        return row
    return Row(cells=row.cells | {"changed": Cell(text="(full)")})


def shown_columns() -> tuple[Column, ...]:
    """Those of Table 1 that are in COLUMNS, to as many places as the paper prints, and what was changed."""
    own = {
        name: column.model_copy(update={"decimals": DECIMALS.get(name, column.decimals)})
        for name, column in columns.COLUMNS.items()
        if name in COLUMNS
    }
    own["samples_trained"] = own["samples_trained"].model_copy(update={"only": "data"})
    return (own.pop("method"), Column(name="changed", heading="changed"), *own.values())


def table5(scores: pd.DataFrame, ablations: TrainedAblations, choices: Choices, seed: int) -> pd.DataFrame:
    """One line for each row, columns COLUMNS; a cell without a score is null.

    scores has the columns SCORES, of images alone.
    """
    table = table1.table1(scores, ablations.options, ablations.summaries, choices, seed)
    full = ablations.settings_of(ablations.full).losses
    changed = {row: changed_losses(ablations.settings_of(row).losses, full) or None for row in ablations.options}
    return table.assign(changed=table["method"].map(changed)).reindex(columns=list(COLUMNS)).astype(COLUMNS)


def changed_losses(losses: LossWeights, full: LossWeights) -> str:
    """The lambdas of Eq. 15 that differ from the full model's, as `smoothness 5 -> 0`; nothing if none does."""
    before = full.model_dump()
    return ", ".join(f"{name} {before[name]:g} -> {now:g}" for name, now in losses if now != before[name])


def notes_on_differences(ablations: TrainedAblations, n_images: int) -> Iterator[Note]:
    """In what the training of the full model, its data and the images that are scored are not the paper's."""
    paper, settings = TrainSettings(), ablations.settings_of(ablations.full)
    differing = [
        f"{name} {shown(value)} ({shown(getattr(paper, name))})"
        for name, value in settings
        if name not in OWN_SETTINGS and value != getattr(paper, name)
    ]
    differing += [
        f"weight of {name} {value:g} ({getattr(paper.losses, name):g})"
        for name, value in settings.losses
        if value != getattr(paper.losses, name)
    ]
    learned = f"{ablations.n_clips} clips and {ablations.n_photos} photographs"
    yield Note(kind="data", text=f"Every row learned from {learned} (the paper: {PAPERS_DATA}).")
    if differing:
        said = f"Trained otherwise than in the paper, whose value stands in brackets: {'; '.join(differing)}."
        yield Note(kind="trained otherwise", text=said)
    if differing or n_images < PAPERS_IMAGES:
        said = (
            f"So these rows show what a loss does to this model on {n_images} images, and are no repetition of the "
            f"paper's on {PAPERS_IMAGES:,}; config/paper.yaml plans that one."
        )
        yield Note(kind="no repetition", text=said)


def shown(value: object) -> str:
    """A setting's value for reading."""
    if isinstance(value, tuple | list):
        return ", ".join(map(shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def notes_on_adversarial(ablations: TrainedAblations) -> Iterator[Note]:
    """For how long the adversarial loss counted, and whether the models that are compared had met it at all."""
    full = ablations.settings_of(ablations.full)
    begins, steps = full.adversarial_from, full.steps
    if begins >= steps:
        said = f"The adversarial loss counts from step {begins} and training ends at {steps}: no row ever met it."
        yield Note(kind="adversarial", text=said)
        return
    yield Note(kind="adversarial", text=f"The adversarial loss counts in the last {steps - begins} of {steps} steps.")
    with_it = [row for row in ablations.options if ablations.settings_of(row).losses.adversarial]
    unmet = tuple(row for row in with_it if ablations.kept_step(row) <= begins)
    if unmet:
        named = ", ".join(f"{row} (step {ablations.kept_step(row)})" for row in unmet)
        said = (
            f"The checkpoint that is kept is from before that for {named}: these models "
            "have not met the adversarial loss, and a row without it shows nothing beside them."
        )
        yield Note(kind="adversarial loss not met", text=said, rows=unmet)


if __name__ == "__main__":
    tyro.cli(recorded(main, "csv", "markdown", "json"))
