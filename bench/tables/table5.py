"""Stage: Table 5, the model trained without one loss at a time, beside the full one and the paper's numbers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import tyro

from bench.scoring.comparison import Comparison, compared
from bench.stand_ins import note_on_rows
from bench.tables import notes as table_notes
from bench.tables import table1
from colorize.training.settings import LossWeights, TrainSettings
from media.provenance import recorded
from media.tables import CLIPS, COLORIZED, SCORES, kept, read_table
from media.whole import written_whole

VERSION = 1

# Those of Table 1 that are about images, behind the loss that a row lacks.
COLUMNS = {"method": "string", "changed": "string"} | {
    column: kind for column, kind in table1.COLUMNS.items() if "flicker" not in column and column != "n_clips"
}
SHOWN = {"top5": 2, "top1": 2, "fid": 2, "colorful": 2, "n_images": 0, "steps_trained": 0}  # as the paper prints them
PAPER = Path(__file__).with_name("paper") / "table5.csv"
# What of a training's settings moves no number that the paper reports, or has no counterpart there.
OWN_SETTINGS = {"threads", "workers", "accelerator", "validate_every", "validation_pairs", "losses"}
# Section 4, and section 5.2 for what is scored.
PAPERS_DATA = "768 clips and 70,000 photographs"
PAPERS_IMAGES = 10_000


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
    backbone: str,
    classifier: str,
    fid_features: str,
    flow: str,
    seed: int,
    csv: Path,
    markdown: Path,
) -> None:
    """Write both tables and print the readable one.

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
        backbone: network on whose features rows match and learn.
        classifier: network of Top-1 and Top-5.
        fid_features: network of the Frechet distance.
        flow: estimator whose flow training was given.
        seed: of the draws for intervals and p.
        csv: the CSV to write.
        markdown: the Markdown to write.
    """
    options = {row: json.loads(methods)[row] for row in rows}
    settings = {row: settings_of(json.loads(trainings)[own["training"]]) for row, own in options.items()}
    found = {path.parent.name: json.loads(path.read_text()) for path in summaries}
    of_images = pd.concat([read_table(path, SCORES) for path in scores]).query("kind == 'images'")
    failures = pd.concat([read_table(path, COLORIZED) for path in colorized], keys=[path.stem for path in colorized])
    table = table5(of_images, options, settings, found, full, classifier, fid_features, seed)
    comparisons = compared(of_images, rows, full, seed)
    notes = [
        note_on_rows(backbone, flow),
        *table_notes.notes_on_images(table, classifier, fid_features),
        *table_notes.notes_on_comparisons(table, comparisons, full),
        "The paper prints no intervals. These are over images: each row is one training with one seed, and another "
        "seed would move all of them. A Fréchet distance is one number of a set, without interval or mark.",
        *notes_on_differences(settings[full], clips, photos, table["n_images"].max()),
        *notes_on_adversarial(options, settings, found, full),
        *table_notes.notes_on_training(options, found),
        *table_notes.notes_on_failures(failures.query("kind == 'images'")),
    ]
    text = to_markdown(table, full, notes, comparisons)
    with written_whole(markdown) as temporary:
        temporary.write_text(text)
    with written_whole(csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    print(text)


def settings_of(training: dict) -> TrainSettings:
    """The settings of an entry under `training`, whose `method` is read elsewhere."""
    return TrainSettings(**{key: value for key, value in training.items() if key != "method"})


def table5(
    scores: pd.DataFrame,
    options: dict[str, dict],
    settings: dict[str, TrainSettings],
    summaries: dict[str, dict],
    full: str,
    classifier: str,
    fid_features: str,
    seed: int,
) -> pd.DataFrame:
    """One line for each row of `options`, columns COLUMNS; a cell without a score is null.

    scores has the columns SCORES, of images alone; settings are of each row's training; summaries by training.
    """
    table = table1.table1(scores, options, summaries, classifier, fid_features, seed)
    changed = {row: changed_losses(own.losses, settings[full].losses) or None for row, own in settings.items()}
    return table.assign(changed=table["method"].map(changed)).reindex(columns=list(COLUMNS)).astype(COLUMNS)


def changed_losses(losses: LossWeights, full: LossWeights) -> str:
    """The lambdas of Eq. 15 that differ from the full model's, as `smoothness 5 -> 0`; nothing if none does."""
    before = full.model_dump()
    return ", ".join(f"{name} {before[name]:g} -> {now:g}" for name, now in losses if now != before[name])


def to_markdown(table: pd.DataFrame, full: str, notes: list[str], comparisons: list[Comparison]) -> str:
    """The table rounded for reading, each row followed by the paper's where the paper has one, and the notes."""
    words = table["changed"].fillna("").where(table["method"] != full, "(full)")
    lines = table1.beside_papers(table.assign(changed=words), pd.read_csv(PAPER))
    return table1.page("Table 5", lines, ["method", "changed"], SHOWN, notes, comparisons)


def notes_on_differences(settings: TrainSettings, clips: Path, photos: Path, n_images: int) -> list[str]:
    """In what the training of the full model, its data and the images that are scored are not the paper's."""
    paper = TrainSettings()
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
    n_clips, n_photos = (len(kept(read_table(path, CLIPS))) for path in (clips, photos))
    notes = [f"Every row learned from {n_clips} clips and {n_photos} photographs (the paper: {PAPERS_DATA})."]
    if differing:
        notes.append(f"Trained otherwise than in the paper, whose value stands in brackets: {'; '.join(differing)}.")
    if differing or n_images < PAPERS_IMAGES:
        notes.append(
            f"So these rows show what a loss does to this model on {n_images} images, and are no repetition of the "
            f"paper's on {PAPERS_IMAGES:,}; config/paper.yaml plans that one."
        )
    return notes


def shown(value: object) -> str:
    """A setting's value for reading."""
    if isinstance(value, tuple | list):
        return ", ".join(map(shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def notes_on_adversarial(
    options: dict[str, dict], settings: dict[str, TrainSettings], summaries: dict[str, dict], full: str
) -> Iterator[str]:
    """For how long the adversarial loss counted, and whether the models that are compared had met it at all."""
    begins, steps = settings[full].adversarial_from, settings[full].steps
    if begins >= steps:
        yield f"The adversarial loss counts from step {begins} and training ends at {steps}: no row ever met it."
        return
    yield f"The adversarial loss counts in the last {steps - begins} of {steps} steps."
    unmet = [
        f"{row} (step {summaries[own['training']]['best_step']})"
        for row, own in options.items()
        if settings[row].losses.adversarial and summaries[own["training"]]["best_step"] <= begins
    ]
    if unmet:
        yield (
            f"The checkpoint with the lowest validation error is from before that for {', '.join(unmet)}: these models "
            "have not met the adversarial loss, and a row without it shows nothing beside them."
        )


if __name__ == "__main__":
    tyro.cli(recorded(main, VERSION, "csv", "markdown"))
