"""How sure a comparison is. The unit is the clip (or the image): its frames are not independent of each other.

Intervals are percentile bootstraps over clips; two methods are compared on the same draws of clips. Whether a
difference is significant is decided by flipping the signs of the clips' differences and Holm's correction.
"""

from collections.abc import Callable, Iterable
from itertools import combinations

import numpy as np
import pandas as pd

DRAWS = 10_000
LEVEL = 0.95

# So many indices are drawn at a time: 4 MB, however many clips there are.
BLOCK = 2**19

SUMMARY = ["metric", "method", "n", "mean", "low", "high"]
PAIRS = [
    "metric", "method", "other", "n", "difference", "low", "high", "p", "p_holm", "wins", "ties", "losses",
    "significant",
]  # fmt: skip


class UnequalClips(ValueError):
    """Methods were not scored on the same clips and frames. The message names what each of them lacks."""


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray], n: int, *, draws: int = DRAWS, seed: int = 0
) -> np.ndarray:
    """The statistic of `draws` samples of n items drawn with replacement, (draws, ...).

    statistic takes indices of items (k, n), one sample a row, and returns (k, ...). It may index anything that has n
    items, several methods at once too: features of pictures for a distance between sets as well as scores of clips.
    (A Frechet distance is raised by the items that a sample has twice: its bootstrap lies above its value.)
    """
    rng = np.random.default_rng(seed)
    size = max(1, BLOCK // n)
    blocks = [rng.integers(n, size=(min(size, draws - start), n)) for start in range(0, draws, size)]
    return np.concatenate([np.asarray(statistic(block)) for block in blocks])


def interval(drawn: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """The percentile interval of what `bootstrap` returned, (2, ...): low, high; interpolated linearly."""
    return np.percentile(drawn, [50 - 50 * level, 50 + 50 * level], axis=0)


def mean_interval(values: np.ndarray, *, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """The interval of the mean over items, (2, ...), of values (n, ...); NaN for a single item.

    The interval of a difference of methods is that of their differences item by item, which is the paired bootstrap.
    """
    values = np.asarray(values, np.float64)
    if len(values) < 2:
        return np.full((2, *values.shape[1:]), np.nan)
    return interval(bootstrap(lambda items: values[items].mean(axis=1), len(values), draws=draws, seed=seed))


def sign_flip_p(differences: np.ndarray, *, draws: int = DRAWS, seed: int = 0) -> float:
    """Two-sided p of a mean difference over items (n,), if each could as well have had the other sign (Fisher 1935).

    Exact where there are no more than `draws` ways to choose the signs. The share of bootstrap draws beyond 0 would be
    another p, but with six clips it calls 14 % of equal methods different at the 5 % level; this one keeps the 5 %.
    """
    differences = np.asarray(differences, np.float64)
    n = len(differences)
    every = n <= np.log2(draws)
    size = max(1, BLOCK // n)
    rng = np.random.default_rng(seed)
    rounding = 1e-12 * np.abs(differences).sum()  # must not part sums that are equal
    observed, extreme = abs(differences.sum()) - rounding, 0
    for start in range(0, 2**n if every else draws, size):
        if every:
            flipped = np.arange(start, min(start + size, 2**n))[:, None] >> np.arange(n) & 1
        else:
            flipped = rng.integers(2, size=(min(size, draws - start), n), dtype=np.int8)
        sums = differences.sum() - 2 * (flipped @ differences)
        extreme += int((np.abs(sums) >= observed).sum())
    return extreme / 2**n if every else (extreme + 1) / (draws + 1)


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment (1979) of the p of a family of comparisons: below 0.05 = significant at 5 %."""
    p = np.asarray(p, np.float64)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def can_differ(n: int, comparisons: int) -> bool:
    """Whether n items can show a significant difference at all: the smallest p that `sign_flip_p` can give, 2 / 2^n,
    must survive Holm's correction of so many comparisons."""
    return comparisons * 2.0 ** (1 - n) < 1 - LEVEL


def wins_ties_losses(values: np.ndarray, others: np.ndarray, direction: str) -> tuple[int, int, int]:
    """On how many items `values` are better than, equal to and worse than `others`, (n,) each.

    direction: up or down, which is better. Values that differ by rounding only are equal.
    """
    ties = np.isclose(values, others, rtol=1e-9, atol=1e-12)
    better = {"up": values > others, "down": values < others}[direction] & ~ties
    return int(better.sum()), int(ties.sum()), int((~better & ~ties).sum())


def per_item(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One line for each item, one column for each method: the mean over the item's frames. Sorted, so that order in
    `scores` (columns SCORES) cannot matter.

    Raises UnequalClips unless every method has the same items with the same frames, and ValueError for a value that
    stands twice.
    """
    values = scores[(scores["metric"] == metric) & scores["item"].notna() & scores["value"].notna()]
    values = values.assign(frame=values["frame"].astype("Int64").fillna(-1))  # a metric of the whole item
    keys = ["kind", "item", "frame"]
    if (twice := values.duplicated([*keys, "row"])).any():
        line = values[twice].iloc[0]
        raise ValueError(
            f"{metric}: {line['row']} has several values for {line['item']}, frame {line['frame']}; give each method "
            "one name and one table"
        )
    wide = values.pivot(index=keys, columns="row", values="value").astype("Float64")
    if wide.isna().any(axis=None):
        raise UnequalClips(_unequal(wide, metric))
    return wide.astype(float).groupby(level=["kind", "item"]).mean()


def _unequal(wide: pd.DataFrame, metric: str) -> str:
    """What each method lacks that another has, at most a few names."""
    lines = []
    for method in wide:
        missing = wide.index[wide[method].isna()]
        clips = [_lack(item, wide[method].xs(item, level="item")) for item in missing.unique("item")]
        if clips:
            more = f" and {len(clips) - 5} more" if len(clips) > 5 else ""
            lines.append(f"{method} lacks {', '.join(clips[:5])}{more}")
    return (
        f"{metric}: methods are compared on the same clips and frames only, but {'; '.join(lines)}. Score all of them "
        "on the clips that all of them have, or leave a method out"
    )


def _lack(item: str, values: pd.Series) -> str:
    lacking = int(values.isna().sum())
    return item if lacking == len(values) else f"{lacking} of {len(values)} frames of {item}"


def summarize(scores: pd.DataFrame, metrics: Iterable[str], *, draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """Mean over items with its interval, one line for each metric and method; columns SUMMARY.

    scores has the columns SCORES. Every method stands on its own items: n says how many.
    """
    lines = []
    for metric in metrics:
        for method in sorted(scores["row"].unique()):
            values = per_item(scores[scores["row"] == method], metric).to_numpy()
            if len(values):
                low, high = mean_interval(values[:, 0], draws=draws, seed=seed)
                lines.append([metric, method, len(values), values.mean(), low, high])
    return pd.DataFrame(lines, columns=SUMMARY)


def rows_compared(
    scores: pd.DataFrame,
    directions: dict[str, str],
    *,
    baseline: str | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """Methods pair by pair, one line for each metric and pair; columns PAIRS.

    difference is method less other, and wins counts the items on which method is the better one. p_holm is corrected
    for the comparisons of one metric: those to the baseline, or without one all pairs. significant: p_holm < 0.05.

    scores: columns SCORES. directions: of each metric, up or down. Raises UnequalClips for methods that were scored on
    different clips, and ValueError for a baseline that no one is called. A method without any value of a metric
    stands in no pair of it.
    """
    tables = [_compared(metric, per_item(scores, metric), towards, baseline, draws, seed)
              for metric, towards in directions.items()]  # fmt: skip
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=PAIRS)


def _compared(
    metric: str, items: pd.DataFrame, direction: str, baseline: str | None, draws: int, seed: int
) -> pd.DataFrame:
    """The lines of one metric: items has one line for each item, one column for each method."""
    lines = []
    for method, other in _pairs(list(items), baseline):
        values, others = items[method].to_numpy(), items[other].to_numpy()
        difference = values - others
        low, high = mean_interval(difference, draws=draws, seed=seed)
        p = sign_flip_p(difference, draws=draws, seed=seed)
        counts = wins_ties_losses(values, others, direction)
        lines.append([metric, method, other, len(items), difference.mean(), low, high, p, np.nan, *counts, False])
    table = pd.DataFrame(lines, columns=PAIRS)
    table["p_holm"] = holm(table["p"])
    return table.assign(significant=table["p_holm"] < 1 - LEVEL)


def _pairs(methods: list[str], baseline: str | None) -> list[tuple[str, str]]:
    if baseline is None:
        return list(combinations(methods, 2))
    if baseline not in methods:
        raise ValueError(f"the baseline {baseline!r} is none of the methods; expected one of {', '.join(methods)}")
    return [(method, baseline) for method in methods if method != baseline]
