"""Stage: Table 1, as CSV for programs and as Markdown for people, with the paper's rows and what stands in for what."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import tyro

from bench.methods.contract.rows import load, trained_as
from bench.scoring.comparison import MEANS, Comparison, compared, of_column
from bench.scoring.read_scores import left_out, read_scores
from bench.scoring.statistics import mean_interval, per_item
from bench.stand_ins import note_on_rows
from bench.tables.notes import (
    DAGGER,
    DOUBLE_DAGGER,
    HEADINGS,
    PAPER,
    notes_on_clips,
    notes_on_comparisons,
    notes_on_failures,
    notes_on_grey,
    notes_on_images,
    notes_on_plus,
    notes_on_training,
)
from media.provenance import recorded
from media.tables import COLORIZED, read_table, written_whole

VERSION = 4

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
DECIMALS = {"top5": 1, "top1": 1, "fid": 2, "colorful": 2, "flicker": 3, "flicker_ratio": 3}
DECIMALS_PLUS = {"flicker_plus": 3, "flicker_plus_ratio": 3}


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
    backbone: str,
    classifier: str,
    fid_features: str,
    flow: str,
    scoring_flow: str,
    seed: int,
    csv: Path,
    markdown: Path,
    plus: str = "null",
) -> None:
    """Write both tables and print the readable one.

    Args:
        rows: names of the rows, in their order.
        methods: options of each row, JSON.
        scores: the tables of scores of all rows.
        clips: the table of the test clips.
        clips_of: the datasets whose clips count; none: all.
        colorized: the tables of results of all rows, named after them, for what failed.
        summaries: <training>/summary.json of every training.
        checkpoints: what rows name as `checkpoint` and the file that it is, JSON; each holds its training's summary.
        backbone: network on whose features rows match and learn.
        classifier: network of Top-1 and Top-5.
        fid_features: network of the Frechet distance.
        flow: estimator that rows were given.
        scoring_flow: estimator with which flicker was measured.
        seed: of the draws for intervals and p.
        csv: the CSV to write.
        markdown: the Markdown to write.
        plus: options of the post-processor of flicker_plus, JSON; its rows are `<row>+<method>`.
    """
    after = json.loads(plus) or {}
    options = {row: json.loads(methods)[row] for row in rows}
    trainings = {path.parent.name: json.loads(path.read_text()) for path in summaries}
    trainings |= checkpoint_summaries(json.loads(checkpoints))
    all_scores = read_scores(scores, clips, clips_of)
    failures = pd.concat([read_table(path, COLORIZED) for path in colorized], keys=[path.stem for path in colorized])
    table = table1(all_scores, options, trainings, classifier, fid_features, seed, after.get("method"))
    corrected = trainings[trained_as(after)].get("recolored", []) if trained_as(after) else []
    baseline = "ours" if "ours" in rows else rows[0]
    comparisons = compared(all_scores, rows, baseline, seed)
    notes = [
        note_on_rows(backbone, flow),
        *notes_on_images(table, classifier, fid_features),
        *notes_on_clips(table, options, flow, scoring_flow),
        *notes_on_plus(table, after, corrected),
        *notes_on_grey(all_scores, options),
        *notes_on_comparisons(table, comparisons, baseline),
        *notes_on_training(options, trainings),
        *notes_on_failures(failures),
        *left_out(scores),
    ]
    text = to_markdown(table, notes, comparisons, corrected)
    with written_whole(markdown) as temporary:
        temporary.write_text(text)
    with written_whole(csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    print(text)


def table1(
    scores: pd.DataFrame,
    options: dict[str, dict],
    summaries: dict[str, dict],
    classifier: str,
    fid_features: str,
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
        line |= {"classifier": classifier} if "top1" in line else {}
        line |= {"fid_features": fid_features} if "fid" in line else {}
        line |= budget(summaries[trained_as(own)]) if trained_as(own) else {}
        calmed = means(scores[scores["row"] == f"{row}+{plus}"], seed)
        line |= {"flicker_plus": calmed["flicker"]} if "flicker" in calmed else {}
        lines.append(line)
    return pd.DataFrame(lines).reindex(columns=list(COLUMNS)).astype(COLUMNS)


def budget(summary: dict) -> dict[str, float]:
    """How much was learned from, from its summary, or from the metadata of its checkpoint."""
    batch = summary.get("batch", summary.get("settings", {}).get("batch"))
    return {
        "steps_trained": summary["steps"],
        "samples_trained": summary["steps"] * batch if batch else None,
    }


def checkpoint_summaries(checkpoints: dict[str, str]) -> dict[str, dict]:
    """The summaries of the trainings that made checkpoint files, from the files' own metadata, by the same names."""
    if not checkpoints:
        return {}
    from colorize.checkpoint import metadata  # torch takes seconds, and a table without such rows needs none

    return {name: metadata(path) for name, path in checkpoints.items()}


def means(scores: pd.DataFrame, seed: int) -> dict[str, float]:
    """The scores of one row, averaged, with intervals: over images, or over the pairs of a clip and then over clips."""
    found = {"n_images": 0, "n_clips": 0}
    for column in MEANS:
        kind, metric = MEANS[column]
        values = per_item(of_column(scores, column), metric).to_numpy()
        if len(values):
            found[column] = float(values.mean())
            found[f"{column}_low"], found[f"{column}_high"] = mean_interval(values[:, 0], seed=seed)
        if column in ("colorful", "flicker"):
            found[f"n_{kind}"] = len(values)
    fid = scores.loc[(scores["metric"] == "fid") & (scores["kind"] == "images"), "value"]
    return found | ({"fid": float(fid.mean())} if len(fid) else {})


def to_markdown(
    table: pd.DataFrame, notes: list[str], comparisons: list[Comparison], corrected: Sequence[str] = ()
) -> str:
    """The table rounded for reading, each row followed by the paper's where the paper has one, and the notes.

    corrected: the rows that the post-processor learned from, whose flicker_plus is marked.
    """
    # The paper's flicker has another flow and may be another reading of Eq. 13: only its ratio can be compared.
    ours, paper = _with_ratio(table), _with_ratio(pd.read_csv(PAPER)).assign(flicker=np.nan, flicker_plus=np.nan)
    decimals = DECIMALS | (DECIMALS_PLUS if table["flicker_plus"].notna().any() else {})
    counts = dict.fromkeys(("n_images", "n_clips", "steps_trained", "samples_trained"), 0)
    marks = {(row, "flicker_plus"): DOUBLE_DAGGER for row in corrected}
    return page("Table 1", beside_papers(ours, paper), ["method"], decimals | counts, notes, comparisons, marks)


def beside_papers(table: pd.DataFrame, paper: pd.DataFrame) -> list[dict]:
    """The lines of a table, each followed by those that the paper has for the same method."""
    lines = []
    for line in table.to_dict("records"):
        lines.append(line)
        for theirs in paper[paper["method"] == line["method"]].to_dict("records"):
            lines.append(theirs | {"method": f"*paper: {theirs['paper_method']}*"})
    return lines


def page(
    title: str,
    lines: list[dict],
    words: list[str],
    decimals: dict[str, int],
    notes: list[str],
    comparisons: list[Comparison],
    marks: dict[tuple[str, str], str] | None = None,
) -> str:
    """The lines as Markdown, with a dagger where a difference may be chance, and the notes below.

    words: columns that are shown as they are. decimals: columns of numbers, with the places that are shown. marks:
    others for the cell of a row and column.
    """
    undecided = [(row, each.column) for each in comparisons if each.can_differ for row in each.undecided]
    marked = dict.fromkeys(undecided, DAGGER) | (marks or {})
    shown = [
        {HEADINGS.get(column, column): line.get(column, "") for column in words}
        | {
            HEADINGS.get(column, column): _cell(line, column, places, marked.get((line["method"], column), ""))
            for column, places in decimals.items()
        }
        for line in lines
    ]
    body = pd.DataFrame(shown).to_markdown(index=False, disable_numparse=True)
    return "\n".join([f"# {title}", "", body, "", *(f"- {note}" for note in notes), ""])


def _with_ratio(table: pd.DataFrame) -> pd.DataFrame:
    """Adds flicker_ratio and flicker_plus_ratio, to ground truth's flicker; empty where that has none or is 0."""
    truth = table.loc[table["method"] == "ground_truth", "flicker"].dropna()
    ratio = table["flicker"] / truth.iloc[0] if (truth > 0).any() else np.nan
    over = table["flicker_plus"] / truth.iloc[0] if (truth > 0).any() else np.nan
    return table.assign(flicker_ratio=ratio, flicker_plus_ratio=over)


def _cell(line: dict, column: str, places: int, mark: str) -> str:
    """A value with its mark and its interval, where it has them."""
    if pd.isna(line.get(column)):
        return ""
    low, high = line.get(f"{column}_low"), line.get(f"{column}_high")
    between = "" if pd.isna(low) else f" [{low:.{places}f}, {high:.{places}f}]"
    return f"{line[column]:.{places}f}{mark}{between}"


if __name__ == "__main__":
    tyro.cli(recorded(main, VERSION, "csv", "markdown"))
