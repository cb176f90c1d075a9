"""How the figures that are plots look: a column wide, lines told apart without colours, the same file each time."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from media.whole import written_whole

# Okabe and Ito's colours, told apart by the colour-blind; dashes and markers tell the lines apart in grey as well.
COLORS = ("#000000", "#E69F00", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#56B4E9")
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "X", "P", "<", ">")
WIDTH = 3.4  # inches, a column of a paper
TEXT = 7  # points


@contextmanager
def plot(path: Path, height: float) -> Iterator[Figure]:
    """Give an empty figure, so many inches high; it is written as SVG when the block ends without an error.

    Text stays text, dollars in a clip's name too, and nothing random or dated is written, so the same
    curves give the same file.
    """
    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": "huebench",
        "font.size": TEXT,
        "axes.linewidth": 0.6,
        "text.parse_math": False,
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        yield figure
        with written_whole(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})


def looks(names: Iterable[str]) -> dict[str, dict]:
    """How the line of each name is drawn: arguments of `Axes.plot`, no two alike among a hundred."""
    marker = {"linewidth": 1.1, "markersize": 3.2, "markeredgewidth": 0}
    return {
        name: {"color": color, "linestyle": dashes, "marker": sign, **marker}
        for name, color, dashes, sign in zip(names, cycle(COLORS), cycle(DASHES), cycle(MARKERS), strict=False)
    }


def tidy(ax: Axes) -> None:
    """Whole numbers below, faint lines across, no frame."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="y", color="#DDDDDD", linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)
