"""What an item is coloured from: where it lies, how the method is given it, and what identifies it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.methods.contract.method import Given, Method
from media.color import lab_from_rgb, luminance_from_rgb
from media.flow_files import FlowBack, read_kitti
from media.image import frame_path, read_frames
from media.jobs import content_of
from media.tables import CLIPS, COLORIZED, REFERENCES, folder_of, kept, read_table


class ItemFailed(Exception):
    """One item could not be coloured: a typed `reason` for the table and the detail in words."""

    def __init__(self, reason: str, detail: str):
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class ItemInputs:
    """Where the inputs of one kind of item lie. `references` and `flow_dir` are None where the row needs none."""

    kind: str
    table: pd.DataFrame  # the kept items, columns CLIPS
    frames_dir: Path
    references: pd.DataFrame | None = None  # columns REFERENCES
    references_dir: Path | None = None  # of their pictures
    rank: int = 1  # which of an item's references it is given
    flow_dir: Path | None = None
    processed: pd.DataFrame | None = None  # the results that a post-processor is given, columns COLORIZED
    processed_dir: Path | None = None


class Watched:
    """Iterators over our own files for a method: one that swallows or wraps their error cannot make it an item's."""

    def __init__(self):
        self.error: Exception | None = None

    def __call__(self, items: Iterator) -> Iterator:
        try:
            yield from items
        except Exception as error:
            self.error = self.error or error
            raise


def read_sources(
    kind: str,
    items: Path,
    references: Path | None,
    rank: int,
    flow: Path | None = None,
    processed: Path | None = None,
    positions: list[int] | None = None,
) -> ItemInputs:
    """The inputs of one kind of item; positions: only these of the kept items, counted from 1."""
    table = kept(read_table(items, CLIPS))
    return ItemInputs(
        kind,
        table if positions is None else at_positions(table, positions),
        folder_of(items),
        references and read_table(references, REFERENCES),
        references and folder_of(references),
        rank,
        flow and folder_of(flow),
        processed and read_table(processed, COLORIZED),
        processed and folder_of(processed),
    )


def at_positions(items: pd.DataFrame, positions: list[int]) -> pd.DataFrame:
    """The items at some places of a table, counted from 1 and in its order; a place beyond its end has none."""
    return items.iloc[[place - 1 for place in sorted(set(positions)) if place <= len(items)]]


def check_inputs(row: str, method: Method, source: ItemInputs) -> None:
    """Raise ValueError if the row is given something for which this call has no input."""
    available = {
        "first_frame": True,
        "reference": source.references is not None,
        "flow": source.flow_dir is not None,
        "processed": source.processed is not None,
    }
    for what in method.given[source.kind]:
        if not available.get(what, False):
            raise ValueError(
                f"row {row!r} is given {what!r} on {source.kind}, but there is no input for it here: references need "
                "--clip-references and --image-references, flow needs --flow and clips, `processed` needs "
                "--processed, clips and a row `<other row>+<post-processor>`; no stage makes `hints`"
            )


def luminance_of(source: ItemInputs, item: str, n_frames: int) -> Iterator[np.ndarray]:
    """L (H, W) of each frame of an item."""
    return map(luminance_from_rgb, read_frames(source.frames_dir / item, n_frames))


def given_for(method: Method, source: ItemInputs, item: str, n_frames: int, watched: Watched) -> Given:
    """What the method asks for on this item, and nothing else. Raises ItemFailed, or MachineFault."""
    wanted = method.given[source.kind]
    frames_dir = source.frames_dir / item
    return Given(
        kind=source.kind,
        item=item,
        reference=_reference(source, item) if "reference" in wanted else None,
        first_frame=lab_from_rgb(next(read_frames(frames_dir, 1))) if "first_frame" in wanted else None,
        flow=watched(_steps(source.flow_dir / item, n_frames)) if "flow" in wanted else None,
        processed=watched(_processed(source, item)) if "processed" in wanted else None,
    )


def identity_of(method: Method, source: ItemInputs, item: str, n_frames: int, sha256: str | None) -> list:
    """All that decides an item's result and lies in files, by its content, wherever it lies.

    sha256: of the prepared frames, from their table; None where it does not say. Raises MachineFault.
    """
    wanted = method.given[source.kind]
    return [
        [source.kind, item, n_frames, sha256 or content_of(source.frames_dir / item)],
        _identity_of_reference(source, item) if "reference" in wanted else None,
        content_of(source.flow_dir / item / "backward") if "flow" in wanted and n_frames > 1 else None,
        _identity_of_processed(source, item) if "processed" in wanted else None,
        [content_of(path) for path in method.files(source.kind, item) if path.exists()],
    ]


def _reference(source: ItemInputs, item: str) -> np.ndarray:
    folder = _folder_of_reference(source, item)
    if folder is None:
        raise ItemFailed("no_reference", f"{item} has no reference of rank {source.rank} in the table of references")
    return lab_from_rgb(next(read_frames(folder, 1)))


def _folder_of_reference(source: ItemInputs, item: str) -> Path | None:
    own = source.references[(source.references["item"] == item) & (source.references["rank"] == source.rank)]
    return None if own.empty else source.references_dir / own["reference"].iloc[0]


def _identity_of_reference(source: ItemInputs, item: str) -> str | None:
    folder = _folder_of_reference(source, item)
    return None if folder is None else content_of(frame_path(folder, 0))


def _row_of_processed(source: ItemInputs, item: str) -> pd.DataFrame:
    return source.processed[(source.processed["item"] == item) & (source.processed["kind"] == source.kind)]


def _processed(source: ItemInputs, item: str) -> Iterator[np.ndarray]:
    own = _row_of_processed(source, item)
    if own.empty or pd.notna(own["reason"].iloc[0]):
        why = "no line for it" if own.empty else f"{own['reason'].iloc[0]} ({own['detail'].iloc[0]})"
        raise ItemFailed("no_processed", f"{source.processed_dir}.parquet has no result for {item}: {why}")
    folder = source.processed_dir / source.kind / item
    return (lab_from_rgb(rgb)[..., 1:] for rgb in read_frames(folder, int(own["n_frames"].iloc[0])))


def _identity_of_processed(source: ItemInputs, item: str) -> str | None:
    own = _row_of_processed(source, item)
    failed = own.empty or pd.notna(own["reason"].iloc[0])
    return None if failed else content_of(source.processed_dir / source.kind / item)


def _steps(flow_dir: Path, n_frames: int) -> Iterator[FlowBack]:
    for index in range(1, n_frames):
        yield FlowBack(*read_kitti(frame_path(flow_dir / "backward", index)))
