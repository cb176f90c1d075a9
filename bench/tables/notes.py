"""The notes under Tables 1 and 5: what measured, on how many, what stands in for what, what a mark says."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from bench.methods.contract.rows import load, trained_as
from bench.scoring.comparison import Comparison
from bench.scoring.statistics import DRAWS
from bench.stand_ins import NETWORKS, Choices, flow_name, network_name
from bench.tables.columns import DAGGER, DOUBLE_DAGGER, heading
from media.document import Note
from media.tables import CLIPS, read_table, shortfalls
from vision.weights import DEVC_COLORIZATION, DEVC_CORRESPONDENCE

PAPER = Path(__file__).with_name("paper") / "table1.csv"
FEW = 20  # so many items without a result are named
# What makes a model the paper's (colorize.settings.ModelSettings); anything else is an extension.
PAPERS_MODEL = {"matching": "subnet", "history": "previous", "output": "direct"}


def notes_on_counts(path: Path, choices: Choices) -> Iterator[Note]:
    """Which datasets gave fewer items than are wanted of them. path: a set's table, <kind>/<set>.parquet."""
    name = f"{path.parent.name}/{path.stem}"
    wanted = choices.counts.get(name)
    for said in shortfalls(read_table(path, CLIPS), wanted) if wanted else ():
        yield Note(kind="fewer than wanted", text=f"Fewer items than are wanted in {name}: {said}.")


def notes_on_images(table: pd.DataFrame, choices: Choices) -> Iterator[Note]:
    """What measured the images, what it stands in for, and on how many."""
    n = table["n_images"].max()
    if pd.isna(n) or n == 0:
        yield Note(kind="nothing scored", text="No image was scored.")
        return
    classifier = network_name(choices.classifier)
    yield Note(kind="classifier", text=f"Top-1 and Top-5: {classifier}; n = {n}, so one image is {100 / n:.1f} points.")
    features = NETWORKS.get(choices.fid_features, choices.fid_features)
    if choices.fid_features.startswith("inception"):
        said = (
            f"Fréchet Inception Distance to the ground truth of the same images, n = {n} (the paper: 10000); "
            f"features: {features}."
        )
    else:
        theirs = pd.read_csv(PAPER).set_index("method").loc["ours", "fid"]
        said = (
            f"Fréchet distance on {features} features, n = {n}: "
            f"a check of the machinery, not comparable with {theirs:.2f}."
        )
    yield Note(kind="fid", text=said)
    said = "Colourfulness is the CIELAB form, in Lab units: near the ground truth's is better, not more."
    yield Note(kind="colorful", text=said)


def notes_on_clips(table: pd.DataFrame, options: dict[str, dict], choices: Choices) -> Iterator[Note]:
    """What measured the clips, and which rows were given the same flow."""
    n = table["n_clips"].max()
    if pd.isna(n) or n == 0:
        yield Note(kind="nothing scored", text="No clip was scored.")
        return
    said = (
        f"Flicker: Eq. 13 as root mean square in Lab units, with the flow of {flow_name(choices.scoring_flow)}, n = {n}"
        " (the paper: 116 clips). Comparable with the paper only as the ratio to ground truth; a dull result flickers "
        "little, so read it beside colourfulness."
    )
    yield Note(kind="flicker", text=said)
    if choices.flow == choices.scoring_flow:
        graded = [row for row, own in options.items() if "flow" in load(row, own).given.get("clips", ())]
        if graded:
            said = (
                f"Flicker is measured with the flow that these rows were given, in their favour: {', '.join(graded)}."
            )
            yield Note(kind="graded by themselves", text=said, rows=tuple(graded))


def notes_on_plus(table: pd.DataFrame, after: dict, corrected: Sequence[str]) -> Iterator[Note]:
    """What flicker_plus is, and for which rows the post-processor is not blind."""
    if not after:
        said = "`flicker_plus` is empty: the configuration names no post-processor (config/all.yaml does)."
        yield Note(kind="no post-processor", text=said)
    elif table["flicker_plus"].notna().any():
        said = f"flicker+ is the flicker after {after['method']} has worked on the row's result."
        yield Note(kind="post-processor", text=said)
        if corrected:
            said = (
                f"{DOUBLE_DAGGER}: {after['method']} was trained on what these rows make of the training clips, "
                f"{', '.join(corrected)}; for all others it is blind."
            )
            yield Note(kind="not blind", text=said, rows=tuple(corrected))


def notes_on_grey(scores: pd.DataFrame, options: dict[str, dict]) -> Iterator[Note]:
    """Which of the rows that learned are nearer to the true colours of the test clips than no colour at all.

    Over the frames after the first, which some rows are given.
    """
    of_clips = scores[(scores["kind"] == "clips") & (scores["metric"] == "psnr_ab") & scores["value"].notna()]
    of_clips = of_clips[of_clips["frame"] > 0]
    mean = of_clips.groupby(["row", "item"])["value"].mean().groupby("row").mean().to_dict()
    learned = [row for row, own in options.items() if trained_as(own) and row in mean]
    if "grey" in mean and learned:
        above = [row for row in learned if mean[row] > mean["grey"]]
        below = [row for row in learned if mean[row] <= mean["grey"]]
        said = (
            f"Mean ab-PSNR of the test clips after their first frames, in dB: grey has {mean['grey']:.2f}. Trained "
            f"rows above it: {_with_means(above, mean)}; not above it: {_with_means(below, mean)}."
        )
        yield Note(kind="beside grey", text=said, rows=tuple(learned))
        yield from reasons(below, options, mean)


def _with_means(rows: list[str], mean: dict[str, float]) -> str:
    return ", ".join(f"{row} ({mean[row]:.2f})" for row in rows) or "none"


def reasons(rows: list[str], options: dict[str, dict], mean: dict[str, float]) -> Iterator[Note]:
    """Why rows that learned may be no nearer than grey; docs/trained-rows.md measures it for the default data.

    rows: these. mean: ab-PSNR of every row.
    """
    given = {row: load(row, own).given.get("clips", ()) for row, own in options.items()}
    if others := [row for row in rows if "reference" in given[row]]:
        models = {trained_as(options[row]) for row in others}
        twins = [
            row
            for row, own in options.items()
            if row in mean and trained_as(own) in models and "first_frame" in given[row]
        ]
        with_own = f"; the same models with the clip's first frame instead: {_with_means(twins, mean)}" if twins else ""
        said = (
            f"Why {', '.join(others)}: the reference is another picture, and likely colours that are not the clip's "
            f"own cost more than none{with_own}."
        )
        yield Note(kind="below grey: other reference", text=said, rows=(*others, *twins))
    if blind := [row for row in rows if not given[row]]:
        said = (
            f"Why {', '.join(blind)}: they see luminance alone and guess the colours of what they learned from; where "
            "the test clips have others, no colour is nearer (measured in docs/trained-rows.md)."
        )
        yield Note(kind="below grey: luminance alone", text=said, rows=tuple(blind))
    if short := [row for row in rows if "first_frame" in given[row]]:
        said = (
            f"Why {', '.join(short)}: not for lack of colours, the first frame is given; the network does not make use "
            "of them, as after a short training (docs/trained-rows.md)."
        )
        yield Note(kind="below grey: first frame", text=said, rows=tuple(short))


def notes_on_comparisons(table: pd.DataFrame, comparisons: list[Comparison], baseline: str) -> Iterator[Note]:
    """What the intervals are, what a dagger says and on how many items, and what can be said of no row."""
    if table.filter(like="_low").notna().any(axis=None):
        said = f"[low, high]: 95 % interval of the mean, percentile bootstrap over images or clips, {DRAWS} draws."
        yield Note(kind="intervals", text=said)
    judged = [each for each in comparisons if each.against and each.can_differ]
    if judged:
        columns = "; ".join(f"{heading(each.column)}: n = {each.n}, {each.against} rows" for each in judged)
        said = (
            f"{DAGGER}: no significant difference to {baseline} (5 %; signs of the items' differences flipped, Holm's "
            f"correction over the rows of a column). {columns}."
        )
        yield Note(kind="no significant difference", text=said, rows=(baseline,))
    for each in comparisons:
        if each.against and not each.can_differ:
            said = (
                f"{heading(each.column)}: with n = {each.n}, no difference to {baseline} can be significant among "
                f"{each.against} compared rows, so none is marked, and intervals of so few are too narrow."
            )
            yield Note(kind="too few to compare", text=said, rows=(baseline,))
        if each.left_out:
            others = ", ".join(each.left_out)
            said = f"{heading(each.column)}: not compared with {baseline}, having other items: {others}."
            yield Note(kind="not compared", text=said, rows=each.left_out)


def notes_on_training(options: dict[str, dict], summaries: dict[str, dict]) -> Iterator[Note]:
    """How far each training that a row uses came, and whether it made validation worse than no training."""
    for name in dict.fromkeys(filter(None, map(trained_as, options.values()))):
        summary = summaries[name]
        rows = tuple(row for row, own in options.items() if trained_as(own) == name)
        if "published" in summary:
            yield note_on_release(name, rows, summary)
            continue
        came = (
            f"validation error {summary['validation_step0']:.4g} {summary.get('validated', 'Lab units')} at step 0, "
            f"{summary['validation_best']:.4g} at step {summary['best_step']}, {kept(summary)}"
        )
        verdict = "." if summary["improved"] else ": training made validation worse than step 0."
        size = f"{summary['steps']} steps at {summary['width']:g} of the paper's width"
        size += f" in {summary['seconds']:.0f} s" if "seconds" in summary else ""
        said = f"Training `{name}` ({', '.join(rows)}): {size}, {came}{verdict}{extension(summary)}"
        yield Note(kind="training" if summary["improved"] else "training made it worse", text=said, rows=rows)


def kept(summary: dict) -> str:
    """Which checkpoint of a training is the model, behind the lowest validation error."""
    if summary.get("keep", "best") == "best":
        return "the lowest, which is kept"
    return f"the lowest; kept is that after the last step, {kept_step(summary)}, with {summary['validation_kept']:.4g}"


def kept_step(summary: dict) -> int:
    """The step of a training's model."""
    return summary.get("kept_step", summary["best_step"])


def note_on_release(name: str, rows: Sequence[str], summary: dict) -> Note:
    """What a model is whose files are the published program's: its own model only by the number of its release."""
    if not summary["published"]:
        return Note(kind="published model", text=f"`{name}` ({', '.join(rows)}) is not there.", rows=tuple(rows))
    files, features = " and ".join(summary["published"]), network_name(summary["backbone"])
    is_theirs = set(summary["published"]) == {file.name for file in (DEVC_CORRESPONDENCE, DEVC_COLORIZATION)}
    what = "the published model" if is_theirs else "a model in the release's files, not of the published number"
    said = (
        f"`{name}` ({', '.join(rows)}) is {what}, {files}, on the features of {features}; nothing of it is trained "
        "here, and for how many steps it was is not said."
    )
    return Note(kind="published model", text=said, rows=tuple(rows))


def notes_on_networks(options: dict[str, dict], networks: dict[str, dict[str, str]], after: dict) -> Iterator[Note]:
    """Which rows are their authors' networks, and which were trained here instead.

    networks: of each row whose method has published weights, the file that is taken (`published`), that which is not
    there (`missing`), and what shows that the file that is there is not the published one (`differs`). after:
    options of the post-processor of flicker_plus.
    """
    own = {row: networks[row] | {"training": options[row].get("training", "")} for row in options if row in networks}
    plus = next((row for row in networks if row not in options), None)
    if plus and after:
        own[f"+ ({after['method']})"] = networks[plus] | {"training": after.get("training", "")}
    taken = {row: each for row, each in own.items() if each["published"]}
    theirs = {row: f"{row}: {each['published']}" for row, each in taken.items() if not each.get("differs")}
    others = {
        row: f"{row}: {each['published']} ({each['differs']})" for row, each in taken.items() if row not in theirs
    }
    if theirs:
        said = f"Networks of their authors, with published weights: {'; '.join(theirs.values())}."
        yield Note(kind="published networks", text=said, rows=tuple(theirs))
    if others:
        said = (
            f"Networks from a file of that name whose content is NOT the published one: {'; '.join(others.values())}."
        )
        yield Note(kind="not the published networks", text=said, rows=tuple(others))
    trained = {row: each for row, each in own.items() if each["training"]}
    if trained:
        named = [f"{row} ({_not_taken(each)})" for row, each in trained.items()]
        said = f"Networks of other papers that were trained here, with no weights of their authors: {'; '.join(named)}."
        yield Note(kind="trained here", text=said, rows=tuple(trained))


def _not_taken(network: dict[str, str]) -> str:
    """What there is of the weights of its authors that a row does not take."""
    if network["missing"]:
        return f"{network['missing']} is not there"
    return (
        "a file of that name is there, NOT the published one"
        if network.get("differs")
        else "its authors' file is there"
    )


def extension(summary: dict) -> str:
    """In what a trained model is not the paper's, in words; nothing if it is."""
    own = [f"{key} {summary[key]}" for key, papers in PAPERS_MODEL.items() if summary.get(key, papers) != papers]
    return f" An extension, not the paper's model: {', '.join(own)}." if own else ""


def notes_on_failures(results: pd.DataFrame) -> Iterator[Note]:
    """Every item without a result, by name. results has the columns COLORIZED and the row as outer index."""
    failed = results[results["reason"].notna()].rename_axis(["row", None]).reset_index("row")
    if not failed.empty:
        said = "Rows that lack items are not averaged over the same set as the others:"
        yield Note(kind="lacking items", text=said, rows=tuple(failed["row"].unique()))
    for (row, kind, reason, detail), items in failed.groupby(["row", "kind", "reason", "detail"], sort=False)["item"]:
        listed = ", ".join(items if len(items) <= FEW else [*items[:FEW], f"{len(items) - FEW} more"])
        said = f"{row}: no result for {listed} ({kind}): {reason} ({detail})"
        yield Note(kind="failure", text=said, rows=(row,))
