"""Items (clips and photographs) on their way into a table: one row an item, its frames on disk if it is kept.

A rejected item stays in the table as a row with its reason, and has no frames.
"""

import os
import stat
from collections import Counter
from pathlib import Path

import numpy as np

from media.faults import listed
from media.image import content_hash, frame_path, write_png
from media.whole import whole_folder
from prep.datasets.selection import Source
from prep.judging.fingerprint import fingerprint
from prep.judging.quality import REASONS, Filters, Verdict, color_statistics, judge_color


def row_of(name: str, source: Source) -> dict:
    """`item_row` of a source after a look at it. Raises MachineFault if it is not there any more, or not to be read.

    It was there when it was listed, so a mount is gone, or this worker does not have it: nothing is its fault. What
    could not be read even then is not looked at (`judge_file`).
    """
    if source.unusable is not None:
        return item_row(name, source)
    with listed(source.path):
        if source.kind == "frames":
            os.listdir(source.path)
        elif stat.S_ISREG(source.path.stat().st_mode):  # what else lies there (a pipe) is not opened
            with source.path.open("rb") as file:
                file.read(1)
        return item_row(name, source)


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
    return row if height is None or width is None else row | size_columns(height, width)


def size_columns(height: int, width: int) -> dict:
    """The columns that say how large the source is and how it lies."""
    orientation = "square" if height == width else "portrait" if height > width else "landscape"
    return {"source_height": height, "source_width": width, "orientation": orientation}


def judge_file(row: dict, source: Source) -> Verdict | None:
    """The verdict on a file that cannot be read or is not the one in its dataset's list of checksums, or None."""
    if source.unusable:
        return Verdict("unreadable_file", source.unusable)
    if source.checksum is None or source.checksum == row["source_sha256"]:
        return None
    reason = "corrupt_image" if source.kind == "images" else "unreadable_video"
    difference = f"its SHA-256 is {row['source_sha256']}, the list of checksums says {source.checksum}"
    return Verdict(reason, f"{difference}: get the file again")


def rejected(row: dict, verdict: Verdict) -> dict:
    """The row with the reason why the item is left out."""
    if verdict.reason not in REASONS:
        raise ValueError(f"{verdict.reason!r} is no reason; expected one of {', '.join(REASONS)}")
    return row | verdict._asdict() | {"n_frames": 0}


def judged(
    row: dict, frames: list[np.ndarray], filters: Filters, frames_dir: Path | None, otherwise: Verdict | None = None
) -> dict:
    """The row with statistics, hash and verdict of the prepared frames; a kept item's frames are written.

    frames_dir: None writes nothing. otherwise: a verdict on something else, which counts if the colours are fine.
    """
    measured = color_statistics(frames)
    row = row | measured._asdict() | {"sha256": content_hash(frames), "fingerprint": fingerprint(frames)}
    verdict = judge_color(measured, filters) or otherwise
    if verdict:
        return rejected(row, verdict)
    if frames_dir is not None:
        with whole_folder(frames_dir / row["clip"]) as folder:
            for index, frame in enumerate(frames):
                write_png(frame_path(folder, index), frame)
    return row | {"n_frames": len(frames)}


def frames_of(row: dict, frames_dir: Path) -> list[Path]:
    """The folder of the frames of an item, if a table keeps it."""
    return [frames_dir / row["clip"]] if row["n_frames"] else []


def intact(row: dict, frames_dir: Path) -> bool:
    """Whether the frames of an item that a table keeps are still there, and none of them empty."""
    sizes = [path.stat().st_size for folder in frames_of(row, frames_dir) for path in folder.glob("*.png")]
    return len(sizes) == row["n_frames"] and all(sizes)


def summary(rows: list[dict]) -> str:
    """How many are kept and why the others are not."""
    reasons = Counter(row["reason"] for row in rows if row.get("reason"))
    listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return f"{len(rows) - reasons.total()} kept, {reasons.total()} rejected" + (f" ({listed})" if listed else "")
