"""Stage: Table 1, as CSV for programs and as Markdown for people, with the paper's rows and what stands in for what."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import tyro

from bench.rows import load
from bench.scores import read_scores
from bench.stand_ins import NETWORKS, flow_name, network_name, note_on_rows
from media.tables import COLORIZED, read_table, written_whole

VERSION = 2

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
}
DECIMALS = {"top5": 1, "top1": 1, "fid": 2, "colorful": 2, "flicker": 3, "flicker_ratio": 3}
# What makes a model the paper's (colorize.settings.ModelSettings); anything else is an extension.
PAPERS_MODEL = {"matching": "subnet", "history": "previous", "output": "direct"}
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
        csv: the CSV to write.
        markdown: the Markdown to write.
    """
    options = {row: json.loads(methods)[row] for row in rows}
    trainings = {path.parent.name: json.loads(path.read_text()) for path in summaries}
    trainings |= checkpoint_summaries(json.loads(checkpoints))
    all_scores = read_scores(scores, clips, clips_of)
    failures = pd.concat([read_table(path, COLORIZED) for path in colorized], keys=[path.stem for path in colorized])
    table = table1(all_scores, options, trainings, classifier, fid_features)
    notes = [
        note_on_rows(backbone, flow),
        *notes_on_images(table, classifier, fid_features),
        *notes_on_clips(table, options, flow, scoring_flow),
        *notes_on_training(options, trainings),
        *notes_on_failures(failures),
    ]
    text = to_markdown(table, notes)
    with written_whole(markdown) as temporary:
        temporary.write_text(text)
    with written_whole(csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    print(text)


def table1(
    scores: pd.DataFrame, options: dict[str, dict], summaries: dict[str, dict], classifier: str, fid_features: str
) -> pd.DataFrame:
    """One line for each row of `options`, columns COLUMNS; a cell without a score is null, never 0.

    scores has the columns SCORES; summaries are those of the trainings, by name.
    """
    lines = []
    for row, own in options.items():
        kinds = load(row, own).given
        line = {"method": row, **means(scores[scores["row"] == row])}
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


def means(scores: pd.DataFrame) -> dict[str, float]:
    """The scores of one row, averaged: over images, or over the pairs of a clip and then over clips."""
    found = {}
    for metric in ("top5", "top1", "fid", "colorful"):
        values = scores.loc[scores["metric"] == metric, "value"]
        if len(values):
            found[metric] = float(values.mean())
    pairs = scores[scores["metric"] == "flicker_rms"]
    clips = pairs.groupby("item")["value"].mean()
    if len(clips):
        found["flicker"] = float(clips.mean())
    return found | {"n_images": int((scores["metric"] == "colorful").sum()), "n_clips": len(clips)}


def to_markdown(table: pd.DataFrame, notes: list[str]) -> str:
    """The table rounded for reading, each row followed by the paper's where the paper has one, and the notes."""
    # The paper's flicker has another flow and may be another reading of Eq. 13: only its ratio can be compared.
    ours, paper = _with_ratio(table), _with_ratio(pd.read_csv(PAPER)).assign(flicker=np.nan)
    lines = []
    for line in ours.to_dict("records"):
        lines.append(line)
        for theirs in paper[paper["method"] == line["method"]].to_dict("records"):
            lines.append(theirs | {"method": f"*paper: {theirs['paper_method']}*"})
    shown = pd.DataFrame(lines)[["method", *DECIMALS, "n_images", "n_clips", "steps_trained"]]
    for column, decimals in DECIMALS.items():
        shown[column] = [_cell(value, f".{decimals}f") for value in shown[column]]
    for column in ("n_images", "n_clips", "steps_trained"):
        shown[column] = [_cell(value, ".0f") for value in shown[column]]
    headings = {
        "top5": "Top-5 (%)",
        "top1": "Top-1 (%)",
        "fid": "Fréchet",
        "colorful": "colourfulness",
        "flicker_ratio": "flicker / ground truth",
        "n_images": "images",
        "n_clips": "clips",
        "steps_trained": "steps",
    }
    body = shown.rename(columns=headings).to_markdown(index=False, disable_numparse=True)
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


def _cell(value: float, form: str) -> str:
    return "" if pd.isna(value) else format(value, form)


if __name__ == "__main__":
    tyro.cli(main)
