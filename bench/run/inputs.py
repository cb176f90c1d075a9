"""What an item is coloured from: where it lies, how the method is given it, and what identifies it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from bench.methods.contract.method import Given, Method
from media.color import lab_from_rgb, luminance_from_rgb
from media.flow_files import FlowBack, read_kitti
from media.image import frame_path, read_frames
from media.jobs import content_of
from media.tables import CLIPS, COLORIZED, REFERENCES, folder_of, kept, read_table, records


class ItemFailed(Exception):
    """One item could not be coloured: a typed `reason` for the table and the detail in words."""

    def __init__(self, reason: str, detail: str):
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Processed:
    """What a post-processor is given of an item: another row's frames, or why it has none."""

    folder: Path
    n_frames: int
    why: str | None = None


@dataclass(frozen=True)
class ItemInputs:
    """Where the inputs of one item lie, as far as its method asks for them."""

    kind: str
    name: str
    n_frames: int
    sha256: str | None  # of the frames, from their table; None where it does not say
    frames: Path
    reference: Path | None = None  # folder of its picture; None where it has none of this rank
    rank: int = 1
    flow: Path | None = None
    processed: Processed | None = None


@dataclass(frozen=True)
class KindInputs:
    """Where the inputs of one kind of item lie. Tables and folders are None where the row needs none."""

    kind: str
    table: pd.DataFrame  # the kept items, columns CLIPS
    frames_dir: Path
    references: pd.DataFrame | None = None  # columns REFERENCES
    references_dir: Path | None = None  # of their pictures
    rank: int = 1  # which of an item's references it is given
    flow_dir: Path | None = None
    processed: pd.DataFrame | None = None  # the results that a post-processor is given, columns COLORIZED
    processed_dir: Path | None = None

    def items(self, wanted: tuple[str, ...]) -> Iterator[ItemInputs]:
        """The inputs of each item in the order of the table; wanted: what its method is given."""
        for item in records(self.table[["clip", "n_frames", "sha256"]]):
            name = item["clip"]
            reference = self._reference_of.get(name) if "reference" in wanted else None
            yield ItemInputs(
                self.kind,
                name,
                item["n_frames"],
                item["sha256"],
                self.frames_dir / name,
                reference and self.references_dir / reference,
                self.rank,
                self.flow_dir / name if "flow" in wanted else None,
                self._processed(name) if "processed" in wanted else None,
            )

    @cached_property
    def _reference_of(self) -> dict[str, str]:
        own = self.references[self.references["rank"] == self.rank].drop_duplicates("item")
        return dict(zip(own["item"], own["reference"], strict=True))

    @cached_property
    def _processed_of(self) -> dict[str, dict]:
        return {row["item"]: row for row in records(self.processed[self.processed["kind"] == self.kind])}

    def _processed(self, name: str) -> Processed:
        own = self._processed_of.get(name)
        folder = self.processed_dir / self.kind / name
        if own and own["reason"] is None:
            return Processed(folder, own["n_frames"])
        why = f"{own['reason']} ({own['detail']})" if own else "no line for it"
        return Processed(folder, 0, f"{self.processed_dir}.parquet has no result for {name}: {why}")


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


def read_inputs(
    kind: str,
    items: Path,
    references: Path | None,
    rank: int,
    flow: Path | None = None,
    processed: Path | None = None,
    positions: list[int] | None = None,
) -> KindInputs:
    """The inputs of one kind of item; positions: only these of the kept items, counted from 1."""
    table = kept(read_table(items, CLIPS))
    return KindInputs(
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


def check_inputs(row: str, method: Method, inputs: KindInputs) -> None:
    """Raise ValueError if the row is given something for which this call has no input."""
    available = {
        "first_frame": True,
        "reference": inputs.references is not None,
        "flow": inputs.flow_dir is not None,
        "processed": inputs.processed is not None,
    }
    for what in method.given[inputs.kind]:
        if not available.get(what, False):
            raise ValueError(
                f"row {row!r} is given {what!r} on {inputs.kind}, but there is no input for it here: references need "
                "--clip-references and --image-references, flow needs --flow and clips, `processed` needs "
                "--processed, clips and a row `<other row>+<post-processor>`; no stage makes `hints`"
            )


def luminance_of(item: ItemInputs) -> Iterator[np.ndarray]:
    """L (H, W) of each frame of an item."""
    return map(luminance_from_rgb, read_frames(item.frames, item.n_frames))


def given_for(method: Method, item: ItemInputs, watched: Watched) -> Given:
    """What the method asks for on this item, and nothing else. Raises ItemFailed, or MachineFault."""
    wanted = method.given[item.kind]
    return Given(
        kind=item.kind,
        item=item.name,
        reference=_reference(item) if "reference" in wanted else None,
        first_frame=lab_from_rgb(next(read_frames(item.frames, 1))) if "first_frame" in wanted else None,
        flow=watched(_steps(item)) if "flow" in wanted else None,
        processed=watched(_colors_of(item.processed)) if "processed" in wanted else None,
    )


def identity_of(method: Method, item: ItemInputs) -> list:
    """All that decides an item's result and lies in files, by its content, wherever it lies. Raises MachineFault."""
    processed = item.processed
    return [
        [item.kind, item.name, item.n_frames, item.sha256 or content_of(item.frames)],
        item.reference and content_of(frame_path(item.reference, 0)),
        content_of(item.flow / "backward") if item.flow and item.n_frames > 1 else None,
        content_of(processed.folder) if processed and processed.why is None else None,
        [content_of(path) for path in method.files(item.kind, item.name) if path.exists()],
    ]


def _reference(item: ItemInputs) -> np.ndarray:
    if item.reference is None:
        raise ItemFailed("no_reference", f"{item.name} has no reference of rank {item.rank} in the table of references")
    return lab_from_rgb(next(read_frames(item.reference, 1)))


def _colors_of(processed: Processed) -> Iterator[np.ndarray]:
    if processed.why:
        raise ItemFailed("no_processed", processed.why)
    return (lab_from_rgb(rgb)[..., 1:] for rgb in read_frames(processed.folder, processed.n_frames))


def _steps(item: ItemInputs) -> Iterator[FlowBack]:
    for index in range(1, item.n_frames):
        yield FlowBack(*read_kitti(frame_path(item.flow / "backward", index)))
