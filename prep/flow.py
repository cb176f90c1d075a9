"""Stage: clips -> optical flow of adjacent frames, both ways, each with its reliability mask, as KITTI PNG.

`<clip>/forward/t` is the flow t -> t+1 on the grid of t, `<clip>/backward/t` (t >= 1) the flow t -> t-1 on the grid
of t. The estimator sees the frames' 8-bit grey luminance: what a method that colours them may know.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import tyro

from media.color import grey8, lab_from_rgb
from media.flow import write_kitti
from media.image import frame_path, read_frames
from media.tables import CLIPS, FLOW, folder_of, kept, read_table, write_table
from prep.items import fresh_folder, run_jobs
from vision.flow import load_estimator
from vision.occlusion import ruder_mask

VERSION = 1


def estimate_clip(clip: str, n_frames: int, frames_dir: Path, estimator: str, weights: Path, out_dir: Path) -> dict:
    """Write both flows of each pair of adjacent frames of one clip; returns its row of media.tables.FLOW.

    `visible` is the share of pixels with reliable flow over all pairs and both directions (null for a single frame).
    """
    # Each clip has an estimator of its own: OpenCV's keep state while they run, and clips run at the same time.
    flow_between = load_estimator(estimator, weights)
    greys = (grey8(lab_from_rgb(rgb)[..., 0]) for rgb in read_frames(frames_dir / clip, n_frames))
    visible = []
    for index, (first, second) in enumerate(pairwise(greys)):
        forward, backward = flow_between(first, second), flow_between(second, first)
        forward_mask, backward_mask = ruder_mask(forward, backward), ruder_mask(backward, forward)
        write_kitti(frame_path(out_dir / clip / "forward", index), forward, forward_mask)
        write_kitti(frame_path(out_dir / clip / "backward", index + 1), backward, backward_mask)
        visible += [forward_mask.mean(), backward_mask.mean()]
    share = float(np.mean(visible)) if visible else None
    return {"clip": clip, "n_pairs": len(visible) // 2, "visible": share, "estimator": estimator}


def main(*, clips: Path, estimator: str, weights: Path, table: Path, workers: int = 1) -> None:
    """Estimate the flow of every kept clip of a table.

    Args:
        clips: the table of clips, beside the folder of their frames.
        estimator: dis, farneback or ptlflow:<model>.
        weights: folder of weight files, for the estimators that need one.
        table: the table of flows to write; the flows go into the folder of its name, which is emptied first.
        workers: clips at the same time.
    """
    wanted = kept(read_table(clips, CLIPS))
    out_dir = fresh_folder(folder_of(table))
    jobs = [
        (row.clip, row.n_frames, folder_of(clips), estimator, weights, out_dir)
        for row in wanted.itertuples(index=False)
    ]
    write_table(run_jobs(estimate_clip, jobs, workers, f"flow {estimator} {table.stem}"), table, FLOW)


if __name__ == "__main__":
    tyro.cli(main)
