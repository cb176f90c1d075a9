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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock

import numpy as np
import tyro

from bench.methods.contract.method import KINDS, Method, Setting
from bench.methods.contract.rows import deciding_options, load, method_of
from bench.methods.weights.published import OF_METHOD
from bench.run.inputs import (
    ItemFailed,
    ItemInputs,
    KindInputs,
    Watched,
    check_inputs,
    given_for,
    identity_of,
    luminance_of,
    read_inputs,
)
from colorize.release_files import release_contents
from media.color import with_luminance
from media.faults import MachineFault, machine_fault, of_the_machine
from media.image import frame_path, write_png
from media.jobs import Task, are_in_shard, content_of, finish_tasks, is_address, key_of, task_name
from media.numbering import UnclearFolder
from media.places import resolved
from media.provenance import recorded
from media.tables import COLORIZED, folder_of, write_rows
from media.versions import version_of
from media.whole import remove_all_but, whole_folder
from vision.network_files import OF_BACKBONE, contents
from vision.weights import MisfitWeights, MissingWeights, difference, is_present

STAGE = "bench.run.colorize"
# The generators that are seeded for an item and the threads of PyTorch are a process's, not a thread's.
working = Lock()


def main(
    *, row: str, options: str, clips: Path, backbone: str, weights: Path, seed: int, table: Path,
    images: Path | None = None, clip_references: Path | None = None, image_references: Path | None = None,
    flow: Path | None = None, checkpoint: Path | None = None, processed: Path | None = None, rank: int = 1,
    positions: list[int] | None = None, results: Path | None = None, frames: Path | None = None, shard: int = 0,
    shards: int = 1, device: str = "cpu", scheduler: str = "threads",
) -> dict:  # fmt: skip
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
        frames: folder of the row's frames and receipts; none: the folder of the name of `table`.
        shard: which shard of the items is coloured; bench.run.gather_colorized makes one table of all.
        shards: number of shards.
        device: where networks run, of methods that can use it: cpu, cuda, or auto for a GPU where there is one.
        scheduler: threads or here, item after item in this process; or the address of a dask.distributed scheduler.
    """
    chosen, out_dir = json.loads(options), frames or folder_of(table)
    logs = out_dir.with_name(f"{out_dir.name}.logs")
    setting = Setting(weights, backbone, checkpoint, seed, results or table.parent.parent, logs, device)
    method = load(row, chosen, setting)
    inputs = [read_inputs("clips", clips, clip_references, rank, flow, processed, positions)]
    if images is not None:
        inputs.append(read_inputs("images", images, image_references, rank))
    said = method.record()
    decided = [] if method.skip() else decided_by(row, chosen, method, setting, said)
    coloring = Coloring(row, options, method, setting, out_dir, decided, scheduler, shard, shards)
    write_rows(warned(coloring.rows(inputs)), table, COLORIZED)
    networks = {} if method.skip() else published_networks(row, chosen, setting)
    return {"method": version_of(type(method).__module__), "record": said} | networks


def decided_by(row: str, options: dict, method: Method, setting: Setting, said: dict) -> list:
    """What the results of all items follow from; said: what the method says of itself."""
    files = (*OF_BACKBONE.get(setting.backbone, ()), *OF_METHOD.get(method_of(row, options), ()))
    checkpoint = setting.checkpoint and content_of_checkpoint(setting.checkpoint, setting.weights_dir)
    code = [version_of(STAGE), version_of(type(method).__module__)]
    return [*code, deciding_options(options), contents(files, setting.weights_dir), setting.seed, checkpoint, said]


def published_networks(row: str, options: dict, setting: Setting) -> dict[str, dict[str, str]]:
    """For the sidecar, the SHA-256 of each published file that a row takes instead of a training's; empty for none.

    With `not_published`: what shows that such a file has another content than the published one.
    """
    if setting.checkpoint is not None:
        of_folder = setting.checkpoint.is_dir()
        return {"networks": release_contents(setting.checkpoint, setting.weights_dir)} if of_folder else {}
    files = OF_METHOD.get(method_of(row, options), ())
    taken = next((file for file in files if is_present(file, setting.weights_dir)), None)
    if taken is None:
        return {}
    differs = difference(taken, setting.weights_dir / taken.name)
    said = {"not_published": {taken.name: differs}} if differs else {}
    return {"networks": contents([taken], setting.weights_dir)} | said


def content_of_checkpoint(path: Path, weights_dir: Path) -> str | list:
    """What a model is, by its content: of a folder the published model's files alone. Raises MissingWeights."""
    return [*release_contents(path, weights_dir).items()] if path.is_dir() else content_of(path)


@dataclass(frozen=True)
class Coloring:
    """A row and the items of a shard that it colours."""

    row: str
    options: str  # JSON
    method: Method
    setting: Setting
    out_dir: Path
    decided: list  # what all results follow from besides the items themselves
    scheduler: str
    shard: int = 0
    shards: int = 1

    def rows(self, inputs: list[KindInputs]) -> Iterator[dict]:
        """The rows of the items, of COLORIZED; those are coloured of which there is no receipt, and those that failed
        are tried again. Raises ValueError for an input that is not there."""
        inputs = [self.mine(of_kind) for of_kind in inputs if of_kind.kind in self.method.given]
        for of_kind in inputs:
            check_inputs(self.row, self.method, of_kind)
        if self.shards == 1:
            self.remove_others(inputs)
        if why := self.method.skip():  # no receipt says so: it may be able to the next time
            skipped = {"reason": "skipped", "detail": why}
            return (_blank(of_kind.kind, item) | skipped for of_kind in inputs for item in of_kind.table["clip"])
        items = (item for of_kind in inputs for item in of_kind.items(self.method.given[of_kind.kind]))
        return self.colorized(items)

    def mine(self, inputs: KindInputs) -> KindInputs:
        """The inputs without the items of other shards. Raises ValueError for a shard that there is not."""
        names = (task_name(inputs.kind, item) for item in inputs.table["clip"])
        return replace(inputs, table=inputs.table[are_in_shard(names, self.shard, self.shards)])

    def remove_others(self, inputs: list[KindInputs]) -> None:
        """Remove the frames of items that are gone: they must not pass for this run's."""
        if self.method.skip():
            shutil.rmtree(self.out_dir, ignore_errors=True)
        for kind in KINDS:
            if (self.out_dir / kind).is_dir():
                there = {item for of_kind in inputs if of_kind.kind == kind for item in of_kind.table["clip"]}
                remove_all_but(there, self.out_dir / kind)

    def colorized(self, items: Iterable[ItemInputs]) -> Iterator[dict]:
        """The rows of the items, in this process or on a cluster."""
        desc = f"colorize {self.row}" + (f" shard {self.shard}" if self.shards > 1 else "")
        out_dir, scheduler, function = self.out_dir, "here", partial(_colorize_with, self.method)
        if is_address(self.scheduler) and self.method.stays:
            print(f"{desc}: not on the cluster, for what it names counts from this folder", flush=True)
        elif is_address(self.scheduler):
            out_dir, scheduler = resolved(out_dir), self.scheduler
            function = partial(_colorize_there, self.row, self.options, resolved(self.setting), key_of(self.decided))
        tasks = [
            Task(
                task_name(item.kind, item.name),
                key_of(self.decided, identity_of(self.method, item)),
                (item if scheduler == "here" else resolved(item), self.setting.seed, out_dir),
            )
            for item in items
        ]
        outputs, receipts = partial(results_of, out_dir=out_dir), out_dir / "receipts"
        return finish_tasks(function, tasks, receipts, outputs, 1, scheduler, desc, self.shard, self.shards)


def results_of(done: dict, out_dir: Path) -> list[Path] | None:
    """The folder of the frames that a row of COLORIZED stands for."""
    return [out_dir / done["kind"] / done["item"]] if done["n_frames"] else None


def _colorize_with(method: Method, item: ItemInputs, seed: int, out_dir: Path) -> list[dict]:
    return [colorize_item(method, item, seed, out_dir)]


def _colorize_there(
    row: str, options: str, setting: Setting, decided: str, item: ItemInputs, seed: int, out_dir: Path
) -> list[dict]:
    """The same in a worker of a cluster: one item at a time, by a method that is loaded once."""
    with working:
        return _colorize_with(_loaded(row, options, setting, decided), item, seed, out_dir)


@lru_cache(maxsize=1)
def _loaded(row: str, options: str, setting: Setting, decided: str) -> Method:
    """The method of a row; `decided` says by its content what it will load: a worker outlives a training."""
    return load(row, json.loads(options), setting)


def warned(rows: Iterable[dict]) -> Iterator[dict]:
    """The rows; when they are through, a line about those that failed, with what is wrong with the first."""
    first, failed, count = None, 0, 0
    for row in rows:
        count += 1
        if row.get("reason") not in (None, "skipped"):
            first, failed = first or row, failed + 1
        yield row
    if first:
        why = " ".join(f"{first['reason']}: {first['detail']}".split())
        print(f"warning: {failed} of {count} items failed: {why}", file=sys.stderr)


def colorize_item(method: Method, item: ItemInputs, seed: int, out_dir: Path) -> dict:
    """Colour one item and write its frames; returns its row of the table COLORIZED.

    Reasons: no_reference, no_processed, method_raised, wrong_shape, not_finite, wrong_count, and of a folder of frames
    from elsewhere missing_frames and ambiguous_frames. A failed item leaves no frames. What is not the item's fault is
    raised: weights that are missing or do not fit, and MachineFault.
    """
    folder, blank = out_dir / item.kind / item.name, _blank(item.kind, item.name)
    shutil.rmtree(folder, ignore_errors=True)
    _seed(seed, item.name, method.uses_torch)
    start, count = time.perf_counter(), 0
    try:
        with whole_folder(folder) as temporary:
            for luminance, ab in colored(method, item):
                write_png(frame_path(temporary, count), with_luminance(luminance, ab))
                count += 1
    except ItemFailed as error:
        return blank | {"seconds": time.perf_counter() - start, "reason": error.reason, "detail": str(error)}
    return blank | {"n_frames": count, "seconds": time.perf_counter() - start}


def colored(method: Method, item: ItemInputs) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of a frame's L (H, W) and the method's ab (H, W, 2), checked; whatever a method raises is an ItemFailed.

    Raises as it is what is wrong with weights, and MachineFault, also where the method hides what befell its inputs.
    """
    watched = Watched()
    given = given_for(method, item, watched)
    # tee keeps only the frames by which the method runs ahead of us.
    own, theirs = itertools.tee(watched(luminance_of(item)))
    try:
        results = method.colorize(theirs, given)
        for index, (luminance, ab) in enumerate(itertools.zip_longest(own, results)):
            yield luminance, checked(luminance, ab, index, item.n_frames)
    except (MissingWeights, MisfitWeights):
        raise
    except Exception as error:
        if watched.error is None and isinstance(error, MachineFault | ItemFailed):
            raise
        if watched.error is None and of_the_machine(error):
            raise machine_fault(error, f"colouring {item.kind} {item.name}") from error
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
    from bench.run import colorize  # under its name: what is sent to a cluster must not lie in `__main__`

    tyro.cli(recorded(colorize.main, "table"))
