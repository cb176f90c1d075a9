"""Stage: PSNR of every row that is given the first frame, over the frames that follow it (it seeds Fig. 7)."""

from pathlib import Path

import pandas as pd
import tyro

from bench.scoring.read_scores import read_scores
from bench.scoring.statistics import mean_interval
from bench.stand_ins import note_on_rows
from media.provenance import recorded
from media.whole import written_whole

VERSION = 2

# First and last frame of each mean, both included. Frame 0 is given, so it is in none.
RANGES = {"psnr_1_24": (1, 24), "psnr_15_24": (15, 24)}
LATE = "psnr_15_24"  # its mean has an interval
COLUMNS = ["method", "clip", *RANGES, "n_frames", f"{LATE}_low", f"{LATE}_high"]


def main(
    *,
    rows: list[str],
    scores: list[Path],
    clips: Path,
    clips_of: list[str],
    backbone: str,
    flow: str,
    seed: int,
    csv: Path,
    markdown: Path,
) -> None:
    """Write the table as CSV and as Markdown.

    Args:
        rows: the rows that are given the first frame, in their order.
        scores: their tables of scores.
        clips: the table of the test clips.
        clips_of: the datasets whose clips count; none: all.
        backbone: network on whose features rows match and learn.
        flow: estimator whose flow they are given.
        seed: of the draws for intervals.
        csv: the CSV to write.
        markdown: the same rounded for reading, with what the numbers are.
    """
    table = propagation(read_scores(scores, clips, clips_of), rows, seed)
    with written_whole(markdown) as temporary:
        temporary.write_text(to_markdown(table, note_on_rows(backbone, flow)))
    with written_whole(csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


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


def to_markdown(table: pd.DataFrame, note: str) -> str:
    """The table rounded to 0.01 dB, with what it shows in words and a note on what the rows are built on."""
    shown = table.astype(object)
    for column in RANGES:
        shown[column] = ["" if pd.isna(value) else f"{value:.2f}" for value in table[column]]
    ends = zip(table[f"{LATE}_low"], table[f"{LATE}_high"], strict=True)
    shown[LATE] += ["" if pd.isna(low) else f" [{low:.2f}, {high:.2f}]" for low, high in ends]
    shown = shown.drop(columns=[f"{LATE}_low", f"{LATE}_high"])
    failed = table[(table["n_frames"] == 0) & (table["clip"] != "mean")]
    notes = [
        note,
        "PSNR in dB over RGB, mean of frames 1-24 and 15-24; frame 0 is given and not counted. "
        "The luminance is the input's, so these values flatter every row alike.",
        "`mean` is the mean over clips of the clips' means, with its 95 % interval (percentile bootstrap over clips); "
        "its `n_frames` is their sum.",
        *(
            f"{line.method} has no result for {line.clip}: its mean is over the other clips."
            for line in failed.itertuples()
        ),
    ]
    return "\n".join([shown.to_markdown(index=False, disable_numparse=True), "", *(f"- {note}" for note in notes), ""])


if __name__ == "__main__":
    tyro.cli(recorded(main, VERSION, "csv", "markdown"))
