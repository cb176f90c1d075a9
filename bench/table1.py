"""Stage: Table 1, as CSV for programs and as Markdown for people, with the paper's rows and what stands in for what."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tyro

from bench.rows import load
from bench.scores import read_scores
from bench.stand_ins import NETWORKS, flow_name, network_name, note_on_rows
from bench.statistics import DRAWS, can_differ, compare, mean_interval, per_item
from media.tables import COLORIZED, read_table, written_whole

VERSION = 3

# The means over items, with the kind of item and the metric: these have intervals and are compared.
MEANS = {
    "top5": ("images", "top5"),
    "top1": ("images", "top1"),
    "colorful": ("images", "colorful"),
    "flicker": ("clips", "flicker_rms"),
}
COLUMNS = {
    "method": "string",
    "top5": "Float64",
    "top1": "Float64",
    "fid": "Float64",
    "colorful": "Float64",
    "flicker": "Float64",
    "flicker_plus": "Float64",  # after a post-processor; empty until there is one
    "n_images": "Int64",  # items with a score; empty where the row does not do this kind of item
    "n_clips": "Int64",
    "classifier": "string",
    "fid_features": "string",
    "steps_trained": "Int64",  # of the row's training; empty for rows that do not learn
    # 95 % intervals of the means; empty for fewer than two items
    **{f"{column}_{end}": "Float64" for column in MEANS for end in ("low", "high")},
}
DECIMALS = {"top5": 1, "top1": 1, "fid": 2, "colorful": 2, "flicker": 3, "flicker_ratio": 3}
# What makes a model the paper's (colorize.settings.ModelSettings); anything else is an extension.
PAPERS_MODEL = {"matching": "subnet", "history": "previous", "output": "direct"}
HEADINGS = {
    "top5": "Top-5 (%)",
    "top1": "Top-1 (%)",
    "fid": "Fréchet",
    "colorful": "colourfulness",
    "flicker_ratio": "flicker / ground truth",
    "n_images": "images",
    "n_clips": "clips",
    "steps_trained": "steps",
}
DAGGER = "†"
PAPER = Path(__file__).with_name("paper_table1.csv")


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
    """
    options = {row: json.loads(methods)[row] for row in rows}
    trainings = {path.parent.name: json.loads(path.read_text()) for path in summaries}
    trainings |= checkpoint_summaries(json.loads(checkpoints))
    all_scores = read_scores(scores, clips, clips_of)
    failures = pd.concat([read_table(path, COLORIZED) for path in colorized], keys=[path.stem for path in colorized])
    table = table1(all_scores, options, trainings, classifier, fid_features, seed)
    baseline = "ours" if "ours" in rows else rows[0]
    comparisons = compared(all_scores, rows, baseline, seed)
    notes = [
        note_on_rows(backbone, flow),
        *notes_on_images(table, classifier, fid_features),
        *notes_on_clips(table, options, flow, scoring_flow),
        *notes_on_comparisons(table, comparisons, baseline),
        *notes_on_training(options, trainings),
        *notes_on_failures(failures),
    ]
    text = to_markdown(table, notes, comparisons)
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
) -> pd.DataFrame:
    """One line for each row of `options`, columns COLUMNS; a cell without a score is null, never 0.

    scores has the columns SCORES; summaries are those of the trainings, by name.
    """
    lines = []
    for row, own in options.items():
        kinds = load(row, own).given
        line = {"method": row, **means(scores[scores["row"] == row], seed)}
        counts = {"images": line.pop("n_images"), "clips": line.pop("n_clips")}
        line |= {f"n_{kind}": count for kind, count in counts.items() if kind in kinds}
        line |= {"classifier": classifier} if "top1" in line else {}
        line |= {"fid_features": fid_features} if "fid" in line else {}
        line |= {"steps_trained": summaries[trained_as(own)]["steps"]} if trained_as(own) else {}
        lines.append(line)
    return pd.DataFrame(lines).reindex(columns=list(COLUMNS)).astype(COLUMNS)


def trained_as(options: dict) -> str | None:
    """What a row's model is called: its training, or its checkpoint file as the configuration names it."""
    return options.get("training") or options.get("checkpoint")


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
        values = per_item(_of_column(scores, column), metric).to_numpy()
        if len(values):
            found[column] = float(values.mean())
            found[f"{column}_low"], found[f"{column}_high"] = mean_interval(values[:, 0], seed=seed)
        if column in ("colorful", "flicker"):
            found[f"n_{kind}"] = len(values)
    fid = scores.loc[(scores["metric"] == "fid") & (scores["kind"] == "images"), "value"]
    return found | ({"fid": float(fid.mean())} if len(fid) else {})


def _of_column(scores: pd.DataFrame, column: str) -> pd.DataFrame:
    kind, metric = MEANS[column]
    return scores[(scores["kind"] == kind) & (scores["metric"] == metric) & scores["value"].notna()]


@dataclass(frozen=True)
class Comparison:
    """How the rows of a column compare with the baseline, on its n items."""

    column: str
    n: int
    against: int  # so many rows are compared with it
    undecided: tuple[str, ...]  # of these, those without a significant difference
    left_out: tuple[str, ...]  # rows that have other items than the baseline

    @property
    def can_differ(self) -> bool:
        return can_differ(self.n, self.against)


def compared(scores: pd.DataFrame, rows: list[str], baseline: str, seed: int) -> list[Comparison]:
    """The columns of MEANS that two rows or more have; scores has the columns SCORES."""
    found = []
    for column, (_, metric) in MEANS.items():
        of_column = _of_column(scores, column)
        values = of_column.assign(frame=of_column["frame"].fillna(-1))
        items = {row: set(zip(own["item"], own["frame"], strict=True)) for row, own in values.groupby("row")}
        others = [row for row in rows if row in items and row != baseline]
        same = [row for row in others if items[row] == items.get(baseline)]
        undecided: list[str] = []
        if same:
            # Which side is better does not matter to a two-sided p.
            pairs = compare(values[values["row"].isin([baseline, *same])], {metric: "up"}, baseline=baseline, seed=seed)
            undecided = pairs.loc[~pairs["significant"], "method"].tolist()
        if others:
            n = values.loc[values["row"] == baseline, "item"].nunique()
            left_out = tuple(row for row in others if row not in same)
            found.append(Comparison(column, n, len(same), tuple(undecided), left_out))
    return found


def to_markdown(table: pd.DataFrame, notes: list[str], comparisons: list[Comparison]) -> str:
    """The table rounded for reading, each row followed by the paper's where the paper has one, and the notes."""
    # The paper's flicker has another flow and may be another reading of Eq. 13: only its ratio can be compared.
    ours, paper = _with_ratio(table), _with_ratio(pd.read_csv(PAPER)).assign(flicker=np.nan)
    lines = []
    for line in ours.to_dict("records"):
        lines.append(line)
        for theirs in paper[paper["method"] == line["method"]].to_dict("records"):
            lines.append(theirs | {"method": f"*paper: {theirs['paper_method']}*"})
    marked = {(row, each.column) for each in comparisons if each.can_differ for row in each.undecided}
    decimals = DECIMALS | {"n_images": 0, "n_clips": 0, "steps_trained": 0}
    shown = [
        {"method": line["method"]}
        | {
            HEADINGS.get(column, column): _cell(
                line, column, places, DAGGER if (line["method"], column) in marked else ""
            )
            for column, places in decimals.items()
        }
        for line in lines
    ]
    body = pd.DataFrame(shown).to_markdown(index=False, disable_numparse=True)
    return "\n".join(["# Table 1", "", body, "", *(f"- {note}" for note in notes), ""])


def notes_on_images(table: pd.DataFrame, classifier: str, fid_features: str) -> list[str]:
    """What measured the images, what it stands in for, and on how many."""
    n = table["n_images"].max()
    if pd.isna(n) or n == 0:
        return ["No image was scored."]
    features = NETWORKS.get(fid_features, fid_features)
    theirs = pd.read_csv(PAPER).set_index("method").loc["ours", "fid"]
    notes = [f"Top-1 and Top-5: {network_name(classifier)}; n = {n}, so one image is {100 / n:.1f} points."]
    if fid_features == "inception":
        notes.append(f"Fréchet Inception Distance to the ground truth of the same images, n = {n} (the paper: 10000).")
    else:
        notes.append(
            f"Fréchet distance on {features} features, n = {n}: "
            f"a check of the machinery, not comparable with {theirs:.2f}."
        )
    notes.append("Colourfulness is the CIELAB form, in Lab units: near the ground truth's is better, not more.")
    return notes


def notes_on_clips(table: pd.DataFrame, options: dict[str, dict], flow: str, scoring_flow: str) -> list[str]:
    """What measured the clips, and which rows were given the same flow."""
    n = table["n_clips"].max()
    if pd.isna(n) or n == 0:
        return ["No clip was scored."]
    notes = [
        f"Flicker: Eq. 13 as root mean square in Lab units, with the flow of {flow_name(scoring_flow)}, n = {n} (the "
        "paper: 116 clips). Comparable with the paper only as the ratio to ground truth; a dull result flickers "
        "little, so read it beside colourfulness."
    ]
    if flow == scoring_flow:
        graded = [row for row, own in options.items() if "flow" in load(row, own).given.get("clips", ())]
        if graded:
            notes.append(
                f"Flicker is measured with the flow that these rows were given, in their favour: {', '.join(graded)}."
            )
    if table["flicker_plus"].isna().all():
        notes.append("`flicker_plus` is empty: there is no post-processor yet.")
    return notes


def notes_on_comparisons(table: pd.DataFrame, comparisons: list[Comparison], baseline: str) -> Iterator[str]:
    """What the intervals are, what a dagger says and on how many items, and what can be said of no row."""
    if table[[f"{column}_low" for column in MEANS]].notna().any(axis=None):
        yield f"[low, high]: 95 % interval of the mean, percentile bootstrap over images or clips, {DRAWS} draws."
    judged = [each for each in comparisons if each.against and each.can_differ]
    if judged:
        columns = "; ".join(f"{_heading(each)}: n = {each.n}, {each.against} rows" for each in judged)
        yield (
            f"{DAGGER}: no significant difference to {baseline} (5 %; signs of the items' differences flipped, Holm's "
            f"correction over the rows of a column). {columns}."
        )
    for each in comparisons:
        if each.against and not each.can_differ:
            yield (
                f"{_heading(each)}: with n = {each.n}, no difference to {baseline} can be significant among "
                f"{each.against} compared rows, so none is marked, and intervals of so few are too narrow."
            )
        if each.left_out:
            yield f"{_heading(each)}: not compared with {baseline}, having other items: {', '.join(each.left_out)}."


def _heading(comparison: Comparison) -> str:
    return HEADINGS.get(comparison.column, comparison.column)


def notes_on_training(options: dict[str, dict], summaries: dict[str, dict]) -> list[str]:
    """How far each training that a row uses came, and whether it made validation worse than no training."""
    notes = []
    for name in dict.fromkeys(filter(None, map(trained_as, options.values()))):
        summary = summaries[name]
        rows = ", ".join(row for row, own in options.items() if trained_as(own) == name)
        came = (
            f"validation error {summary['validation_step0']:.4g} Lab units at step 0, "
            f"{summary['validation_best']:.4g} at step {summary['best_step']}"
        )
        verdict = "." if summary["improved"] else ": training made validation worse than step 0."
        size = f"{summary['steps']} steps at {summary['width']:g} of the paper's width"
        notes.append(f"Training `{name}` ({rows}): {size}, {came}{verdict}{extension(summary)}")
    return notes


def extension(summary: dict) -> str:
    """In what a trained model is not the paper's, in words; nothing if it is."""
    own = [f"{key} {summary[key]}" for key, papers in PAPERS_MODEL.items() if summary.get(key, papers) != papers]
    return f" An extension, not the paper's model: {', '.join(own)}." if own else ""


def notes_on_failures(results: pd.DataFrame) -> list[str]:
    """Every item without a result, by name. results has the columns COLORIZED and the row as outer index."""
    failed = results[results["reason"].notna()].rename_axis(["row", None]).reset_index("row")
    notes = [
        f"{row}: no result for {', '.join(items)} ({kind}): {reason} ({detail})"
        for (row, kind, reason, detail), items in failed.groupby(["row", "kind", "reason", "detail"], sort=False)[
            "item"
        ]
    ]
    if notes:
        notes.insert(0, "Rows that lack items are not averaged over the same set as the others:")
    return notes


def _with_ratio(table: pd.DataFrame) -> pd.DataFrame:
    """Adds flicker_ratio, flicker over that of ground truth; empty where ground truth has none or never flickers."""
    truth = table.loc[table["method"] == "ground_truth", "flicker"].dropna()
    ratio = table["flicker"] / truth.iloc[0] if (truth > 0).any() else np.nan
    return table.assign(flicker_ratio=ratio)


def _cell(line: dict, column: str, places: int, mark: str) -> str:
    """A value with its mark and its interval, where it has them."""
    if pd.isna(line.get(column)):
        return ""
    low, high = line.get(f"{column}_low"), line.get(f"{column}_high")
    between = "" if pd.isna(low) else f" [{low:.{places}f}, {high:.{places}f}]"
    return f"{line[column]:.{places}f}{mark}{between}"


if __name__ == "__main__":
    tyro.cli(main)
