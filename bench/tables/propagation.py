"""Stage: PSNR of every row that is given the first frame, over the frames that follow it (it seeds Fig. 7)."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import tyro

from bench.metrics.psnr import DIRECTION, UNIT
from bench.scoring.read_scores import read_scores
from bench.scoring.statistics import mean_interval
from bench.stand_ins import Choices, note_on_rows, read_choices
from media.document import Column, Document, Note, Row, cells_of
from media.formats import write
from media.names import in_backticks
from media.provenance import recorded

# First and last frame of each mean, both included. Frame 0 is given, so it is in none.
RANGES = {"psnr_1_24": (1, 24), "psnr_15_24": (15, 24)}
LATE = "psnr_15_24"  # its mean has an interval
COLUMNS = ["method", "clip", *RANGES, "n_frames", f"{LATE}_low", f"{LATE}_high"]
NOTES = (
    Note(
        kind="psnr",
        text="PSNR in dB over RGB, mean of frames 1-24 and 15-24; frame 0 is given and not counted. "
        "The luminance is the input's, so these values flatter every row alike.",
    ),
    Note(
        kind="mean",
        text="`mean` is the mean over clips of the clips' means, with its 95 % interval (percentile bootstrap over "
        "clips); its `n_frames` is their sum.",
    ),
)


def main(
    *,
    rows: list[str],
    scores: list[Path],
    clips: Path,
    clips_of: list[str],
    choices: Path,
    seed: int,
    csv: Path,
    markdown: Path,
    json: Path,
) -> None:
    """Write the table.

    Args:
        rows: the rows that are given the first frame, in their order.
        scores: their tables of scores.
        clips: the table of the test clips.
        clips_of: the datasets whose clips count; none: all.
        choices: what the run has chosen where the paper's choice may be another.
        seed: of the draws for intervals.
        csv: the values to write, for programs.
        markdown: the same rounded for reading, with what the numbers are.
        json: the same as a document (media/document.py).
    """
    table = propagation(read_scores(scores, clips, clips_of), rows, seed)
    write(document(table, read_choices(choices)), csv=csv, markdown=markdown, json=json)


def propagation(scores: pd.DataFrame, rows: list[str], seed: int) -> pd.DataFrame:
    """One line for each row and clip, and one for the row's mean over clips; columns COLUMNS, PSNR in dB.

    scores has the columns SCORES. A range that starts after the clip's end is empty, one that ends there is cut.
    A clip that a row failed to colour stands with empty cells and 0 frames; the mean is over the others. Its 95 %
    interval is a bootstrap over clips, empty for fewer than two.
    """
    psnr = scores[(scores["metric"] == "psnr") & (scores["kind"] == "clips")]
    clips = sorted(psnr["item"].unique())
    lines = []
    for row in rows:
        own = [_line(row, clip, psnr[(psnr["row"] == row) & (psnr["item"] == clip)]) for clip in clips]
        of_clips = pd.DataFrame(own, columns=COLUMNS)
        mean = of_clips[list(RANGES)].mean().to_dict()
        mean[f"{LATE}_low"], mean[f"{LATE}_high"] = mean_interval(of_clips[LATE].dropna(), seed=seed)
        lines += [*own, {"method": row, "clip": "mean", **mean, "n_frames": of_clips["n_frames"].sum()}]
    return pd.DataFrame(lines, columns=COLUMNS)


def _line(row: str, clip: str, psnr: pd.DataFrame) -> dict:
    means = {
        name: psnr.loc[psnr["frame"].between(first, last), "value"].astype(float).mean()
        for name, (first, last) in RANGES.items()
    }
    return {"method": row, "clip": clip, **means, "n_frames": len(psnr)}


def document(table: pd.DataFrame, choices: Choices) -> Document:
    """The table (columns COLUMNS), read to 0.01 dB, with what it shows in words and on what the rows are built."""
    measured = {"unit": UNIT, "direction": DIRECTION, "decimals": 2}
    columns = [
        Column(name=name, heading=name, interval=name == LATE, **(measured if name in RANGES else {}))
        for name in COLUMNS
        if not name.startswith(f"{LATE}_")
    ]
    rows = [
        Row(cells=cells_of(line), kind="mean" if line["clip"] == "mean" else "result")
        for line in table.to_dict("records")
    ]
    notes = (note_on_rows(choices, set(table["method"])), *NOTES, *notes_on_failures(table))
    return Document(name="propagation", title="Propagation", columns=tuple(columns), rows=tuple(rows), notes=notes)


def notes_on_failures(table: pd.DataFrame) -> Iterator[Note]:
    failed = table[(table["n_frames"] == 0) & (table["clip"] != "mean")]
    for line in failed.itertuples():
        said = f"{line.method} has no result for {in_backticks(line.clip)}: its mean is over the other clips."
        yield Note(kind="failure", text=said, rows=(line.method,))


if __name__ == "__main__":
    tyro.cli(recorded(main, "csv", "markdown", "json"))
