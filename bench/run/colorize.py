"""Stage: one row of the table colours clips and images through the method contract.

Results are PNG frames with the input's luminance kept. An item that fails is a row of the table with a reason,
never a crash nor a hole. What is coloured has a receipt and is not coloured again while all that decides it, by its
content, is the same: a run that was stopped goes on, and one clip more costs one clip.
"""

import itertools
import json
import random
import shutil
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tyro

from bench.methods.contract.method import KINDS, Method, Setting
from bench.methods.contract.rows import deciding_options, load, method_of
from bench.methods.weights.published import OF_METHOD
from bench.run.inputs import (
    ItemFailed,
    ItemInputs,
    Watched,
    check_inputs,
    given_for,
    identity_of,
    luminance_of,
    read_sources,
)
from colorize.release_files import release_contents
from media.color import with_luminance
from media.faults import MachineFault, machine_fault, of_the_machine
from media.image import frame_path, write_png
from media.jobs import Task, content_of, key_of, run_tasks
from media.numbering import UnclearFolder
from media.provenance import recorded
from media.tables import COLORIZED, folder_of, records, write_table
from media.versions import version_of
from media.whole import remove_all_but, whole_folder
from vision.network_files import OF_BACKBONE, contents
from vision.weights import MisfitWeights, MissingWeights, is_present

STAGE = "bench.run.colorize"


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
    chosen = json.loads(options)
    setting = Setting(weights, backbone, checkpoint, seed, results or table.parent.parent, table.with_suffix(".logs"))
    method = load(row, chosen, setting)
    sources = [read_sources("clips", clips, clip_references, rank, flow, processed, positions)]
    if images is not None:
        sources.append(read_sources("images", images, image_references, rank))
    said = method.record()
    decided = [] if method.skip() else decided_by(row, chosen, method, setting, said)
    colorize_all(row, method, [source for source in sources if source.kind in method.given], seed, table, decided)
    networks = {} if method.skip() else published_networks(row, chosen, setting)
    return {"method": version_of(type(method).__module__), "record": said} | networks


def decided_by(row: str, options: dict, method: Method, setting: Setting, said: dict) -> list:
    """What the results of all items follow from; said: what the method says of itself."""
    files = (*OF_BACKBONE.get(setting.backbone, ()), *OF_METHOD.get(method_of(row, options), ()))
    checkpoint = setting.checkpoint and content_of_checkpoint(setting.checkpoint, setting.weights_dir)
    code = [version_of(STAGE), version_of(type(method).__module__)]
    return [*code, deciding_options(options), contents(files, setting.weights_dir), setting.seed, checkpoint, said]


def published_networks(row: str, options: dict, setting: Setting) -> dict[str, dict[str, str]]:
    """For the sidecar, the SHA-256 of each published file that a row takes instead of a training's; empty for none."""
    if setting.checkpoint is not None:
        of_folder = setting.checkpoint.is_dir()
        return {"networks": release_contents(setting.checkpoint, setting.weights_dir)} if of_folder else {}
    files = OF_METHOD.get(method_of(row, options), ())
    taken = next((file for file in files if is_present(file, setting.weights_dir)), None)
    return {"networks": contents([taken], setting.weights_dir)} if taken else {}


def content_of_checkpoint(path: Path, weights_dir: Path) -> str | list:
    """What a model is, by its content: of a folder the published model's files alone. Raises MissingWeights."""
    return [*release_contents(path, weights_dir).items()] if path.is_dir() else content_of(path)


def colorize_all(row: str, method: Method, sources: list[ItemInputs], seed: int, table: Path, decided: list) -> None:
    """Colour the items of all sources that have no receipt yet, and write the table.

    decided: what the results follow from besides the items themselves. Raises ValueError for an input that is not
    there.
    """
    for source in sources:
        check_inputs(row, method, source)
    if why := method.skip():  # no receipt says so: it may be able to the next time
        shutil.rmtree(folder_of(table), ignore_errors=True)
        names = [(source.kind, item) for source in sources for item in source.table["clip"]]
        rows = [_blank(kind, item) | {"reason": "skipped", "detail": why} for kind, item in names]
    else:
        rows = colorize_missing(row, method, sources, seed, folder_of(table), decided)
    if warning := warning_of(rows):
        print(warning, file=sys.stderr)
    write_table(rows, table, COLORIZED)


def colorize_missing(
    row: str, method: Method, sources: list[ItemInputs], seed: int, out_dir: Path, decided: list
) -> list[dict]:
    """The rows of all items; those are coloured of which there is no receipt, and those that failed are tried again."""

    def outputs(done: dict) -> list[Path] | None:
        return [out_dir / done["kind"] / done["item"]] if done["n_frames"] else None

    def colorize(source: ItemInputs, item: str, n_frames: int) -> list[dict]:
        return [colorize_item(method, source, item, n_frames, seed, out_dir)]

    tasks = []
    for source in sources:
        for item in records(source.table[["clip", "n_frames", "sha256"]]):
            of_item = source, item["clip"], item["n_frames"]
            key = key_of(decided, identity_of(method, *of_item, item["sha256"]))
            tasks.append(Task(f"{source.kind}-{item['clip']}", key, of_item))
    for kind in KINDS:  # frames of items that are gone must not pass for this run's
        if (out_dir / kind).is_dir():
            there = {item for source in sources if source.kind == kind for item in source.table["clip"]}
            remove_all_but(there, out_dir / kind)
    return run_tasks(colorize, tasks, out_dir / "receipts", outputs, 1, "here", f"colorize {row}")


def warning_of(rows: list[dict]) -> str:
    """A line about the items that failed, with what is wrong with the first; empty if none did."""
    failed = [row for row in rows if row.get("reason") not in (None, "skipped")]
    if not failed:
        return ""
    why = " ".join(f"{failed[0]['reason']}: {failed[0]['detail']}".split())
    return f"warning: {len(failed)} of {len(rows)} items failed: {why}"


def colorize_item(method: Method, source: ItemInputs, item: str, n_frames: int, seed: int, out_dir: Path) -> dict:
    """Colour one item and write its frames; returns its row of the table COLORIZED.

    Reasons: no_reference, no_processed, method_raised, wrong_shape, not_finite, wrong_count, and of a folder of frames
    from elsewhere missing_frames and ambiguous_frames. A failed item leaves no frames. What is not the item's fault is
    raised: weights that are missing or do not fit, and MachineFault.
    """
    folder = out_dir / source.kind / item
    shutil.rmtree(folder, ignore_errors=True)
    _seed(seed, item, method.uses_torch)
    start, count = time.perf_counter(), 0
    try:
        with whole_folder(folder) as temporary:
            for luminance, ab in colored(method, source, item, n_frames):
                write_png(frame_path(temporary, count), with_luminance(luminance, ab))
                count += 1
    except ItemFailed as error:
        failed = {"reason": error.reason, "detail": str(error)}
        return _blank(source.kind, item) | {"seconds": time.perf_counter() - start} | failed
    return _blank(source.kind, item) | {"n_frames": count, "seconds": time.perf_counter() - start}


def colored(method: Method, source: ItemInputs, item: str, n_frames: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of a frame's L (H, W) and the method's ab (H, W, 2), checked; whatever a method raises is an ItemFailed.

    Raises as it is what is wrong with weights, and MachineFault, also where the method hides what befell its inputs.
    """
    watched = Watched()
    given = given_for(method, source, item, n_frames, watched)
    # tee keeps only the frames by which the method runs ahead of us.
    own, theirs = itertools.tee(watched(luminance_of(source, item, n_frames)))
    try:
        results = method.colorize(theirs, given)
        for index, (luminance, ab) in enumerate(itertools.zip_longest(own, results)):
            yield luminance, checked(luminance, ab, index, n_frames)
    except (MissingWeights, MisfitWeights):
        raise
    except Exception as error:
        if watched.error is None and isinstance(error, MachineFault | ItemFailed):
            raise
        if watched.error is None and of_the_machine(error):
            raise machine_fault(error, f"colouring {source.kind} {item}") from error
        if watched.error is None:
            raise _failed(error) from error
    if watched.error is not None:
        raise watched.error


def _failed(error: Exception) -> ItemFailed:
    if isinstance(error, UnclearFolder):
        return ItemFailed(error.reason, str(error))
    return ItemFailed("method_raised", f"{type(error).__name__}: {error}")


def checked(luminance: np.ndarray | None, ab: np.ndarray | None, index: int, n_frames: int) -> np.ndarray:
    """The ab of frame `index` as float32 (H, W, 2), finite. Raises ItemFailed."""
    if luminance is None or ab is None:
        yielded = "more" if luminance is None else index
        raise ItemFailed("wrong_count", f"expected {n_frames} frames, the method yielded {yielded}")
    ab = np.asarray(ab, np.float32)
    if ab.shape != (*luminance.shape, 2):
        raise ItemFailed("wrong_shape", f"frame {index}: expected ab {(*luminance.shape, 2)}, got {ab.shape}")
    if not np.isfinite(ab).all():
        raise ItemFailed("not_finite", f"frame {index}: {int((~np.isfinite(ab)).sum())} values are not finite")
    return ab


def _blank(kind: str, item: str) -> dict:
    return {"item": item, "kind": kind, "n_frames": 0, "seconds": 0.0}


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
