"""The columns of Tables 1 and 5, and their rows as cells: values with intervals and marks, the paper's below."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from bench.metrics import accuracy, colorfulness, fid, flicker
from bench.scoring.comparison import MEANS, Comparison
from media.document import Cell, Column, Row, cells_of

DAGGER, DOUBLE_DAGGER = "†", "‡"


def _of(metric, name: str, heading: str, decimals: int, **more) -> Column:
    """A column of a metric's means, with the unit and the direction that the metric declares."""
    unit, direction = more.pop("unit", metric.UNIT), metric.DIRECTION
    return Column(
        name=name, heading=heading, decimals=decimals, unit=unit, direction=direction, interval=name in MEANS, **more
    )


METHOD = Column(name="method", heading="method")
COLUMNS = {
    column.name: column
    for column in (
        METHOD,
        _of(accuracy, "top5", "Top-5 (%)", 1),
        _of(accuracy, "top1", "Top-1 (%)", 1),
        _of(fid, "fid", "Fréchet", 2),
        _of(colorfulness, "colorful", "colourfulness", 2),
        _of(flicker, "flicker", "flicker", 3),
        _of(flicker, "flicker_ratio", "flicker / ground truth", 3, unit="", only="reading"),
        _of(flicker, "flicker_plus", "flicker+", 3),
        _of(flicker, "flicker_plus_ratio", "flicker+ / ground truth", 3, unit="", only="reading"),
        Column(name="n_images", heading="images", decimals=0),
        Column(name="n_clips", heading="clips", decimals=0),
        Column(name="classifier", heading="classifier", only="data"),
        Column(name="fid_features", heading="Fréchet features", only="data"),
        Column(name="steps_trained", heading="steps", decimals=0),
        Column(name="samples_trained", heading="steps × batch", decimals=0),
    )
}


def heading(name: str) -> str:
    """How a column is called where it is read."""
    return COLUMNS[name].heading if name in COLUMNS else name


def rows(
    table: pd.DataFrame,
    paper: pd.DataFrame,
    comparisons: Sequence[Comparison],
    marks: Mapping[tuple[str, str], str] | None = None,
) -> Iterator[Row]:
    """The lines of a table as cells, each followed by those that the paper has for the same method.

    A dagger marks a difference that may be chance. marks: further ones, for the cell of a row and column. `<name>_low`
    and `<name>_high` of the table are the intervals of `<name>`.
    """
    undecided = [(row, each.column) for each in comparisons if each.can_differ for row in each.undecided]
    marked = dict.fromkeys(undecided, DAGGER) | dict(marks or {})
    for line in table.to_dict("records"):
        own = {name: mark for (row, name), mark in marked.items() if row == line["method"]}
        yield Row(cells=cells_of(line, own))
        for theirs in paper[paper["method"] == line["method"]].to_dict("records"):
            called = theirs.pop("paper_method")
            name = Cell(value=called, text=f"paper: {called}")
            yield Row(cells=cells_of(theirs) | {"method": name}, kind="paper")
