"""The plot of `prep describe`: where items lie in lightness and colour, and where the thresholds are."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import product
from math import hypot
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from media.whole import written_whole
from prep.datasets.lists import DatasetError
from prep.describe.describe import shots_named

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from prep.judging.quality import Filters

# What is smaller, an exactly grey item's 0 above all, is drawn here: the axes are logarithmic.
FLOOR = 0.1
OTHERWISE = "otherwise rejected"
# Verdict -> colour (Okabe and Ito's, told apart by the colour-blind as well) and marker.
STYLES = {
    "kept": ("#0072B2", "o"),
    "grayscale": ("#7F7F7F", "s"),
    "low_chroma": ("#E69F00", "D"),
    "too_dark": ("#000000", "v"),
    OTHERWISE: ("#CC79A7", "x"),
}
THRESHOLD = "#D55E00"
# Names in one plane: of the rejected and of the kept items nearest to a threshold.
NAMES = {True: 10, False: 5}
# The places tried for a name, nearest first, in text heights from its point.
STEPS = (0, 0.7, -0.7, 1.6, -1.6, 2.7, -2.7, 4, -4)
PLACES = sorted(product(STEPS, STEPS), key=lambda place: hypot(*place))[1:]
TEXT = 7.5  # points
# Above this the points are a picture in the file: a million of them as shapes opens nowhere.
SHAPES = 5000


@dataclass(frozen=True)
class Plane:
    """Two columns of CLIPS against each other, with the keys of their thresholds."""

    x: str
    y: str
    x_key: str
    y_key: str


PLANES = (
    Plane("mean_l", "mean_chroma", "min_mean_l", "min_mean_chroma"),
    Plane("mean_chroma", "chroma_spread", "min_mean_chroma", "min_chroma_spread"),
)
LABELS = {
    "mean_l": "mean L (0 black, 100 white)",
    "mean_chroma": f"mean chroma, Lab units ({FLOOR:g}: or less)",
    "chroma_spread": f"chroma spread beside lightness, Lab units ({FLOOR:g}: or less)",
}


def draw_plot(table: pd.DataFrame, filters: Filters, path: Path) -> None:
    """Write the plot of the measured items of a table of `describe.judge_all`; the suffix says the format.

    Raises DatasetError where no item was measured.
    """
    import matplotlib

    measured = table.assign(name=short_names(table), verdict=verdicts(table)).dropna(subset="mean_l")
    if measured.empty:
        raise DatasetError("no item could be decoded and measured, so there is nothing to plot")
    measured[list(LABELS)] = measured[list(LABELS)].astype(float).clip(lower=FLOOR)
    # Text stays text and nothing random or dated is written: the same data give the same file.
    style = {"svg.fonttype": "none", "svg.hashsalt": "huebench", "font.size": 9}
    with warnings.catch_warnings(), matplotlib.rc_context(style):
        warnings.filterwarnings("ignore", "Glyph")  # a letter that no font here has is only measured wrongly
        figure = Figure(figsize=(11, 5.2), dpi=150, layout="constrained")
        axes = figure.subplots(1, 2)
        for ax, plane in zip(axes, PLANES, strict=True):
            draw_plane(ax, plane, measured, filters)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # only now is it known where the points lie
        figure.set_layout_engine("none")
        for ax, plane in zip(axes, PLANES, strict=True):
            name_level(ax, plane, filters)
            write_names(ax, plane, nearest_to_threshold(measured, plane, filters), measured)
        with written_whole(path) as temporary:
            suffix = path.suffix.removeprefix(".")
            figure.savefig(temporary, format=suffix, metadata={"Date": None} if suffix == "svg" else None)


def short_names(table: pd.DataFrame) -> list[str]:
    """The file of each item without its folders and ending, and its shot where there are several."""
    return [Path(source).stem + shot for source, shot in zip(table["source"], shots_named(table), strict=True)]


def verdicts(table: pd.DataFrame) -> pd.Series:
    """A key of STYLES for each item."""
    reasons = table["reason"].fillna("kept")
    return reasons.where(reasons.isin(list(STYLES)), OTHERWISE)


def draw_plane(ax: Axes, plane: Plane, measured: pd.DataFrame, filters: Filters) -> None:
    """The points in one plane, and its thresholds as lines with the names of their keys."""
    for verdict, (color, marker) in STYLES.items():
        points = measured[measured["verdict"] == verdict]
        if len(points):
            ax.scatter(
                points[plane.x], points[plane.y], s=22, color=color, marker=marker, alpha=0.75,
                label=f"{verdict} ({len(points)})", rasterized=len(measured) > SHAPES,
            )  # fmt: skip
    x, y = getattr(filters, plane.x_key), getattr(filters, plane.y_key)
    line = {"color": THRESHOLD, "linewidth": 1, "linestyle": "--", "zorder": 0}
    ax.axvline(max(x, FLOOR), **line)
    ax.axhline(max(y, FLOOR), **line)
    ax.annotate(
        f"filter.{plane.x_key} {x:g}", (max(x, FLOOR), 1.01), xycoords=("data", "axes fraction"),
        ha="center", color=THRESHOLD, fontsize=TEXT,
    )  # fmt: skip
    ax.set(xlabel=LABELS[plane.x], ylabel=LABELS[plane.y], yscale="log")
    if plane.x == "mean_l":
        ax.set(xlim=(0, 100))
    else:
        ax.set(xscale="log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:g}")
    ax.spines[["top", "right"]].set_visible(False)


def name_level(ax: Axes, plane: Plane, filters: Filters) -> None:
    """Write the key of the horizontal threshold on its line, on the side away from the vertical one."""
    upright = max(getattr(filters, plane.x_key), FLOOR)
    right = ax.transAxes.inverted().transform(ax.transData.transform((upright, 1)))[0] < 0.5
    level = getattr(filters, plane.y_key)
    ax.annotate(
        f"filter.{plane.y_key} {level:g}", (0.99 if right else 0.01, max(level, FLOOR)),
        xycoords=("axes fraction", "data"), xytext=(0, 3), textcoords="offset points",
        ha="right" if right else "left", color=THRESHOLD, fontsize=TEXT,
    )  # fmt: skip


def nearest_to_threshold(measured: pd.DataFrame, plane: Plane, filters: Filters) -> pd.DataFrame:
    """The items to be named: of the rejected and of the kept those next to either threshold, nearest first."""
    measured = measured[measured["verdict"] != OTHERWISE]  # their colours did not decide
    rejected = measured["verdict"] != "kept"
    ranks = []
    for column, key in ((plane.x, plane.x_key), (plane.y, plane.y_key)):
        distance = np.log(measured[column] / max(getattr(filters, key), FLOOR)).abs()
        ranks.append(distance.groupby(rejected).rank(method="first"))
    ranked = measured.assign(rank=np.minimum(*ranks), rejected=rejected).sort_values("rank", kind="stable")
    return ranked[ranked.groupby("rejected").cumcount() < ranked["rejected"].map(NAMES)]


def write_names(ax: Axes, plane: Plane, wanted: pd.DataFrame, measured: pd.DataFrame) -> None:
    """Write the names of the wanted items beside their points, where they cover neither a point nor each other.

    A name for which there is no room is left out.
    """
    renderer = ax.figure.canvas.get_renderer()
    points = ax.transData.transform(measured[[plane.x, plane.y]].to_numpy(float))
    pixels = TEXT * ax.figure.dpi / 72
    taken = [drawn.get_window_extent(renderer).padded(1) for drawn in (*ax.texts, *ax.lines)]
    for row in wanted.itertuples(index=False):
        at = (getattr(row, plane.x), getattr(row, plane.y))
        for place in PLACES:
            text = annotate(ax, row, at, place)
            text.update_positions(renderer)
            box = Text.get_window_extent(text, renderer)  # without the line to the point
            inside = ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1 and ax.bbox.y0 <= box.y0 and box.y1 <= ax.bbox.y1
            if inside and not covers(box, points, taken, pixels):
                taken.append(box)
                break
            text.remove()


def annotate(ax: Axes, row, at: tuple[float, float], place: tuple[float, float]):
    """A name at a place relative to its point, with a line between them."""
    x, y = place
    return ax.annotate(
        row.name, at, xytext=(x * TEXT, y * TEXT),
        textcoords="offset points", fontsize=TEXT, color=STYLES[row.verdict][0],
        ha="left" if x > 0 else "right" if x < 0 else "center",
        va="center" if y == 0 else "bottom" if y > 0 else "top",
        arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": STYLES[row.verdict][0], "shrinkA": 0, "shrinkB": 1},
    )  # fmt: skip


def covers(box: Bbox, points: np.ndarray, taken: list[Bbox], pixels: float) -> bool:
    """Whether a box lies on one of the taken ones or on a point. points: (N, 2); pixels: height of the text."""
    wide = box.padded(pixels / 2)  # half of a marker
    on_points = ((points > wide.min) & (points < wide.max)).all(axis=1).any()
    return bool(on_points) or any(box.padded(pixels / 4).overlaps(other) for other in taken)
