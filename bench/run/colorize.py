"""Stage: one row of the table colours clips and images through the method contract.

Results are PNG frames with the input's luminance kept. An item that fails is a row of the table with a reason,
never a crash nor a hole.
"""

import itertools
import json
import random
import shutil
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tyro

from bench.methods.contract.method import Given, Method, Setting
from bench.methods.contract.rows import load
from media.bar import Bar
from media.color import lab_from_rgb, luminance_from_rgb, with_luminance
from media.flow_files import FlowBack, read_kitti
from media.image import frame_path, read_frames, write_png
from media.provenance import recorded
from media.tables import CLIPS, COLORIZED, REFERENCES, folder_of, kept, read_table, write_table
from media.versions import version_of
from vision.weights import MisfitWeights, MissingWeights


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
    processed: Path | None = None  # table of the results that a post-processor is given, columns COLORIZED


def main(
    *,
    row: str,
    options: str,
    clips: Path,
    backbone: str,
    weights: Path,
    seed: int,
    table: Path,
    images: Path | None = None,
    clip_references: Path | None = None,
    image_references: Path | None = None,
    flow: Path | None = None,
    checkpoint: Path | None = None,
    processed: Path | None = None,
    rank: int = 1,
    positions: list[int] | None = None,
    results: Path | None = None,
) -> dict:
    """Colour all kept clips and images. Returns the version of the method and what it says of itself, for the sidecar.

    Args:
        row: name of the row in `methods:`.
        options: its options, JSON.
        clips: table of the clips; the frames lie in the folder of its name, as for every table here.
        backbone: features for methods that match, a name of vision.backbones.
        weights: folder of weight files.
        seed: with the item's name it seeds every item, so the order does not matter.
        table: the table to write, <results>/colorize/<row>.parquet.
        images: table of the images; none: only clips are coloured.
        clip_references: table of references of the clips; only for rows that are given them there.
        image_references: table of references of the images; likewise.
        flow: table of the clips' flow; only for rows that are given it.
        checkpoint: model.safetensors of the row's training.
        processed: for a post-processor, the table of results of the row that it works on; clips only.
        rank: which reference of an item is given, 1 for the most similar one.
        positions: colour only these of the kept clips, counted from 1 in the order of their table; none: all.
        results: what {results} in a `precomputed` row stands for; none: the folder above that of `table`.
    """
    setting = Setting(weights, backbone, checkpoint, seed, results or table.parent.parent)
    method = load(row, json.loads(options), setting)
    sources = [read_sources("clips", clips, clip_references, rank, flow, processed, positions)]
    if images is not None:
        sources.append(read_sources("images", images, image_references, rank))
    colorize_all(row, method, [source for source in sources if source.kind in method.given], seed, table)
    return {"method": version_of(type(method).__module__), "record": method.record()}


def colorize_all(row: str, method: Method, sources: list[ItemInputs], seed: int, table: Path) -> None:
    """Colour the items of all sources and write the table. Raises ValueError for an input that is not there."""
    for source in sources:
        check_inputs(row, method, source)
    out_dir = folder_of(table)
    shutil.rmtree(out_dir, ignore_errors=True)  # frames of an earlier run must not pass for this one's
    items = [(source, item) for source in sources for item in source.table.itertuples()]
    rows = [
        colorize_item(method, source, item.clip, item.n_frames, seed, out_dir)
        for source, item in Bar(items, desc=f"colorize {row}")
    ]
    if warning := warning_of(rows):
        print(warning, file=sys.stderr)
    write_table(rows, table, COLORIZED)


def warning_of(rows: list[dict]) -> str:
    """A line about the items that failed, with what is wrong with the first; empty if none did."""
    failed = [row for row in rows if row.get("reason") not in (None, "skipped")]
    if not failed:
        return ""
    why = " ".join(f"{failed[0]['reason']}: {failed[0]['detail']}".split())
    return f"warning: {len(failed)} of {len(rows)} items failed: {why}"


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


def colorize_item(method: Method, source: ItemInputs, item: str, n_frames: int, seed: int, out_dir: Path) -> dict:
    """Colour one item and write its frames; returns its row of the table COLORIZED.

    Reasons: skipped, no_reference, no_processed, method_raised, wrong_shape, not_finite, wrong_count. A failed item
    leaves no frames. MissingWeights and MisfitWeights are no item's failure and are raised.
    """
    folder = out_dir / source.kind / item
    done = {"item": item, "kind": source.kind, "n_frames": 0, "seconds": 0.0}
    if why := method.skip():
        return done | {"reason": "skipped", "detail": why}
    _seed(seed, item, method.uses_torch)
    start = time.perf_counter()
    try:
        count = 0
        for luminance, ab in colored(method, source, item, n_frames):
            write_png(frame_path(folder, count), with_luminance(luminance, ab))
            count += 1
        return done | {"n_frames": count, "seconds": time.perf_counter() - start}
    except (MisfitWeights, MissingWeights):
        raise
    except Exception as error:  # whatever a method raises is a row; the run goes on with the next item
        shutil.rmtree(folder, ignore_errors=True)
        reason = error.reason if isinstance(error, ItemFailed) else "method_raised"
        detail = str(error) if isinstance(error, ItemFailed) else f"{type(error).__name__}: {error}"
        return done | {"seconds": time.perf_counter() - start, "reason": reason, "detail": detail}


def colored(method: Method, source: ItemInputs, item: str, n_frames: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of a frame's L (H, W) and the method's ab (H, W, 2), checked; raises ItemFailed."""
    # tee keeps only the frames by which the method runs ahead of us.
    own, theirs = itertools.tee(_luminance(source.frames_dir / item, n_frames))
    results = method.colorize(theirs, given_for(method, source, item, n_frames))
    for index, (luminance, ab) in enumerate(itertools.zip_longest(own, results)):
        if luminance is None or ab is None:
            yielded = "more" if luminance is None else index
            raise ItemFailed("wrong_count", f"expected {n_frames} frames, the method yielded {yielded}")
        ab = np.asarray(ab, np.float32)
        if ab.shape != (*luminance.shape, 2):
            raise ItemFailed("wrong_shape", f"frame {index}: expected ab {(*luminance.shape, 2)}, got {ab.shape}")
        if not np.isfinite(ab).all():
            raise ItemFailed("not_finite", f"frame {index}: {int((~np.isfinite(ab)).sum())} values are not finite")
        yield luminance, ab


def given_for(method: Method, source: ItemInputs, item: str, n_frames: int) -> Given:
    """What the method asks for on this item, and nothing else."""
    wanted = method.given[source.kind]
    frames_dir = source.frames_dir / item
    return Given(
        kind=source.kind,
        item=item,
        reference=_reference(source, item) if "reference" in wanted else None,
        first_frame=lab_from_rgb(next(read_frames(frames_dir, 1))) if "first_frame" in wanted else None,
        flow=_steps(source.flow_dir / item, n_frames) if "flow" in wanted else None,
        processed=_processed(source, item) if "processed" in wanted else None,
    )


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
        processed,
    )


def _reference(source: ItemInputs, item: str) -> np.ndarray:
    own = source.references[(source.references["item"] == item) & (source.references["rank"] == source.rank)]
    if own.empty:
        raise ItemFailed("no_reference", f"{item} has no reference of rank {source.rank} in the table of references")
    return lab_from_rgb(next(read_frames(source.references_dir / own["reference"].iloc[0], 1)))


def _processed(source: ItemInputs, item: str) -> Iterator[np.ndarray]:
    results = read_table(source.processed, COLORIZED)
    own = results[(results["item"] == item) & (results["kind"] == source.kind)]
    if own.empty or pd.notna(own["reason"].iloc[0]):
        why = "no line for it" if own.empty else f"{own['reason'].iloc[0]} ({own['detail'].iloc[0]})"
        raise ItemFailed("no_processed", f"{source.processed} has no result for {item}: {why}")
    folder = folder_of(source.processed) / source.kind / item
    return (lab_from_rgb(rgb)[..., 1:] for rgb in read_frames(folder, int(own["n_frames"].iloc[0])))


def _luminance(frames_dir: Path, n_frames: int) -> Iterator[np.ndarray]:
    for rgb in read_frames(frames_dir, n_frames):
        yield luminance_from_rgb(rgb)


def _steps(flow_dir: Path, n_frames: int) -> Iterator[FlowBack]:
    for index in range(1, n_frames):
        yield FlowBack(*read_kitti(frame_path(flow_dir / "backward", index)))


def _seed(seed: int, item: str, uses_torch: bool) -> None:
    """Seed the global generators for one item: its result must not depend on which items came before."""
    number = zlib.crc32(f"{seed}/{item}".encode())
    random.seed(number)
    np.random.seed(number)
    if uses_torch:
        import torch

        torch.set_num_threads(1)  # a job is one core; the result of a sum can depend on the number of threads
        torch.manual_seed(number)


if __name__ == "__main__":
    tyro.cli(recorded(main, "table"))
