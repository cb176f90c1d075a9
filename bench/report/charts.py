"""The curves of the report, as Plotly's traces in plain dicts: PSNR along a clip (Figure 7) and training."""

import json
import math
from pathlib import Path

import pandas as pd

from media.document import Cell, Document

# Told apart on white and on black, and without colours by their dashes.
COLORS = ("#3f7fbf", "#e07b1a", "#3f9e4d", "#d64f4f", "#8f6fc4", "#a0714f", "#d465a8", "#7d8590", "#2aa3a3")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")

VALIDATION, VALIDATION_ERROR = "validation", "validation error, Lab units"


def figure7(table: Document) -> dict:
    """The curves of bench.figures.figure7's document with their intervals as bands."""
    curves: dict[str, list[dict[str, Cell]]] = {}
    for row in table.rows:
        curves.setdefault(row.cells["method"].value, []).append(row.cells)
    traces = []
    for index, (method, own) in enumerate(curves.items()):
        frames, values = ([cells[name].value for cells in own] for name in ("frame", "psnr"))
        traces += [*band(own, method, index), line(frames, values, method, index)]
    return chart("figure7", traces, "index of the frame", "PSNR, dB (mean over clips)")


def band(own: list[dict[str, Cell]], method: str, index: int) -> list[dict]:
    """The interval as a filled outline; none where no frame has one."""
    known = [cells for cells in own if None not in (cells["psnr"].low, cells["psnr"].high)]
    if not known:
        return []
    frames = [cells["frame"].value for cells in known]
    low, high = ([getattr(cells["psnr"], end) for cells in known] for end in ("low", "high"))
    return [
        {
            "x": plain([*frames, *frames[::-1]]),
            "y": plain([*high, *low[::-1]]),
            "fill": "toself",
            "fillcolor": color(index) + "22",
            "line": {"width": 0},
            "mode": "lines",
            "hoverinfo": "skip",
            "showlegend": False,
            "legendgroup": method,
        }
    ]


def line(x, y, name: str, index: int) -> dict:
    """One curve; a group of the legend switches it and its band together."""
    return {
        "x": plain(x),
        "y": plain(y),
        "name": name,
        "mode": "lines+markers" if len(x) < 30 else "lines",
        "legendgroup": name,
        "line": {"color": color(index), "dash": DASHES[index // len(COLORS) % len(DASHES)], "width": 2},
        "marker": {"size": 5},
    }


def color(index: int) -> str:
    return COLORS[index % len(COLORS)]


def chart(name: str, traces: list[dict], x: str, y: str, scale: str = "linear") -> dict:
    """What the page draws in the element chart-<name>; y2 is the axis on the right, if a trace asks for it."""
    return {"name": name, "traces": traces, "x": x, "y": y, "scale": scale, "y2": VALIDATION_ERROR}


def training(path: Path) -> dict:
    """The curves of one training, <name>/metrics.jsonl: every loss, and on an axis of its own the validation error."""
    table = read_metrics(path)
    traces = []
    for index, name in enumerate(column for column in table.columns if column != "step"):
        known = table[["step", name]].dropna()
        axis = {"yaxis": "y2"} if name == VALIDATION else {}
        traces.append(line(known["step"], known[name], name, index) | axis)
    return chart(f"train-{path.parent.name}", traces, "step", "losses", scale="log")


def read_metrics(path: Path) -> pd.DataFrame:
    """One line a step; values that a step does not have are null. A step's validation stands on a line of its own."""
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    table = pd.DataFrame(lines, columns=list(dict.fromkeys(["step", *(name for one in lines for name in one)])))
    return table.groupby("step", as_index=False).first()


def plain(values) -> list[float | None]:
    """Numbers for JSON, to six digits: the page shows no more. What cannot be drawn, such as infinity, is a gap."""
    return [None if pd.isna(value) or math.isinf(value) else float(f"{value:.6g}") for value in values]
