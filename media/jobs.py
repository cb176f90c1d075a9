"""Jobs: the shard of a set that each takes, and running its tasks with Dask, on threads here or on a cluster.

A shard is a range of the hashes of the items' names, so an item that is added or removed moves no other one; the number
of shards is a power of two, so that it seldom changes with that of the items.

A finished task leaves a receipt, `<receipts>/<task>.json`, with its rows and a key over all that they follow from. A
task with a receipt of the same key, whose files are still there, is not done again; so a run that was killed goes on
where it was, and a shard to which a source was added prepares that one alone.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path

from media.bar import Bar
from media.whole import written_whole

# Hashes are below 2^BITS, so that a column of signed 64-bit integers holds them.
BITS = 62
# A worker of a cluster may die with its task; the task is then given to another one, this many times.
RETRIES = 3


def shards_for(count: int, size: int) -> int:
    """The least power of two that leaves at most `size` of `count` items a shard in the mean."""
    return 1 << max(0, -(-count // size) - 1).bit_length()


def place_of(name: str) -> int:
    """0 .. 2^BITS - 1, the same on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> (64 - BITS)


def shard_of(name: str, shards: int) -> int:
    """The shard, 0 .. shards-1, of the item called `name`."""
    return place_of(name) * shards >> BITS


def hashes_of_shard(shard: int, shards: int) -> tuple[int, int]:
    """The first hash in a shard and the first one behind it. Raises ValueError for a shard that there is not."""
    if not 0 <= shard < shards:
        raise ValueError(f"there is no shard {shard}; expected 0..{shards - 1}")
    return -((-shard << BITS) // shards), -((-(shard + 1) << BITS) // shards)


@dataclass(frozen=True)
class Task:
    """One call of a shard's function: `name` is unique in the shard, `key` says when a receipt is good for it."""

    name: str
    key: str
    arguments: tuple


def key_of(*parts) -> str:
    """SHA-256 over numbers, texts, paths, dataclasses and models, and lists of them."""
    return hashlib.sha256(json.dumps(parts, default=_plain, sort_keys=True).encode()).hexdigest()


def _plain(value):
    if is_dataclass(value):
        return asdict(value)
    return value.model_dump() if hasattr(value, "model_dump") else str(value)


def stamp(path: Path) -> list:
    """Sizes and times of a file, or of the files of a folder: they change when its content does."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [[file.name, (info := file.stat()).st_size, info.st_mtime_ns] for file in files if file.exists()]


def run_tasks(
    function: Callable[..., list[dict]],
    tasks: list[Task],
    receipts: Path,
    intact: Callable[[dict], bool],
    workers: int,
    scheduler: str,
    desc: str,
) -> list[dict]:
    """The rows that `function(*task.arguments)` returns for each task, in their order. Errors are raised.

    Args:
        function: at module level, so that it can be sent to a cluster; may write files of its own.
        tasks: what to do.
        receipts: folder of the receipts; those of tasks that are gone are removed.
        intact: whether the files of a row of a receipt are still there.
        workers: threads, where the scheduler is `threads`.
        scheduler: `threads`, or the address of a dask.distributed scheduler, whose workers have this project installed
            and see the same files under the same paths.
        desc: what the log calls it.
    """
    receipts.mkdir(parents=True, exist_ok=True)
    rows = {task.name: done for task in tasks if (done := _receipt(receipts, task, intact)) is not None}
    wanted = {_receipt_path(receipts, task.name).name for task in tasks}
    for path in receipts.iterdir():
        if path.name not in wanted:
            path.unlink()
    missing = [task for task in tasks if task.name not in rows]
    if rows:
        print(f"{desc}: {len(rows)} of {len(tasks)} were done before, {len(missing)} to do")
    computed = _computed(function, missing, receipts, workers, scheduler, desc)
    rows |= {task.name: done for task, done in zip(missing, computed, strict=True)}
    return [row for task in tasks for row in rows[task.name]]


def _computed(function, tasks: list[Task], receipts: Path, workers: int, scheduler: str, desc: str) -> list[list[dict]]:
    import dask
    from tqdm.dask import TqdmCallback

    calls = [dask.delayed(_with_receipt, pure=False, traverse=False)(function, task, receipts) for task in tasks]
    if scheduler == "threads":
        with TqdmCallback(desc=desc, tqdm_class=Bar):
            return list(dask.compute(*calls, scheduler="threads", num_workers=workers))
    from distributed import Client

    with Client(scheduler, timeout=60) as client:
        print(f"{desc}: {len(tasks)} tasks on the cluster {scheduler}")
        return client.gather(client.compute(calls, retries=RETRIES))


def _with_receipt(function: Callable[..., list[dict]], task: Task, receipts: Path) -> list[dict]:
    import cv2

    cv2.setNumThreads(1)  # the tasks themselves run side by side
    rows = function(*task.arguments)
    with written_whole(_receipt_path(receipts, task.name)) as temporary:
        temporary.write_text(json.dumps({"key": task.key, "rows": rows}, ensure_ascii=False), encoding="utf-8")
    return rows


def _receipt_path(receipts: Path, name: str) -> Path:
    return receipts / f"{name}.json"


def _receipt(receipts: Path, task: Task, intact: Callable[[dict], bool]) -> list[dict] | None:
    """The rows of a finished task, or None."""
    try:
        receipt = json.loads(_receipt_path(receipts, task.name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return receipt["rows"] if receipt["key"] == task.key and all(map(intact, receipt["rows"])) else None
