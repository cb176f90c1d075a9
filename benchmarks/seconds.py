"""What calls take of the processors and of the clock: in this process, on threads, in processes."""

import multiprocessing
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2


class Used(NamedTuple):
    """Seconds of the processors, and by the clock."""

    cpu: float
    wall: float

    def __add__(self, other: "Used") -> "Used":
        return Used(self.cpu + other.cpu, self.wall + other.wall)


def processor_seconds() -> float:
    """Of this process and of its children that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def used(function: Callable, *arguments) -> Used:
    """What a call takes."""
    cpu, wall = processor_seconds(), time.perf_counter()
    function(*arguments)
    return Used(processor_seconds() - cpu, time.perf_counter() - wall)


def on_threads(function: Callable, items: list, workers: int) -> Used:
    """What it takes to call the function for each item."""

    def every() -> None:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(function, items))

    return used(every)


def on_processes(function: Callable, items: list, workers: int) -> Used:
    """The same in processes that have started."""
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=one_thread) as pool:
        list(pool.map(time.sleep, [1] * workers))  # each starts one
        wall = time.perf_counter()
        cpu = sum(pool.map(partial(cpu_of, function), items))
        return Used(cpu, time.perf_counter() - wall)


def cpu_of(function: Callable, item) -> float:
    """Seconds of this process that a call takes; nothing else runs in it."""
    before = time.process_time()
    function(item)
    return time.process_time() - before


def one_thread() -> None:
    """As media.jobs has it: items run side by side."""
    cv2.setNumThreads(1)


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """An empty folder, which is gone again afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder)
