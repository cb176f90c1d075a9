"""How the rows of a table compare with one of them, column by column, on the items that they share."""

from dataclasses import dataclass

import pandas as pd

from bench.scoring.statistics import can_differ, rows_compared

# The means over items, with the kind of item and the metric: these have intervals and are compared.
MEANS = {
    "top5": ("images", "top5"),
    "top1": ("images", "top1"),
    "colorful": ("images", "colorful"),
    "flicker": ("clips", "flicker_rms"),
}


def of_column(scores: pd.DataFrame, column: str) -> pd.DataFrame:
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
    comparisons = []
    for column, (_, metric) in MEANS.items():
        scored = of_column(scores, column)
        values = scored.assign(frame=scored["frame"].fillna(-1))
        items = {row: set(zip(own["item"], own["frame"], strict=True)) for row, own in values.groupby("row")}
        others = [row for row in rows if row in items and row != baseline]
        same = [row for row in others if items[row] == items.get(baseline)]
        undecided: list[str] = []
        if same:
            # Which side is better does not matter to a two-sided p.
            pairs = rows_compared(
                values[values["row"].isin([baseline, *same])], {metric: "up"}, baseline=baseline, seed=seed
            )
            undecided = pairs.loc[~pairs["significant"], "method"].tolist()
        if others:
            n = values.loc[values["row"] == baseline, "item"].nunique()
            left_out = tuple(row for row in others if row not in same)
            comparisons.append(Comparison(column, n, len(same), tuple(undecided), left_out))
    return comparisons
