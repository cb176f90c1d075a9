"""Command: what datasets hold, what of it is fit as colour ground truth, and why the rest is not.

Everything is judged as the workflow judges it, but no frame and no table is kept: all that may be written is a plot.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import tyro

from plan.reading import ROOT, read_config
from prep.datasets.registry import KINDS, Dataset, DatasetError, find_dataset, media_folder, read_registry
from prep.datasets.selection import Selection, Source, select_sources, unique_names

if TYPE_CHECKING:
    import pandas as pd

    from prep.judging.quality import Filters

EVERYTHING = "**/*"
BAR = 40  # characters of the bar of all items
PLOTS = (".svg", ".png", ".pdf")
SHOWN = 20  # rejected items that are named unless all are wanted


@dataclass(frozen=True)
class Rules:
    """What the files are judged by, from the configuration."""

    size: tuple[int, int]  # height, width of the prepared frames
    length: int  # frames a clip
    stride: int
    filters: Filters


def rules_of(config: dict, stride: int) -> Rules:
    """The part of a configuration that decides. Raises DatasetError for thresholds that make no sense."""
    from pydantic import ValidationError

    from prep.judging.quality import Filters

    try:
        filters = Filters.model_validate(config["filter"])
    except ValidationError as error:
        wrong = "; ".join(f"filter.{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise DatasetError(f'config: {wrong}; config/README.md explains the keys (write "off" in quotes)') from error
    return Rules(tuple(config["clips"]["size"]), config["clips"]["length"], stride, filters)


def list_sources(registry: dict[str, Dataset], name: str, files: str) -> list[Source]:
    """The sources of a dataset, sorted by name; of nested folders only those that hold no other one."""
    sources = select_sources(registry, Selection(dataset=name, files=files), kinds=tuple(KINDS))
    above = {source.file.rpartition("/")[0] for source in sources if source.kind == "frames"}
    return [source for source in sources if source.file not in above]


def sample(sources: list[Source], count: int | None, seed: int) -> list[Source]:
    """The first `count` in the order of a draw, sorted by name; None: all."""
    from prep.datasets.lists import draw_order

    if count is None:
        return sources
    drawn = set(draw_order([source.file for source in sources], seed)[:count])
    return [source for source in sources if source.file in drawn]


def judge(source: Source, name: str, rules: Rules) -> list[dict]:
    """The rows of CLIPS that a source would give, with its `kind` and the `seconds` that it took."""
    from prep.clips import ClipRecipe, prepare_source
    from prep.images import prepare_image

    began = perf_counter()
    if source.kind == "images":
        rows = prepare_image(source, name, rules.size, rules.filters, frames_dir=None)
    else:
        recipe = ClipRecipe(rules.size, per_source=None, filters=rules.filters, frames_dir=None)
        rows = prepare_source(source, name, {rules.stride: rules.length}, recipe)
    return [row | {"kind": source.kind, "seconds": perf_counter() - began} for row in rows]


def judge_all(sources: list[Source], rules: Rules, workers: int) -> pd.DataFrame:
    """The table of all items with the columns of CLIPS, `kind` and `seconds`, duplicates among them found."""
    import pandas as pd

    from media.jobs import Task, run_tasks
    from media.tables import CLIPS
    from prep.gather import without_duplicates

    names = unique_names(sources)
    tasks = [Task(names[source], key="", arguments=(source, names[source], rules)) for source in sources]
    with tempfile.TemporaryDirectory() as receipts:
        rows = run_tasks(judge, tasks, Path(receipts), lambda row: [], workers, "threads", "describe")
    rows = without_duplicates(rows, [], rules.filters.duplicates)
    columns = CLIPS | {"kind": "string", "seconds": "Float64"}
    return pd.DataFrame(rows).reindex(columns=list(columns)).astype(columns)


def title(dataset: Dataset, listed: int, taken: int, files: str) -> str:
    """What a dataset is, how many files it has, and how many of them are looked at."""
    counted = f" (the registry counts {dataset.count})" if dataset.count else ""
    split = f", split {dataset.split}" if dataset.split else ""
    only = f", only {files}" if files != EVERYTHING else ""
    lines = [
        f"{dataset.name}: {listed} {'file' if listed == 1 else 'files'}{only}{counted}",
        f"  {dataset.kind} ({dataset.layout.what}) in {media_folder(dataset)}{split}",
    ]
    if taken < listed:
        lines.append(f"  a sample: {taken} of the {listed}, drawn by name; all numbers below are of the sample")
    return "\n".join(lines)


def item_names(table: pd.DataFrame) -> list[str]:
    """What people call each item: its file, with the dataset and the shot where there are several."""
    several = table["dataset"].nunique() > 1
    files = zip(table["dataset"], table["source"], shots_named(table), strict=True)
    return [(f"{dataset}/" if several else "") + source + shot for dataset, source, shot in files]


def shots_named(table: pd.DataFrame) -> list[str]:
    """For each item `, shot 2`, or nothing where its file has but one shot."""
    shots = table.groupby(["dataset", "source"])["shot"].transform("nunique")
    return [f", shot {shot}" if count > 1 else "" for shot, count in zip(table["shot"], shots, strict=True)]


def contents(table: pd.DataFrame) -> list[str]:
    """How many items the files give; of videos the shots; how the files lie."""
    sources = table.drop_duplicates(["dataset", "source"])
    films = table[table["kind"] != "images"]
    lines = []
    if len(films):
        files = films.groupby(["dataset", "source"])["shot"]
        cut, shots = int((files.nunique() > 1).sum()), int(films["shot"].notna().sum())
        lines.append(f"clips: {_kept(films)} kept; files: {files.ngroups}, with cuts: {cut}; shots: {shots}")
    if len(films) < len(table):
        photographs = table[table["kind"] == "images"]
        lines.append(f"photographs: {_kept(photographs)} kept; files: {len(photographs)}")
    lie = sources["orientation"].fillna("not known").value_counts()
    return [*lines, "orientation of the files: " + ", ".join(f"{count} {what}" for what, count in lie.items())]


def _kept(table: pd.DataFrame) -> int:
    return int(table["reason"].isna().sum())


def histogram(table: pd.DataFrame) -> list[str]:
    """A bar for the kept items and one for each reason, the most frequent first."""
    counts = {"kept": _kept(table), **table["reason"].dropna().value_counts().to_dict()}
    width, digits = max(map(len, counts)), len(str(len(table)))
    return [
        f"  {what:{width}}  {count:{digits}}  {count / len(table):6.1%}  {'█' * -(-count * BAR // len(table))}".rstrip()
        for what, count in counts.items()
    ]


def rejections(table: pd.DataFrame, shown: int | None) -> list[str]:
    """A line for each rejected item, the first `shown` (None: all)."""
    rejected = table.assign(name=item_names(table)).dropna(subset="reason")
    lines = [f"  {row.name}: {row.reason}: {' '.join(row.detail.split())}" for row in rejected.itertuples(index=False)]
    more = len(lines) - len(lines[:shown])
    return lines[:shown] + ([f"  ... and {more} more; --all names them"] if more else [])


def margins(table: pd.DataFrame, filters: Filters) -> list[str]:
    """For each threshold the kept item nearest above it and the item rejected for it nearest below."""
    measured = table.assign(name=item_names(table), side=table[["source_height", "source_width"]].min(axis=1))
    tests = {
        "min_mean_l": ("mean_l", "too_dark"),
        "min_mean_chroma": ("mean_chroma", "low_chroma"),
        "min_chroma_spread": ("chroma_spread", "grayscale"),
        "min_side": ("side", "too_small"),
    }
    lines = []
    for key, (column, reason) in tests.items():
        below = measured[measured["reason"] == reason].nlargest(1, column)
        above = measured[measured["reason"].isna()].nsmallest(1, column)
        beside = [
            f"{side} {getattr(row, column):.4g} ({row.name})"
            for side, rows in (("rejected", below), ("kept", above))
            for row in rows.itertuples(index=False)
        ]
        lines.append(f"  filter.{key} {getattr(filters, key):g}: {', '.join(beside) or 'nothing was measured'}")
    return lines


def pace(table: pd.DataFrame, workers: int) -> str:
    """How long a file took, for planning."""
    files = table.drop_duplicates(["dataset", "source"])
    slowest = files.loc[files["seconds"].idxmax()]
    return (
        f"time: {files['seconds'].median():.2g} s a file (median), at most {slowest.seconds:.2g} s ({slowest.source}); "
        f"{workers} at the same time"
    )


def report(table: pd.DataFrame, rules: Rules, workers: int, shown: int | None) -> str:
    """All that is said about the items of a table of `judge_all`."""
    height, width = rules.size
    rejected = rejections(table, shown)
    return "\n".join(
        [
            f"judged at {width}x{height}; clips of {rules.length} frames at stride {rules.stride}, one of each shot; "
            f"duplicates: {rules.filters.duplicates}",
            "",
            *contents(table),
            pace(table, workers),
            "",
            f"items: {len(table)}",
            *histogram(table),
            *(["", "rejected", *rejected] if rejected else []),
            "",
            "nearest to the thresholds",
            *margins(table, rules.filters),
        ]
    )


def main(
    dataset: Annotated[tuple[str, ...], tyro.conf.Positional],
    *,
    config: tyro.conf.UseAppendAction[tuple[Path, ...]] = (),
    files: str = EVERYTHING,
    stride: int = 1,
    limit: int | None = None,
    workers: int = 2,
    all: bool = False,
    plot: Path | None = None,
) -> None:
    """Say what of some datasets is fit to be used and why the rest is not. Nothing is written but the plot.

    Args:
        dataset: names in the registry of datasets, one or more; duplicates are found among all of them.
        config: a configuration on top of the default one, for other thresholds or another registry; may be repeated,
            later ones lie on top.
        files: only these files of each dataset, a glob over their names.
        stride: source frames from one clip frame to the next.
        limit: only so many files of each dataset, drawn by their names and the seed of the configuration.
        workers: files judged at the same time.
        all: name all rejected items, not the first 20.
        plot: a file (.svg, .png, .pdf) to write: where the items lie and where the thresholds.
    """
    for option, value in (("stride", stride), ("limit", limit), ("workers", workers)):
        if value is not None and value < 1:
            raise DatasetError(f"--{option} is {value}; expected 1 or more")
    if plot is not None and plot.suffix not in PLOTS:
        raise DatasetError(f"cannot write the plot {plot}; expected a name that ends in {', '.join(PLOTS)}")
    merged = read_config(config)
    rules = rules_of(merged, stride)
    registry = read_registry(ROOT / merged["datasets"])
    if not dataset:
        raise DatasetError(f"name one or more datasets; the registry has: {', '.join(registry) or 'none'}")
    sources: list[Source] = []
    for name in dict.fromkeys(dataset):
        listed = list_sources(registry, name, files)
        taken = sample(listed, limit, merged["seed"])
        print(title(find_dataset(registry, name), len(listed), len(taken), files))
        sources += taken
    table = judge_all(sources, rules, workers)
    print(report(table, rules, workers, None if all else SHOWN))
    if plot is not None:
        from prep.describe.filter_plot import draw_plot

        draw_plot(table, rules.filters, plot)
        print(f"\n{plot}")
