"""Stage: photographs -> clips of one frame, cover-cropped to a size, judged; one shard of them."""

from functools import partial
from pathlib import Path

import numpy as np
import tyro

from media.faults import ending_plainly, listed
from media.image import CorruptImage, cover_crop, read_rgb
from media.jobs import Task, key_of, run_tasks
from media.tables import CLIPS, folder_of, write_table
from media.versions import version_of
from prep.datasets.selection import Source
from prep.judging.quality import Filters, Verdict, judge_size
from prep.judging.verdicts import frames_of, judge_file, judged, rejected, row_of, size_columns
from prep.sources import sources_of_shard


def read_image(source: Source, name: str, size: tuple[int, int], filters: Filters) -> tuple[dict, np.ndarray | None]:
    """The row of a photograph before its colours are judged, and the photograph cropped; None if it is rejected."""
    row = row_of(name, source)
    if verdict := judge_file(row, source):
        return rejected(row, verdict), None
    try:
        with listed(source.path):
            rgb = read_rgb(source.path, filters.max_pixels)
    except CorruptImage as error:
        return rejected(row, Verdict(error.reason, str(error))), None
    row |= size_columns(*rgb.shape[:2]) | {"shot": 0, "first_frame": 0, "stride": 1}
    if verdict := judge_size(*rgb.shape[:2], filters):
        return rejected(row, verdict), None
    return row, cover_crop(rgb, size)


def prepare_image(
    source: Source, name: str, size: tuple[int, int], filters: Filters, frames_dir: Path | None
) -> list[dict]:
    """The row of one photograph; if it is kept, its one frame is written (frames_dir None: judge only)."""
    row, crop = read_image(source, name, size, filters)
    return [row if crop is None else judged(row, [crop], filters, frames_dir)]


def main(
    *,
    sources: Path,
    shard: int,
    shards: int,
    size: tuple[int, int],
    filters: str,
    frames: Path,
    table: Path,
    workers: int = 1,
    scheduler: str = "threads",
) -> None:
    """Prepare the photographs of one shard.

    Args:
        sources: the table of sources of the set.
        shard: which of its shards.
        shards: number of shards.
        size: height and width of the prepared images.
        filters: JSON of the thresholds (prep.judging.quality.Filters).
        frames: the folder of all images of the set, one folder an image.
        table: the table of the shard's images to write; the receipts of its sources go into the folder of its name.
        workers: photographs prepared at the same time.
        scheduler: threads, or the address of a dask.distributed scheduler.
    """
    thresholds, frames_dir = Filters.model_validate_json(filters), frames.resolve()
    tasks = [
        Task(
            name,
            key_of(version_of(__name__), size, thresholds, source.identity, name, source.times),
            (source, name, size, thresholds, frames_dir),
        )
        for name, source, _ in sources_of_shard(sources, shard, shards)
    ]
    desc = f"images {frames.name} shard {shard}"
    outputs = partial(frames_of, frames_dir=frames_dir)
    rows = run_tasks(prepare_image, tasks, folder_of(table), outputs, workers, scheduler, desc)
    write_table(rows, table, CLIPS)
    print(f"{desc}: {sum(1 for row in rows if row['n_frames'])} images of {len(tasks)} sources")


if __name__ == "__main__":
    from prep import images  # under its name: what is sent to a cluster must not lie in `__main__`

    with ending_plainly():
        tyro.cli(images.main)
