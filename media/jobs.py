"""Jobs: the shard of a set that each takes, and running its tasks with Dask, on threads here or on a cluster.

A shard is a range of the hashes of the items' names, so an item that is added or removed moves no other one; the number
of shards is a power of two, so that it seldom changes with that of the items.

A finished task leaves a receipt (media.receipts) and is not done again while all that it follows from is the same and
its files are as it left them; so a run that was killed goes on where it was, and a shard to which a source was added
prepares that one alone.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from media.bar import Bar
from media.faults import listed
from media.receipts import (
    Outputs,
    made_folder,
    read_receipt,
    receipt_path,
    rows_of_receipt,
    sha256_of,
    write_receipt,
)
from media.whole import remove
from media.writer import sole_writer

if TYPE_CHECKING:
    import numpy as np

# Hashes are below 2^BITS, so that a column of signed 64-bit integers holds them.
BITS = 62
# A worker of a cluster may die with its task; the task is then given to another one, this many times.
RETRIES = 3
# Seconds that a network file system may take to show what another machine has written.
PATIENCE = 90


def shards_for(count: int, size: int) -> int:
    """The least power of two that leaves at most `size` of `count` items a shard in the mean."""
    return 1 << max(0, -(-count // size) - 1).bit_length()


def place_of(name: str) -> int:
    """0 .. 2^BITS - 1, the same on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> (64 - BITS)


def shard_of(name: str, shards: int) -> int:
    """The shard, 0 .. shards-1, of the item called `name`."""
    return place_of(name) * shards >> BITS


def are_in_shard(names: Iterable[str], shard: int, shards: int) -> "np.ndarray":
    """Whether each of the names is in a shard, bool (N,). Raises ValueError for a shard that there is not."""
    import numpy as np  # the workflow, which counts shards, starts without it

    check_shard(shard, shards)
    return np.array([shard_of(name, shards) == shard for name in names], bool)


def check_shard(shard: int, shards: int) -> None:
    """Raise ValueError for a shard that there is not."""
    if shards < 1:
        raise ValueError(f"there cannot be {shards} shards; expected 1 or more")
    if not 0 <= shard < shards:
        raise ValueError(f"there is no shard {shard}; expected 0..{shards - 1}")


def hashes_of_shard(shard: int, shards: int) -> tuple[int, int]:
    """The first hash in a shard and the first one behind it. Raises ValueError for a shard that there is not."""
    check_shard(shard, shards)
    return -((-shard << BITS) // shards), -((-(shard + 1) << BITS) // shards)


@dataclass(frozen=True)
class Task:
    """One call of a shard's function: `name` is unique in the shard, `key` says when a receipt is good for it."""

    name: str
    key: str
    arguments: tuple


def task_name(kind: str, item: str) -> str:
    """What the task of an item is called, by which it belongs to a shard."""
    return f"{kind}-{item}"


def key_of(*parts) -> str:
    """SHA-256 over numbers, texts, paths, dataclasses and models, and lists of them."""
    return hashlib.sha256(json.dumps(parts, default=_plain, sort_keys=True).encode()).hexdigest()


def _plain(value):
    if is_dataclass(value):
        return asdict(value)
    return value.model_dump() if hasattr(value, "model_dump") else str(value)


def stamp(path: Path) -> list:
    """Sizes and times of a file, or of the files of a folder: they change when its content does.

    A file that is gone has none. Raises MachineFault for what else the system says.
    """
    with listed(path):
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return [[file.name, (info := file.stat()).st_size, info.st_mtime_ns] for file in files if file.exists()]


def content_of(path: Path) -> str:
    """SHA-256 over the bytes of a file, or over the names and bytes of the regular, visible files of a folder.

    Raises MachineFault for what cannot be read.
    """
    with listed(path):
        if not path.is_dir():
            return sha256_of(path)
        files = sorted(file for file in path.iterdir() if file.name[0] != "." and file.is_file())
        return key_of([[file.name, sha256_of(file)] for file in files])


def is_address(scheduler: str) -> bool:
    """Whether tasks are sent to a cluster."""
    return scheduler not in ("here", "threads")


def run_tasks(
    function: Callable[..., list[dict]],
    tasks: list[Task],
    receipts: Path,
    outputs: Outputs,
    workers: int,
    scheduler: str,
    desc: str,
) -> list[dict]:
    """The rows that `function(*task.arguments)` returns for each task, in their order, as `finish_tasks` has them."""
    return list(finish_tasks(function, tasks, receipts, outputs, workers, scheduler, desc))


def finish_tasks(
    function: Callable[..., list[dict]],
    tasks: list[Task],
    receipts: Path,
    outputs: Outputs,
    workers: int,
    scheduler: str,
    desc: str,
    shard: int = 0,
    shards: int = 1,
) -> Iterator[dict]:
    """Do the tasks that are to do; then the rows of all, one after the other, are read from their receipts.

    Errors are raised; so is media.writer.StillWriting, where another process works on the same receipts.

    Args:
        function: at module level, so that it can be sent to a cluster; may write files of its own.
        tasks: what to do.
        receipts: folder of the receipts; those of tasks that are gone are removed.
        outputs: the files and folders that a row stands for, of which the receipt proves that they are as they were;
            None for a row of a failure: its task has no receipt and is tried again.
        workers: threads, where the scheduler is `threads`.
        scheduler: `here`: one after the other in this process, for what is dear to set up or has a state, and then
            `function` may be any; `threads`; or the address of a dask.distributed scheduler, whose workers have this
            project installed and see the same files under the same paths (media.preflight asks them first).
        desc: what the log calls it.
        shard: which of several jobs this is that have their receipts in one folder; it then removes none.
        shards: how many these are.
    """
    check_shard(shard, shards)
    receipts = receipts.absolute()  # workers have working directories of their own
    made_folder(receipts)
    with sole_writer(receipts, shard, shards):
        paths = {task.name: receipt_path(receipts, task.name) for task in tasks}
        if shards == 1:
            remove_receipts(receipts, paths.values())
        missing = [task for task in tasks if read_receipt(paths[task.name], task.key, outputs) is None]
        done = len(tasks) - len(missing)
        if done:
            print(f"{desc}: {done} of {len(tasks)} were done before, {len(missing)} to do", flush=True)
        calls = [(function, task, paths[task.name], outputs) for task in missing]
        computed = (
            _in_order(calls, done, desc) if scheduler == "here" else _side_by_side(calls, workers, scheduler, desc)
        )
    failed = {task.name: rows for task, rows in zip(missing, computed, strict=True) if rows is not None}
    return (row for task in tasks for row in failed.get(task.name) or rows_of_receipt(paths[task.name]))


def remove_receipts(receipts: Path, wanted: Iterable[Path]) -> None:
    """Remove from their folder all receipts but those that are wanted, and whatever else lies there."""
    names = {path.name for path in wanted}
    for path in receipts.iterdir():
        if path.name not in names:
            remove(path)


def _in_order(calls: list[tuple], done: int, desc: str) -> list[list[dict] | None]:
    with Bar(total=done + len(calls), initial=done, desc=desc) as bar:
        computed = []
        for call in calls:
            computed.append(_with_receipt(*call))
            bar.update()
    return computed


def _side_by_side(calls: list[tuple], workers: int, scheduler: str, desc: str) -> list[list[dict] | None]:
    import dask
    from tqdm.dask import TqdmCallback

    delayed = [dask.delayed(_beside_others, pure=False, traverse=False)(*call) for call in calls]
    if scheduler == "threads":
        with TqdmCallback(desc=desc, tqdm_class=Bar):
            return list(dask.compute(*delayed, scheduler="threads", num_workers=workers))
    if not calls:
        return []
    from distributed import Client

    from media.preflight import naming_what_is_lost, preflight

    function, _, receipt, _ = calls[0]
    preflight(scheduler, function, [task.arguments for _, task, _, _ in calls], receipt.parent)
    with naming_what_is_lost(scheduler), Client(scheduler, timeout=60) as client:
        print(f"{desc}: {len(calls)} tasks on the cluster {scheduler}")
        computed = client.gather(client.compute(delayed, retries=RETRIES))
    _await([receipt for (_, _, receipt, _), rows in zip(calls, computed, strict=True) if rows is None])
    return computed


def _await(receipts: list[Path]) -> None:
    """Wait until the receipts that other machines have written are seen here: a network file system takes a while."""
    until = time.monotonic() + PATIENCE
    for receipt in receipts:
        while not receipt.exists() and time.monotonic() < until:
            time.sleep(0.5)


def _beside_others(*call) -> list[dict] | None:
    import cv2

    cv2.setNumThreads(1)  # the tasks themselves run side by side
    return _with_receipt(*call)


def _with_receipt(
    function: Callable[..., list[dict]], task: Task, receipt: Path, outputs: Outputs
) -> list[dict] | None:
    """Do a task; its rows where no receipt has them: those of a failure."""
    rows = function(*task.arguments)
    return None if write_receipt(receipt, task.key, rows, outputs) else rows
