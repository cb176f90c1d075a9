"""Items (clips and photographs) on their way into a table: running the jobs, one row an item, frames on disk.

A rejected item stays in the table as a row with its reason, and has no frames.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import dask
import numpy as np
from tqdm.dask import TqdmCallback

from media.image import content_hash, frame_path, write_png
from media.tables import CLIPS, folder_of, write_table
from prep.datasets import Source
from prep.quality import REASONS, Filters, Verdict, judge_color, statistics


def run_jobs(function: Callable, jobs: list[tuple], workers: int, desc: str) -> list:
    """`function(*job)` of every job on `workers` threads, results in the order of the jobs. Errors are raised."""
    tasks = [dask.delayed(function, pure=False, traverse=False)(*job) for job in jobs]
    with TqdmCallback(desc=desc, mininterval=5):
        return list(dask.compute(*tasks, scheduler="threads", num_workers=workers))


def fresh_folder(folder: Path) -> Path:
    """Make `folder` empty, so that nothing of an earlier run is taken for a result.

    Raises ValueError, and removes nothing, if it holds files of its own: a folder of items holds only folders.
    """
    if folder.exists():
        files = sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
        if files:
            raise ValueError(
                f"{folder} is to be emptied for new items, but it holds files ({', '.join(files[:3])}); "
                "give a folder of its own, or remove them"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def item_row(name: str, source: Source, height: int | None = None, width: int | None = None) -> dict:
    """The columns of media.tables.CLIPS that are known before the frames are; as yet without frames."""
    row = {
        "clip": name,
        "dataset": source.dataset,
        "source": source.file,
        "source_sha256": source.sha256,
        "label": source.label,
        "n_frames": 0,
    }
    if height is None or width is None:
        return row
    orientation = "square" if height == width else "portrait" if height > width else "landscape"
    return row | {"source_height": height, "source_width": width, "orientation": orientation}


def rejected(row: dict, verdict: Verdict) -> dict:
    """The row with the reason why the item is left out."""
    if verdict.reason not in REASONS:
        raise ValueError(f"{verdict.reason!r} is no reason; expected one of {', '.join(REASONS)}")
    return row | verdict._asdict() | {"n_frames": 0}


def judged(
    row: dict, frames: list[np.ndarray], filters: Filters, frames_dir: Path, otherwise: Verdict | None = None
) -> dict:
    """The row with statistics, hash and verdict of the prepared frames; a kept item's frames are written.

    otherwise: a verdict on something else, which counts if the colours are fine.
    """
    found = statistics(frames)
    row = row | found._asdict() | {"sha256": content_hash(frames)}
    verdict = judge_color(found, filters) or otherwise
    if verdict:
        return rejected(row, verdict)
    for index, frame in enumerate(frames):
        write_png(frame_path(frames_dir / row["clip"], index), frame)
    return row | {"n_frames": len(frames)}


def without_duplicates(rows: list[dict]) -> list[dict]:
    """The rows, those that repeat the pixels of an earlier kept item rejected as `duplicate`."""
    first: dict[str, str] = {}
    result = []
    for row in rows:
        if row["n_frames"]:
            original = first.setdefault(row["sha256"], row["clip"])
            if original != row["clip"]:
                row = rejected(row, Verdict("duplicate", f"its {row['n_frames']} frames are those of {original}"))
        result.append(row)
    return result


def write_items(rows: list[dict], table: Path, desc: str) -> None:
    """Reject duplicates, remove the frames of all that is not kept, write the table and print what became of it.

    Raises ValueError if two items have one name.
    """
    names = Counter(row["clip"] for row in rows)
    if len(names) < len(rows):
        twice = [name for name, count in names.items() if count > 1]
        raise ValueError(f"{desc}: two sources make an item called {', '.join(twice)}; rename one of the files")
    rows = without_duplicates(rows)
    kept = {row["clip"] for row in rows if row["n_frames"]}
    for folder in folder_of(table).iterdir():
        if folder.name not in kept:
            shutil.rmtree(folder)
    write_table(rows, table, CLIPS)
    reasons = Counter(row["reason"] for row in rows if not row["n_frames"])
    listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    print(f"{desc}: {len(kept)} kept, {len(rows) - len(kept)} rejected" + (f" ({listed})" if listed else ""))
