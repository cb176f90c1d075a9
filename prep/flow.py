"""Stage: clips -> optical flow of adjacent frames, both ways, each with `visible`, as KITTI PNG; one shard.

`<clip>/forward/t` is the flow t -> t+1 on the grid of t, `<clip>/backward/t` (t >= 1) the flow t -> t-1 on the grid
of t. The estimator sees the frames' 8-bit grey luminance: what a method that colours them may know.
"""

from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from threading import Lock

import numpy as np
import tyro

from media.color import grey8, luminance_from_rgb
from media.faults import ending_plainly
from media.flow_files import write_kitti
from media.image import frame_path, read_frames
from media.jobs import Task, key_of, run_tasks, shard_of
from media.tables import CLIPS, FLOW, folder_of, kept, read_table, write_table
from media.versions import version_of
from media.whole import whole_folder
from vision.flow_estimators import Estimator, load_estimator
from vision.occlusion import ruder_visible_both

loading = Lock()


def loaded(estimator: str, weights: Path, device: str) -> Estimator:
    """The estimator, read once a process, whatever thread asks first: a network is large."""
    with loading:
        return read_once(estimator, weights, device)


read_once = cache(load_estimator)


def estimate_clip(
    clip: str, n_frames: int, frames_dir: Path, estimator: str, weights: Path, out_dir: Path, device: str = "cpu"
) -> list[dict]:
    """Write both flows of each pair of adjacent frames of one clip; returns its row of media.tables.FLOW.

    `visible` is the share of visible pixels over all pairs and both directions (null for a single frame).
    """
    flow_between = loaded(estimator, weights, device)
    greys = (grey8(luminance_from_rgb(rgb)) for rgb in read_frames(frames_dir / clip, n_frames))
    shares = []
    with whole_folder(out_dir / clip) as folder:
        for index, (first, second) in enumerate(pairwise(greys)):
            forward, backward = flow_between(first, second), flow_between(second, first)
            visible, visible_back = ruder_visible_both(forward, backward)
            write_kitti(frame_path(folder / "forward", index), forward, visible)
            write_kitti(frame_path(folder / "backward", index + 1), backward, visible_back)
            shares += [visible.mean(), visible_back.mean()]
    share = float(np.mean(shares)) if shares else None
    return [{"clip": clip, "n_pairs": len(shares) // 2, "visible": share, "estimator": estimator}]


def flows_of(row: dict, out_dir: Path) -> list[Path]:
    """The folder of the flows of a clip, if it has any."""
    return [out_dir / row["clip"]] if row["n_pairs"] else []


def flow_intact(row: dict, out_dir: Path) -> bool:
    """Whether the flows of a clip are still there, and none of them empty."""
    sizes = [path.stat().st_size for path in (out_dir / row["clip"]).glob("*/*.png")]
    return len(sizes) == 2 * row["n_pairs"] and all(sizes)


def main(
    *,
    clips: Path,
    shard: int,
    shards: int,
    estimator: str,
    weights: Path,
    flows: Path,
    table: Path,
    workers: int = 1,
    scheduler: str = "threads",
    device: str = "cpu",
) -> None:
    """Estimate the flow of every kept clip of one shard.

    Args:
        clips: the table of clips of the set, beside the folder of their frames.
        shard: which of the shards.
        shards: number of shards.
        estimator: dis, farneback, raft, raft_small or ptlflow:<model>.
        weights: folder of weight files, for the estimators that need one.
        flows: the folder of all flows of the set, one folder a clip.
        table: the table of the shard's flows to write; the receipts of its clips go into the folder of its name.
        workers: clips at the same time.
        scheduler: threads, or the address of a dask.distributed scheduler.
        device: where a network runs: cpu, cuda, or auto for a GPU where there is one.
    """
    frames_dir, out_dir, weights = folder_of(clips).resolve(), flows.resolve(), weights.resolve()
    tasks = [
        Task(
            row.clip,
            key_of(version_of(__name__), estimator, row.clip, row.sha256, row.n_frames),
            (row.clip, row.n_frames, frames_dir, estimator, weights, out_dir, device),
        )
        for row in kept(read_table(clips, CLIPS)).itertuples(index=False)
        if shard_of(row.clip, shards) == shard
    ]
    desc = f"flow {estimator} {flows.name} shard {shard}"
    rows = run_tasks(
        estimate_clip, tasks, folder_of(table), partial(flows_of, out_dir=out_dir), workers, scheduler, desc
    )
    write_table(rows, table, FLOW)
    print(f"{desc}: {len(rows)} clips")


if __name__ == "__main__":
    from prep import flow  # under its name: what is sent to a cluster must not lie in `__main__`

    with ending_plainly():
        tyro.cli(flow.main)
