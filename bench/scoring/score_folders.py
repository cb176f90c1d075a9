"""The command `score`: what folders of frames are worth, without the pipeline. See docs/score-your-frames.md."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pandas as pd

from bench.scoring.folders import MisfitFolders
from bench.scoring.measure import METRICS, SETS, TRUTH, declared_as, module_of
from bench.scoring.measure_folders import GREY, load_networks, row_names, score_folders
from bench.scoring.statistics import DRAWS, can_differ, per_item, rows_compared, summarize
from bench.stand_ins import flow_name, network_name
from media.whole import written_whole

ROOT = Path(__file__).parents[2]
SUFFIXES = (".csv", ".parquet")

# Readings of one number beside its headline: in the table, but not ranked.
NOT_RANKED = {"flicker_mse_all", "flicker_mse_masked", "flicker_fro128", "flicker_l1_masked", "flicker_l1_all"}

Given = Literal["none", "first"]


def main(
    *,
    result: tuple[Path, ...],
    truth: Path,
    out: Path,
    reference_frames: Given = "none",
    baseline: str | None = None,
    pairs: Path | None = None,
    flow: str = "farneback",
    fid_features: str = "efficientnet_lite0",
    labels: Path | None = None,
    classifier: str = "efficientnet_lite0",
    weights: Path = ROOT / "weights" / "external",
    jobs: int = 1,
    seed: int = 0,
) -> None:
    """Score folders of frames, <clip>/00000.png, against the ground truth in the same layout.

    Several folders of results are ranked, on the same clips. docs/score-your-frames.md says more.

    Args:
        result: one folder of PNG frames for each method, of the ground truth's size; a row is called after its folder.
        truth: the folder of the ground truth, PNG or as DAVIS has it.
        out: the table of every metric of every clip and frame, .csv or .parquet.
        reference_frames: first = frame 0 of each clip was given to the methods and is not counted.
        baseline: the folder with which the others are compared; without it each is compared with each.
        pairs: a table of the comparisons, .csv or .parquet.
        flow: estimator for flicker and warping error, one that no method has used: dis, farneback, raft, ...
        fid_features: network of the Frechet and kernel distances; inception(_clean) for FID and KID, none for neither.
        labels: CSV with the columns item and label (ImageNet class index), for Top-1 and Top-5 of single pictures.
        classifier: network of Top-1 and Top-5.
        weights: folder of other people's weight files.
        jobs: clips scored at a time.
        seed: of the draws for intervals and p.
    """
    try:
        for path in filter(None, (out, pairs)):
            _check_suffix(path)
        rows = row_names(list(result))
        _check_baseline(baseline, list(rows))
        networks = load_networks(flow, fid_features, classifier, labels, weights)
        scores = score_folders(list(result), truth, networks, first_counted=int(reference_frames == "first"), jobs=jobs)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    write(scores, out)
    print("\n".join([*(_table_of(row, scores, seed) for row in rows), ""]))
    if len(rows) > 1:
        rank(scores, list(rows), baseline, pairs, seed)
    print("\n".join(f"- {note}" for note in notes(scores, reference_frames, flow, fid_features, networks.left_out)))


def rank(scores: pd.DataFrame, rows: list[str], baseline: str | None, pairs: Path | None, seed: int) -> None:
    """Print the ranking of the rows, and write their comparisons where that is asked for."""
    compared = comparison(scores, rows, baseline, seed)
    if pairs is not None:
        write(compared, pairs)
    print(ranking(scores, compared, rows, baseline))


def comparison(scores: pd.DataFrame, rows: list[str], baseline: str | None, seed: int) -> pd.DataFrame:
    """bench.scoring.statistics.rows_compared of the rows in every metric that clips have and that has a better side."""
    own = scores[scores["row"].isin(rows)]
    directions = {metric: module_of(metric).DIRECTION for metric in _metrics(own) if metric not in SETS}
    ranked = {name: side for name, side in directions.items() if side in ("up", "down") and name not in NOT_RANKED}
    return rows_compared(own, ranked, baseline=baseline, seed=seed)


def ranking(scores: pd.DataFrame, compared: pd.DataFrame, rows: list[str], baseline: str | None) -> str:
    """For each metric the rows from best to worst, with the difference to the baseline, or else to the best one."""
    lines = []
    for metric in compared["metric"].unique():
        means = per_item(scores[scores["row"].isin(rows)], metric).mean()
        order = means.sort_values(ascending=module_of(metric).DIRECTION == "down", kind="stable").index
        of_metric = compared[compared["metric"] == metric]
        for place, row in enumerate(order, start=1):
            reference = baseline or order[0]
            difference = {} if row == reference else _difference(of_metric, row, reference)
            lines.append({"metric": metric, "place": place, "row": row, "mean": f"{means[row]:.4g}", **difference})
    heading = f"Ranking; differences to {baseline or 'the best of each metric'}:"
    return "\n".join(["", heading, "", _markdown(lines), ""])


def _difference(of_metric: pd.DataFrame, row: str, reference: str) -> dict[str, str]:
    """How `row` differs from `reference`, whichever of the two stands first in the line of the pair."""
    pair = of_metric[of_metric["method"].isin([row, reference]) & of_metric["other"].isin([row, reference])].iloc[0]
    counts = [pair["wins"], pair["ties"], pair["losses"]]
    sign = 1 if pair["method"] == row else -1
    low, high = sorted((sign * pair["low"], sign * pair["high"]))
    return {
        "difference": f"{sign * pair['difference']:+.4g}",
        "95 %": _range(low, high),
        "wins/ties/losses": "/".join(map(str, counts[::sign])),
        "p (Holm)": f"{pair['p_holm']:.2g}",
        "": "significant" if pair["significant"] else "not significant",
    }


def _table_of(row: str, scores: pd.DataFrame, seed: int) -> str:
    """One row of results: every metric between ground truth and grey, with its best and its worst clip."""
    own = scores[scores["row"] == row]
    intervals = summarize(own, _metrics(own), seed=seed).set_index("metric")
    lines = []
    for metric in _metrics(own):
        module = module_of(metric)
        line = {"metric": metric, "unit": module.UNIT, "better": module.DIRECTION}
        beside = {name: _mean(scores[scores["row"] == name], metric) for name in (TRUTH, GREY)}
        if metric in intervals.index:
            interval = intervals.loc[metric]
            line |= {
                "mean": f"{interval['mean']:.4g}",
                "95 %": _range(interval["low"], interval["high"]),
                "n": int(interval["n"]),
            }
            line |= _extremes(scores[scores["row"].isin([row, TRUTH])], row, metric)
        else:
            line |= {"mean": f"{_mean(own, metric):.4g}", "n": "set"}
        line |= {"ground truth": f"{beside[TRUTH]:.4g}", "grey": f"{beside[GREY]:.4g}"}
        if metric.startswith("flicker") and beside[TRUTH] > 0:
            line["/ ground truth"] = f"{_mean(own, metric) / beside[TRUTH]:.3f}"
        lines.append(line)
    return "\n".join(["", f"{row}:", "", _markdown(lines)])


def _extremes(scores: pd.DataFrame, row: str, metric: str) -> dict[str, str]:
    """The best and the worst item of a row, where it has several."""
    items = per_item(scores, metric)
    if len(items) < 2:
        return {}
    losses = {
        "up": -items[row],
        "down": items[row],
        "near ground truth": (items[row] - items[TRUTH]).abs(),
    }[module_of(metric).DIRECTION]
    places = {"best": losses.idxmin(), "worst": losses.idxmax()}
    return {name: f"{place[1]} {items.loc[place, row]:.4g}" for name, place in places.items()}


def _metrics(scores: pd.DataFrame) -> list[str]:
    return sorted(scores["metric"].unique(), key=lambda column: list(METRICS).index(declared_as(column)))


def _mean(scores: pd.DataFrame, metric: str) -> float:
    """Over frames, then over items; the value itself of a metric of the set."""
    values = scores[scores["metric"] == metric]
    return float(values.groupby("item", dropna=False)["value"].mean().mean())


def _markdown(lines: list[dict]) -> str:
    return pd.DataFrame(lines).fillna("").to_markdown(index=False, disable_numparse=True)


def _range(low: float, high: float) -> str:
    return "" if pd.isna(low) else f"{low:.4g} .. {high:.4g}"


def notes(
    scores: pd.DataFrame, reference_frames: Given, flow: str, fid_features: str, left_out: tuple[str, ...]
) -> Iterator[str]:
    """What the numbers are, what stands in for what, and what is not there."""
    frames = scores[(scores["row"] == TRUTH) & (scores["metric"] == "psnr")]
    n = frames["item"].nunique()
    given = {
        "none": "Every frame is counted; if frame 0 was given to a method, `--reference-frames first` leaves it out.",
        "first": "Frame 0 of each clip was given and is not counted; the pair of frames 0 and 1 is.",
    }[reference_frames]
    yield f"n = {n} items, {len(frames)} frames. Means are over the frames of an item, then over items. {given}"
    yield (
        f"95 %: percentile bootstrap over items, {DRAWS} draws; differences on the same draws. p: signs of the "
        "differences flipped, corrected (Holm) within each metric."
    )
    if not can_differ(n, comparisons=1):
        yield f"With {n} items no difference can be significant, and intervals are too narrow."
    if (frames["kind"] == "clips").any():
        yield (
            f"Flicker and warping error: flow of {flow_name(flow)}, of the ground truth's grey frames. A method that "
            "propagates with this flow grades itself. Dull colours flicker little: read it beside colourfulness."
        )
    if fid_features != "none" and not fid_features.startswith("inception"):
        yield (
            f"fid and kid are distances on the features of {network_name(fid_features).partition(',')[0]}, a stand-in "
            "for Inception's: not comparable with published values."
        )
    if scores["metric"].isin(list(SETS)).any():
        yield f"fid and kid have no interval: they are distances between two sets of {len(frames)} frames."
    has_cdc = scores[(scores["row"] == TRUTH) & (scores["metric"] == "cdc")]
    if (frames["kind"] == "clips").any() and len(has_cdc) < n:
        yield f"cdc is left out for {n - len(has_cdc)} clips of fewer than 5 frames."
    yield from left_out


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or Parquet, by the suffix."""
    with written_whole(path) as temporary:
        if path.suffix == ".parquet":
            table.to_parquet(temporary, index=False)
        else:
            table.to_csv(temporary, index=False)


def _check_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path}: expected a name that ends with {' or '.join(SUFFIXES)}")


def _check_baseline(baseline: str | None, rows: list[str]) -> None:
    if baseline is not None and baseline not in rows:
        raise MisfitFolders(f"the baseline {baseline!r} is none of the results; expected one of {', '.join(rows)}")
