"""Stage: PSNR against the index of the frame, for every row that is given the first one (Figure 7)."""

from pathlib import Path

import pandas as pd
import tyro

from bench.scores import read_scores
from media.tables import written_whole

VERSION = 1


def main(*, rows: list[str], scores: list[Path], clips: Path, clips_of: list[str], csv: Path) -> None:
    """Write the curves as CSV.

    Args:
        rows: the rows that are given the first frame, in their order.
        scores: their tables of scores.
        clips: the table of the test clips.
        clips_of: the datasets whose clips count; none: all.
        csv: the CSV to write.
    """
    table = curves(read_scores(scores, clips, clips_of), rows)
    with written_whole(csv) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")


def curves(scores: pd.DataFrame, rows: list[str]) -> pd.DataFrame:
    """One line for each row and frame after the given one: method, frame, psnr (dB, mean over clips), n_clips.

    scores has the columns SCORES. Clips that are shorter than a frame's index are not in its mean, so n_clips falls.
    """
    psnr = scores[(scores["metric"] == "psnr") & (scores["kind"] == "clips") & (scores["frame"] > 0)]
    mean = psnr.groupby(["row", "frame"])["value"].agg(["mean", "size"]).reset_index()
    mean = mean.set_axis(["method", "frame", "psnr", "n_clips"], axis="columns")
    order = mean["method"].map({row: index for index, row in enumerate(rows)})
    return mean.assign(order=order).sort_values(["order", "frame"]).drop(columns="order")


if __name__ == "__main__":
    tyro.cli(main)
