"""Stage: one row of the table colours every test clip and image through the method contract.

Results are PNG frames with the input's luminance kept. An item that fails is a row of the table with a reason,
never a crash nor a hole.
"""

import itertools
import json
import random
import shutil
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from tqdm import tqdm

from bench.method import Given, Method, Setting, Step
from bench.rows import load
from media.color import lab_from_rgb, luminance_from_rgb, with_luminance
from media.flow import read_kitti
from media.image import cover_crop, frame_path, read_frames, read_rgb, write_png
from media.tables import CLIPS, COLORIZED, REFERENCES, folder_of, kept, read_table, write_table
from vision.weights import MissingWeights

VERSION = 1


class ItemFailed(Exception):
    """One item could not be coloured: a typed `reason` for the table and the detail in words."""

    def __init__(self, reason: str, detail: str):
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Sources:
    """Where the inputs of one kind of item lie. `references` and `flow_dir` are None where the row needs none."""

    kind: str
    table: pd.DataFrame  # the kept items, columns CLIPS
    frames_dir: Path
    references: pd.DataFrame | None = None  # columns REFERENCES
    reference_size: tuple[int, int] | None = None  # height, width
    flow_dir: Path | None = None


def main(
    *,
    row: str,
    options: str,
    clips: Path,
    images: Path,
    backbone: str,
    weights: Path,
    seed: int,
    table: Path,
    reference_size: tuple[int, int],
    clip_references: Path | None = None,
    image_references: Path | None = None,
    clip_flow: Path | None = None,
    checkpoint: Path | None = None,
) -> None:
    """Colour all kept clips and images.

    Args:
        row: name of the row in `methods:`.
        options: its options, JSON.
        clips: table of the test clips; the frames lie in the folder of its name, as for every table here.
        images: table of the test images.
        backbone: features for methods that match, a name of vision.backbones.
        weights: folder of weight files.
        seed: with the item's name it seeds every item, so the order does not matter.
        table: the table to write, <results>/colorize/<row>.parquet; {results} in a `precomputed` row is that folder.
        reference_size: height and width that references are cover-cropped to.
        clip_references: table of references of the clips; only for rows that are given them there.
        image_references: table of references of the images; likewise.
        clip_flow: table of the clips' flow; only for rows that are given it.
        checkpoint: model.safetensors of the row's training.
    """
    setting = Setting(weights, backbone, checkpoint, seed, results_dir=table.parent.parent)
    method = load(row, json.loads(options), setting)
    sources = [
        _sources("clips", clips, clip_references, reference_size, clip_flow),
        _sources("images", images, image_references, reference_size, None),
    ]
    sources = [source for source in sources if source.kind in method.given]
    for source in sources:
        check_inputs(row, method, source)
    out_dir = folder_of(table)
    shutil.rmtree(out_dir, ignore_errors=True)  # frames of an earlier run must not pass for this one's
    items = [(source, item) for source in sources for item in source.table.itertuples()]
    rows = [
        colorize_item(method, source, item.clip, item.n_frames, seed, out_dir)
        for source, item in tqdm(items, desc=f"colorize {row}", mininterval=5)
    ]
    write_table(rows, table, COLORIZED)


def check_inputs(row: str, method: Method, source: Sources) -> None:
    """Raise ValueError if the row is given something for which this call has no input."""
    available = {
        "first_frame": True,
        "reference": source.references is not None,
        "flow": source.flow_dir is not None,
    }
    for what in method.given[source.kind]:
        if not available.get(what, False):
            raise ValueError(
                f"row {row!r} is given {what!r} on {source.kind}, but there is no input for it here: references need "
                "--clip-references and --image-references, flow needs --clip-flow and clips; "
                "no stage makes `processed` or `hints` yet"
            )


def colorize_item(method: Method, source: Sources, item: str, n_frames: int, seed: int, out_dir: Path) -> dict:
    """Colour one item and write its frames; returns its row of the table COLORIZED.

    Reasons: skipped, no_reference, method_raised, wrong_shape, not_finite, wrong_count. A failed item leaves no
    frames. MissingWeights is not an item's failure and is raised.
    """
    folder = out_dir / source.kind / item
    done = {"item": item, "kind": source.kind, "n_frames": 0, "seconds": 0.0}
    if why := method.skip():
        return done | {"reason": "skipped", "detail": why}
    _seed(seed, item)
    start = time.perf_counter()
    try:
        count = 0
        for luminance, ab in coloured(method, source, item, n_frames):
            write_png(frame_path(folder, count), with_luminance(luminance, ab))
            count += 1
        return done | {"n_frames": count, "seconds": time.perf_counter() - start}
    except MissingWeights:
        raise
    except Exception as error:  # whatever a method raises is a row; the run goes on with the next item
        shutil.rmtree(folder, ignore_errors=True)
        reason = error.reason if isinstance(error, ItemFailed) else "method_raised"
        detail = str(error) if isinstance(error, ItemFailed) else f"{type(error).__name__}: {error}"
        return done | {"seconds": time.perf_counter() - start, "reason": reason, "detail": detail}


def coloured(method: Method, source: Sources, item: str, n_frames: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of a frame's L (H, W) and the method's ab (H, W, 2), checked; raises ItemFailed."""
    # tee keeps only the frames by which the method runs ahead of us.
    own, theirs = itertools.tee(_luminance(source.frames_dir / item, n_frames))
    results = method.colorize(theirs, given_for(method, source, item, n_frames))
    for index, (luminance, ab) in enumerate(itertools.zip_longest(own, results)):
        if luminance is None or ab is None:
            found = "more" if luminance is None else index
            raise ItemFailed("wrong_count", f"expected {n_frames} frames, the method yielded {found}")
        ab = np.asarray(ab, np.float32)
        if ab.shape != (*luminance.shape, 2):
            raise ItemFailed("wrong_shape", f"frame {index}: expected ab {(*luminance.shape, 2)}, got {ab.shape}")
        if not np.isfinite(ab).all():
            raise ItemFailed("not_finite", f"frame {index}: {int((~np.isfinite(ab)).sum())} values are not finite")
        yield luminance, ab


def given_for(method: Method, source: Sources, item: str, n_frames: int) -> Given:
    """What the method asks for on this item, and nothing else."""
    wanted = method.given[source.kind]
    frames_dir = source.frames_dir / item
    return Given(
        kind=source.kind,
        item=item,
        reference=_reference(source, item) if "reference" in wanted else None,
        first_frame=lab_from_rgb(next(read_frames(frames_dir, 1))) if "first_frame" in wanted else None,
        flow=_steps(source.flow_dir / item, n_frames) if "flow" in wanted else None,
    )


def _sources(kind: str, items: Path, references: Path | None, size: tuple[int, int], flow: Path | None) -> Sources:
    return Sources(
        kind,
        kept(read_table(items, CLIPS)),
        folder_of(items),
        references and read_table(references, REFERENCES),
        size,
        flow and folder_of(flow),
    )


def _reference(source: Sources, item: str) -> np.ndarray:
    best = source.references[(source.references["item"] == item) & (source.references["rank"] == 1)]
    if best.empty:
        raise ItemFailed("no_reference", f"{item} has no reference of rank 1 in the table of references")
    return lab_from_rgb(cover_crop(read_rgb(best["path"].iloc[0]), source.reference_size))


def _luminance(frames_dir: Path, n_frames: int) -> Iterator[np.ndarray]:
    for rgb in read_frames(frames_dir, n_frames):
        yield luminance_from_rgb(rgb)


def _steps(flow_dir: Path, n_frames: int) -> Iterator[Step]:
    for index in range(1, n_frames):
        yield Step(*read_kitti(frame_path(flow_dir / "backward", index)))


def _seed(seed: int, item: str) -> None:
    """Seed the global generators for one item: its result must not depend on which items came before."""
    import torch

    torch.set_num_threads(1)  # a job is one core; the result of a sum can depend on the number of threads
    number = zlib.crc32(f"{seed}/{item}".encode())
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


if __name__ == "__main__":
    tyro.cli(main)
