"""Stage: Table 1, as CSV for programs and as Markdown for people, with the paper's rows and what stands in for what."""

from collections.abc import Mapping, Sequence
from json import loads
from pathlib import Path

import numpy as np
import pandas as pd
import tyro

from bench.methods.contract.rows import load, trained_as
from bench.scoring.comparison import MEANS, compared, of_column
from bench.scoring.read_scores import left_out, read_scores
from bench.scoring.statistics import mean_interval, per_item
from bench.stand_ins import Choices, note_on_rows, read_choices
from bench.tables import columns
from bench.tables.notes import (
    PAPER,
    notes_on_clips,
    notes_on_comparisons,
    notes_on_counts,
    notes_on_failures,
    notes_on_grey,
    notes_on_images,
    notes_on_networks,
    notes_on_plus,
    notes_on_training,
)
from colorize.metadata import metadata
from media.document import Column, Document, Note
from media.formats import as_markdown, write
from media.provenance import recorded
from media.tables import COLORIZED, read_table
from vision.weights import MissingWeights

COLUMNS = {
    "method": "string",
    "top5": "Float64",
    "top1": "Float64",
    "fid": "Float64",
    "colorful": "Float64",
    "flicker": "Float64",
    "flicker_plus": "Float64",  # after the post-processor of `flicker_plus` in the configuration; empty without one
    "n_images": "Int64",  # items with a score; empty where the row does not do this kind of item
    "n_clips": "Int64",
    "classifier": "string",
    "fid_features": "string",
    "steps_trained": "Int64",  # of the row's training; empty for rows that do not learn
    "samples_trained": "Int64",  # its budget, steps x batch
    # 95 % intervals of the means; empty for fewer than two items
    **{f"{column}_{end}": "Float64" for column in MEANS for end in ("low", "high")},
}


def main(
    *,
    rows: list[str],
    methods: str,
    scores: list[Path],
    clips: Path,
    clips_of: list[str],
    colorized: list[Path],
    summaries: list[Path],
    checkpoints: str,
    choices: Path,
    seed: int,
    csv: Path,
    markdown: Path,
    json: Path,
    plus: str = "null",
    networks: str = "{}",
    images: Path | None = None,
) -> None:
    """Write the table and print it as it is read.

    Args:
        rows: names of the rows, in their order.
        methods: options of each row, JSON.
        scores: the tables of scores of all rows.
        clips: the table of the test clips.
        clips_of: the datasets whose clips count; none: all.
        colorized: the tables of results of all rows, named after them, for what failed.
        summaries: <training>/summary.json of every training.
        checkpoints: what rows name as `checkpoint` and the file that it is, JSON; each holds its training's summary.
        choices: what the run has chosen where the paper's choice may be another.
        seed: of the draws for intervals and p.
        csv: the values to write, for programs.
        markdown: the page to write, for reading.
        json: the same as a document (media/document.py).
        plus: options of the post-processor of flicker_plus, JSON; its rows are `<row>+<method>`.
        networks: of rows whose method has published weights, which file is taken or is not there, JSON.
        images: the table of the test images.
    """
    options = {row: loads(methods)[row] for row in rows}
    trainings = read_summaries(summaries) | checkpoint_summaries(loads(checkpoints))
    all_scores = read_scores(scores, clips, clips_of)
    failures = pd.concat([read_table(path, COLORIZED) for path in colorized], keys=[path.stem for path in colorized])
    chosen = read_choices(choices)
    lacking = [note for path in (clips, images) if path for note in notes_on_counts(path, chosen)]
    after, missing = loads(plus) or {}, left_out(scores)
    made = document(all_scores, options, trainings, chosen, after, failures, seed, missing, loads(networks), lacking)
    write(made, csv=csv, markdown=markdown, json=json)
    print(as_markdown(made))


def document(
    scores: pd.DataFrame,
    options: dict[str, dict],
    trainings: dict[str, dict],
    choices: Choices,
    after: dict,
    failures: pd.DataFrame,
    seed: int,
    unmeasured: Sequence[str] = (),
    networks: Mapping[str, dict[str, str]] | None = None,
    lacking: Sequence[Note] = (),
) -> Document:
    """The table with its notes.

    scores has the columns SCORES; options are those of each row, trainings the summaries by name; after: options of the
    post-processor of flicker_plus, empty without one. failures: columns COLORIZED, the row as outer index. unmeasured:
    what could not be measured, and why. networks: see `notes_on_networks`. lacking: what is to be said of sets with
    fewer items than are wanted.
    """
    table = table1(scores, options, trainings, choices, seed, after.get("method"))
    corrected = trainings[trained_as(after)].get("recolored", []) if trained_as(after) else []
    baseline = "ours" if "ours" in options else next(iter(options))
    comparisons = compared(scores, list(options), baseline, seed)
    notes = (
        note_on_rows(choices, tuple(options)),
        *lacking,
        *notes_on_images(table, choices),
        *notes_on_clips(table, options, choices),
        *notes_on_plus(table, after, corrected),
        *notes_on_grey(scores, options),
        *notes_on_comparisons(table, comparisons, baseline),
        *notes_on_networks(options, networks or {}, after),
        *notes_on_training(options, trainings),
        *notes_on_failures(failures),
        *(Note(kind="left out", text=why) for why in unmeasured),
    )
    # The paper's flicker has another flow and may be another reading of Eq. 13: only its ratio can be compared.
    ours, paper = _with_ratio(table), _with_ratio(pd.read_csv(PAPER)).assign(flicker=np.nan, flicker_plus=np.nan)
    marks = {(row, "flicker_plus"): columns.DOUBLE_DAGGER for row in corrected}
    return Document(
        name="table1",
        title="Table 1",
        columns=shown_columns(with_plus=table["flicker_plus"].notna().any()),
        rows=tuple(columns.rows(ours, paper, comparisons, marks)),
        notes=notes,
    )


def shown_columns(with_plus: bool) -> tuple[Column, ...]:
    """The columns of the CSV and the ratios; those of flicker_plus are read only where a row has a value."""
    names = [name for name in columns.COLUMNS if name in COLUMNS or name == "flicker_ratio" or with_plus]
    chosen = {name: columns.COLUMNS[name] for name in names}
    if not with_plus:
        chosen["flicker_plus"] = chosen["flicker_plus"].model_copy(update={"only": "data"})
    return tuple(chosen.values())


def table1(
    scores: pd.DataFrame,
    options: dict[str, dict],
    summaries: dict[str, dict],
    choices: Choices,
    seed: int,
    plus: str | None = None,
) -> pd.DataFrame:
    """One line for each row of `options`, columns COLUMNS; a cell without a score is null, never 0.

    scores has the columns SCORES; summaries are those of the trainings, by name. plus: the post-processor whose rows
    `<row>+<plus>` give flicker_plus.
    """
    lines = []
    for row, own in options.items():
        kinds = load(row, own).given
        line = {"method": row, **means(scores[scores["row"] == row], seed)}
        counts = {"images": line.pop("n_images"), "clips": line.pop("n_clips")}
        line |= {f"n_{kind}": count for kind, count in counts.items() if kind in kinds}
        line |= {"classifier": choices.classifier} if "top1" in line else {}
        line |= {"fid_features": choices.fid_features} if "fid" in line else {}
        line |= budget(summaries[trained_as(own)]) if trained_as(own) else {}
        calmed = means(scores[scores["row"] == f"{row}+{plus}"], seed)
        line |= {"flicker_plus": calmed["flicker"]} if "flicker" in calmed else {}
        lines.append(line)
    return pd.DataFrame(lines).reindex(columns=list(COLUMNS)).astype(COLUMNS)


def budget(summary: dict) -> dict[str, float]:
    """How much was learned from, from its summary, or from the metadata of its checkpoint."""
    if "published" in summary:
        return {}
    batch = summary.get("batch", summary.get("settings", {}).get("batch"))
    return {
        "steps_trained": summary["steps"],
        "samples_trained": summary["steps"] * batch if batch else None,
    }


def read_summaries(paths: list[Path]) -> dict[str, dict]:
    """The summaries of trainings, <training>/summary.json, by name."""
    return {path.parent.name: loads(path.read_text()) for path in paths}


def checkpoint_summaries(checkpoints: dict[str, str]) -> dict[str, dict]:
    """The summaries of the trainings that made checkpoint files, from the files' own metadata, by the same names."""
    return {name: _said(Path(path)) for name, path in checkpoints.items()}


def _said(checkpoint: Path) -> dict:
    nothing = {"published": []}  # the published model is not there, and the row is left empty
    try:
        return metadata(checkpoint) if checkpoint.exists() else nothing
    except MissingWeights:
        return nothing


def means(scores: pd.DataFrame, seed: int) -> dict[str, float]:
    """The scores of one row, averaged, with intervals: over images, or over the pairs of a clip and then over clips."""
    averages = {"n_images": 0, "n_clips": 0}
    for column in MEANS:
        kind, metric = MEANS[column]
        values = per_item(of_column(scores, column), metric).to_numpy()
        if len(values):
            averages[column] = float(values.mean())
            averages[f"{column}_low"], averages[f"{column}_high"] = mean_interval(values[:, 0], seed=seed)
        if column in ("colorful", "flicker"):
            averages[f"n_{kind}"] = len(values)
    fid = scores.loc[(scores["metric"] == "fid") & (scores["kind"] == "images"), "value"]
    return averages | ({"fid": float(fid.mean())} if len(fid) else {})


def _with_ratio(table: pd.DataFrame) -> pd.DataFrame:
    """Adds flicker_ratio and flicker_plus_ratio, to ground truth's flicker; empty where that has none or is 0."""
    truth = table.loc[table["method"] == "ground_truth", "flicker"].dropna()
    ratio = table["flicker"] / truth.iloc[0] if (truth > 0).any() else np.nan
    over = table["flicker_plus"] / truth.iloc[0] if (truth > 0).any() else np.nan
    return table.assign(flicker_ratio=ratio, flicker_plus_ratio=over)


if __name__ == "__main__":
    tyro.cli(recorded(main, "csv", "markdown", "json"))
