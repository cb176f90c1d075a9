"""Stage: PSNR against the index of the frame, for every row that is given the first one (Figure 7)."""

from pathlib import Path

import pandas as pd
import tyro

from bench.scores import read_scores
from bench.statistics import mean_interval
from media.tables import written_whole

VERSION = 2

COLUMNS = ["method", "frame", "psnr", "n_clips", "psnr_low", "psnr_high"]


def main(*, rows: list[str], scores: list[Path], clips: Path, clips_of: list[str], seed: int, csv: Path) -> None:
    """Write the curves as CSV.

    Args:
        rows: the rows that are given the first frame, in their order.
        scores: their tables of scores.
        clips: the table of the test clips.
        clips_of: the datasets whose clips count; none: all.
        seed: of the draws for intervals.
        csv: the CSV to write.
    """
    table = curves(read_scores(scores, clips, clips_of), rows, seed)
    with written_whole(csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


def curves(scores: pd.DataFrame, rows: list[str], seed: int) -> pd.DataFrame:
    """One line for each row and frame after the given one, columns COLUMNS; psnr in dB, the mean over clips.

    psnr_low and psnr_high are its 95 % interval over clips, empty for a single one.
    scores has the columns SCORES. Clips that are shorter than a frame's index are not in its mean, so n_clips falls.
    """
    psnr = scores[(scores["metric"] == "psnr") & (scores["kind"] == "clips") & (scores["frame"] > 0)]
    lines = []
    for (row, frame), values in psnr.sort_values("item").groupby(["row", "frame"])["value"]:
        lines.append([row, frame, values.mean(), len(values), *mean_interval(values, seed=seed)])
    table = pd.DataFrame(lines, columns=COLUMNS)
    order = table["method"].map({row: index for index, row in enumerate(rows)})
    return table.assign(order=order).sort_values(["order", "frame"]).drop(columns="order")


if __name__ == "__main__":
    tyro.cli(main)
