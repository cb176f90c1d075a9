"""Speed and memory of preparing clips, against plain calls of the libraries that decode them and estimate their flow.

The footage is made here: textured things that move over a moving textured ground, with fresh grain in each frame, as
H.264 of the bit rate of stock footage. Plain PyAV turns every frame of each file into an RGB array; plain OpenCV
estimates the DIS flow of adjacent kept frames, both ways, from frames that are already small, grey and in memory. The
sum of both is the ceiling for a program that prepares clips of such footage and throws them away. The second ceiling
also writes the same PNG files with plain OpenCV.

The whole of prep does this: it lists the sources, hashes each file, decodes it, looks for cuts, crops, judges colours,
takes hashes and fingerprints, writes frames and tables, gathers them, reads the frames, estimates flow both ways, finds
what is reliable, writes flows and tables, and gathers those.
"""

import cProfile
import inspect
import json
import multiprocessing
import os
import pstats
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

# Before this folder, in which `prep` is this file.
sys.path.insert(0, str(Path(__file__).parents[1]))

import av
import cv2
import numpy as np
import tyro

from media.color import grey8, luminance_from_rgb
from media.decoding import DecodedPicture, decode, decode_pictures
from media.flow_files import write_kitti
from media.image import content_hash, cover_crop, read_frames, write_png
from media.tables import folder_of
from prep import clips, flow, gather, sources
from prep.datasets.selection import Source
from prep.jobs import shards_for
from prep.judging.fingerprint import fingerprint
from prep.judging.quality import Filters, statistics
from vision.flow_estimators import dis
from vision.occlusion import ruder_masks
from vision.shots import split_into_shots

ROOT = Path(__file__).parents[1]
SIZE, LENGTH = (216, 384), 25  # of a prepared clip: height and width, frames
DISTINCT = 4  # files that are encoded; the others are the same under other names
FILTERS = Filters(min_mean_l=15, min_mean_chroma=6, min_chroma_spread=0.5, min_side=96, duplicates="off")
SHARD = 50  # sources a shard, as in config/config.yaml
# x264's macroblock tree is off: it reads memory that it did not write, so that files would differ from run to run.
ENCODER = {"crf": "22", "preset": "veryfast", "x264-params": "no-mbtree=1"}
# Runs a command like `python -m` and says how much memory it took at most: ru_maxrss begins with that of the parent.
WITH_PEAK = """
import runpy, sys
sys.argv = sys.argv[1:]
sys.path.insert(0, "")
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


@dataclass(frozen=True)
class Footage:
    """What the generated files are like, and what is made of each."""

    height: int
    width: int
    frames: int
    size: tuple[int, int] = SIZE
    length: int = LENGTH

    def __str__(self) -> str:
        made = f"{self.length} of them prepared at {self.size[1]}x{self.size[0]}"
        return f"{self.frames} frames of {self.width}x{self.height}, {made}"


# For the cost of many clips: so small that what a clip costs beside its pixels shows.
SMALL = Footage(180, 320, 12, (108, 192), 10)


def texture(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Coloured noise at all scales around a random colour, float32 (H, W, 3)."""
    picture = np.full((height, width, 3), rng.uniform(70, 180, 3), np.float32)
    for step, contrast in ((256, 60), (64, 35), (16, 20), (4, 14), (2, 8)):
        noise = rng.normal(size=(height // step + 2, width // step + 2, 3)).astype(np.float32)
        noise += noise.mean(axis=2, keepdims=True)  # more light and dark than colour
        picture += contrast / 2 * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return picture


def scene(seed: int, footage: Footage) -> Iterator[np.ndarray]:
    """The frames of one shot, uint8 RGB (H, W, 3)."""
    rng = np.random.default_rng(seed)
    height, width = footage.height, footage.width
    ground = texture(rng, height + 200, width + 400)
    things = [texture(rng, side, side) for side in rng.integers(height // 6, height // 3, 4)]
    starts, speeds = rng.uniform(0, height, (4, 2)), rng.uniform(-4, 4, (4, 2))
    grain = rng.normal(scale=6, size=(height + 64, width + 64, 1)).astype(np.float32)
    for time_ in range(footage.frames):
        right, down = 200 * (1 - np.cos(time_ / 60)), 100 * (1 + np.sin(time_ / 40))
        frame = cv2.warpAffine(ground, np.float32([[1, 0, -right], [0, 1, -down]]), (width, height))
        for thing, start, speed in zip(things, starts, speeds, strict=True):
            side = len(thing)
            top, left = np.round(start + time_ * speed).astype(int) % (height - side, width - side)
            frame[top : top + side, left : left + side] = thing
        top, left = rng.integers(0, 64, 2)
        yield (frame + grain[top : top + height, left : left + width]).clip(0, 255).astype(np.uint8)


def encode(path: Path, frames: Iterable[np.ndarray]) -> None:
    """Write them as H.264 at 25 frames a second."""
    frames = iter(frames)
    first = next(frames)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25, options=ENCODER, pix_fmt="yuv420p")
        stream.height, stream.width = first.shape[:2]
        for frame in chain([first], frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def generate(folder: Path, count: int, footage: Footage) -> list[Path]:
    """So many files; those that are there from an earlier run stay."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"clip{index:05d}.mp4" for index in range(count)]
    for index, path in enumerate(paths):
        if path.exists():
            continue
        if index < DISTINCT:
            encode(path, scene(index, footage))
        else:
            os.link(paths[index % DISTINCT], path)
    return paths


def plain_frames(path: Path) -> Iterator[np.ndarray]:
    """Every frame as uint8 RGB (H, W, 3), by PyAV alone."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def plain_flows(greys: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Flow of adjacent frames (H, W), forward and backward, by OpenCV alone."""
    engine = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for first, second in pairwise(greys):
        yield engine.calc(first, second, None), engine.calc(second, first, None)


class Material(NamedTuple):
    """What the plain calls are given of one file, so that they need not make it."""

    frames: list[np.ndarray]  # as prepared, uint8 RGB
    greys: list[np.ndarray]  # as an estimator sees them, uint8 (H, W)
    flows: list[np.ndarray]  # as they are stored, uint16 (H, W, 3)


def material(path: Path, footage: Footage) -> Material:
    """That of one file."""
    frames = [cover_crop(frame, footage.size) for frame in islice(decode(path), footage.length)]
    greys = [grey8(luminance_from_rgb(frame)) for frame in frames]
    stored = [
        np.dstack([np.ones(field.shape[:2]), field[..., ::-1] * 64 + 2**15]) for field in sum(plain_flows(greys), ())
    ]
    return Material(frames, greys, [field.clip(0, 65535).astype(np.uint16) for field in stored])


def plain_write(numbered: tuple[int, Material], folder: Path) -> None:
    """The PNG files of one clip."""
    index, given = numbered
    (folder / str(index)).mkdir(parents=True)
    for number, frame in enumerate(given.frames):
        cv2.imwrite(str(folder / f"{index}/frame{number}.png"), frame[..., ::-1])
    for number, field in enumerate(given.flows):
        cv2.imwrite(str(folder / f"{index}/flow{number}.png"), field)


def consume(iterable: Iterable) -> None:
    """Ask for everything, keep nothing."""
    for _ in iterable:
        pass


def shots_and_crops(path: Path, footage: Footage) -> None:
    """What prep.clips does with a file until its frames are judged."""
    taker = clips.Taken(1, footage.length, footage.size)
    for index, (_, frame) in enumerate(split_into_shots(decode_pictures(path))):
        taker.offer(index, frame)


@dataclass(frozen=True)
class Step:
    """One call of a stage: as a function with these options, or as a command."""

    command: tuple[str, ...]
    function: Callable[..., None]
    options: dict

    def arguments(self) -> list[str]:
        """Those of `python -m`."""
        given = [*self.command]
        for name, value in self.options.items():
            values = value if isinstance(value, list | tuple) else [value]
            given += [f"--{name.replace('_', '-')}", *map(str, values)]
        return given


def steps(films: Path, work: Path, footage: Footage, shards: int, workers: int) -> list[list[Step]]:
    """The whole of prep as the workflow runs it; the steps of one list may run side by side.

    workers: of a shard.
    """
    registry = work / "datasets.tsv"
    registry.write_text(f"name\tkind\troot\nfilms\tvideos\t{films.resolve()}\n")
    listed, made, flows = work / "sources.parquet", work / "clips/test.parquet", work / "flow/dis/test.parquet"
    of_clips, of_flows = (
        [work / f"shards/{stage}/{shard}.parquet" for shard in range(shards)] for stage in ("clips", "flow")
    )
    selections = json.dumps([{"dataset": "films", "files": "*"}])
    selection = {"datasets": registry, "selections": selections, "kind": "clips", "length": footage.length}
    recipe = {"size": footage.size, "filters": FILTERS.model_dump_json(), "frames": folder_of(made)}
    estimate = {"estimator": "dis", "weights": work, "flows": folder_of(flows)}
    sharded = {"shards": shards, "workers": workers}
    return [
        [Step(("prep.sources",), sources.main, selection | {"table": listed})],
        [
            Step(("prep.clips",), clips.main, {"sources": listed, "shard": shard, "table": table} | recipe | sharded)
            for shard, table in enumerate(of_clips)
        ],
        [
            Step(
                ("prep.gather", "items"),
                gather.items,
                {"sources": listed, "shards": of_clips, "claimed": [], "duplicates": "off", "table": made},
            )
        ],
        [
            Step(("prep.flow",), flow.main, {"clips": made, "shard": shard, "table": table} | estimate | sharded)
            for shard, table in enumerate(of_flows)
        ],
        [Step(("prep.gather", "flow"), gather.flow, {"clips": made, "shards": of_flows, "table": flows})],
    ]


def call(stages: list[list[Step]]) -> None:
    """All steps as functions, in this process, without what they print."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        for step in (step for stage in stages for step in stage):
            step.function(**step.options)


def command(step: Step) -> int:
    """The step as a command; returns the most memory that it had, bytes. Raises CalledProcessError."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    started = [sys.executable, "-c", WITH_PEAK, *step.arguments()]
    done = subprocess.run(started, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(step.arguments())} fails:\n{done.stderr}")
    return int(done.stdout.split()[-1]) * 1024


def commands(stages: list[list[Step]], side_by_side: int) -> dict[str, int]:
    """All steps as commands; returns the most memory that one of each stage had, bytes."""
    peaks: dict[str, int] = {}
    with ThreadPoolExecutor(side_by_side) as pool:
        for stage in stages:
            name = stage[0].command[0]
            peaks[name] = max(peaks.get(name, 0), *pool.map(command, stage))
    return peaks


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
            consume(pool.map(function, items))

    return used(every)


def on_processes(function: Callable, items: list, workers: int) -> Used:
    """The same in processes that have started."""
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=one_thread) as pool:
        consume(pool.map(time.sleep, [1] * workers))  # each starts one
        wall = time.perf_counter()
        cpu = sum(pool.map(partial(cpu_of, function), items))
        return Used(cpu, time.perf_counter() - wall)


def cpu_of(function: Callable, item) -> float:
    """Seconds of this process that a call takes; nothing else runs in it."""
    before = time.process_time()
    function(item)
    return time.process_time() - before


def one_thread() -> None:
    """As prep.jobs has it: items run side by side."""
    cv2.setNumThreads(1)


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """An empty folder, which is gone again afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder)


def prepare_clip(path: Path, work: Path, footage: Footage) -> None:
    """The clip of one file and its flow, without tables."""
    recipe = clips.Recipe(footage.size, None, FILTERS, work / "frames")
    source = Source("films", "videos", path, path.name, None)
    for row in clips.prepare_source(source, path.stem, {1: footage.length}, recipe):
        flow.estimate_clip(row["clip"], row["n_frames"], work / "frames", "dis", work, work / "flow")


def flow_clip(path: Path, given: Path, work: Path, footage: Footage) -> None:
    """The flow of a clip that `prepare_clip` has made in `given`."""
    flow.estimate_clip(f"{path.stem}_shot0_stride1", footage.length, given / "frames", "dis", work, work)


class Variants:
    """What is measured: each a method that takes nothing and says what all clips took."""

    def __init__(self, paths: list[Path], work: Path, footage: Footage, workers: int):
        self.paths, self.work, self.footage, self.workers = paths, work, footage, workers
        distinct = [material(path, footage) for path in paths[:DISTINCT]]
        self.materials = [distinct[index % DISTINCT] for index in range(len(paths))]
        self.given, self.peaks = work / "given", {}
        on_threads(partial(prepare_clip, work=self.given, footage=footage), paths, workers)

    def plain_decode(self) -> Used:
        return on_threads(lambda path: consume(plain_frames(path)), self.paths, self.workers)

    def plain_flow(self) -> Used:
        return on_threads(lambda given: consume(plain_flows(given.greys)), self.materials, self.workers)

    def plain_png(self) -> Used:
        with emptied(self.work / "plain") as folder:
            return on_threads(partial(plain_write, folder=folder), list(enumerate(self.materials)), self.workers)

    def decoding(self) -> Used:
        return on_threads(lambda path: consume(decode(path)), self.paths, self.workers)

    def shots(self) -> Used:
        return on_threads(partial(shots_and_crops, footage=self.footage), self.paths, self.workers)

    def flow(self) -> Used:
        with emptied(self.work / "flow") as folder:
            one = partial(flow_clip, given=self.given, work=folder, footage=self.footage)
            return on_threads(one, self.paths, self.workers)

    def whole(self) -> Used:
        with emptied(self.work / "whole") as folder:
            return used(call, self.steps(folder))

    def commands(self) -> Used:
        with emptied(self.work / "commands") as folder:
            return used(lambda: self.peaks.update(commands(self.steps(folder), 1)))

    def threads(self) -> Used:
        with emptied(self.work / "threads") as folder:
            return on_threads(partial(prepare_clip, work=folder, footage=self.footage), self.paths, self.workers)

    def processes(self) -> Used:
        with emptied(self.work / "processes") as folder:
            return on_processes(partial(prepare_clip, work=folder, footage=self.footage), self.paths, self.workers)

    def steps(self, folder: Path) -> list[list[Step]]:
        return steps(self.paths[0].parent, folder, self.footage, 1, self.workers)


# Variant -> what it is called, and what is counted of each clip: frames, or pairs in both directions.
DECODES = {"plain_decode": "plain PyAV", "decoding": "this code", "shots": "this code, with shots and crops"}
FLOWS = {"plain_flow": "plain OpenCV", "flow": "this code, with masks and files"}
WHOLES = {
    "whole": "five functions, 1 process",
    "commands": "five commands, started anew",
    "threads": "clips and flow alone, on threads",
    "processes": "clips and flow alone, on processes",
}
ORDER = [*DECODES, *FLOWS, "plain_png", *WHOLES]


def interleaved(variants: Variants, repetitions: int) -> dict[str, Used]:
    """The least that each took, in turns: what else runs on the machine only adds."""
    taken: dict[str, list[Used]] = {name: [] for name in ORDER}
    for _ in range(repetitions):
        for name in ORDER:
            taken[name].append(getattr(variants, name)())
    return {name: Used(*map(min, zip(*several, strict=True))) for name, several in taken.items()}


def report(seconds: dict[str, Used], count: int, footage: Footage) -> None:
    """Print all of it."""
    report_rates("decode", "frames", seconds, DECODES, count * footage.frames)
    report_rates("flow", "pairs", seconds, FLOWS, count * (footage.length - 1))
    ceiling = seconds["plain_decode"] + seconds["plain_flow"]
    written = ceiling + seconds["plain_png"]
    print(f"\n{'whole of prep':<36} CPU s  wall s | of plain: CPU   wall | with PNG: CPU   wall")
    print(f"  {'plain decode + plain flow':<32} {ceiling.cpu:7.2f} {ceiling.wall:7.2f} |")
    print(f"  {'the same + plain cv2.imwrite':<32} {written.cpu:7.2f} {written.wall:7.2f} |")
    for name, title in WHOLES.items():
        own = seconds[name]
        first, second = (
            "{:>13.0%} {:>6.0%}".format(*(most / own_ for most, own_ in zip(one, own, strict=True)))
            for one in (ceiling, written)
        )
        print(f"  {title:<32} {own.cpu:7.2f} {own.wall:7.2f} |{first} |{second}")


def report_rates(what: str, unit: str, seconds: dict[str, Used], names: dict[str, str], total: int) -> None:
    """Print how many of something each did in a second, and as a share of the first."""
    print(f"\n{what:<36} CPU s  wall s | {unit}/CPU s  {unit}/s | of plain: CPU   wall")
    plain = seconds[next(iter(names))]
    for name, title in names.items():
        own = seconds[name]
        rates = f"{total / own.cpu:>{len(unit) + 6}.0f} {total / own.wall:>{len(unit) + 3}.0f}"
        shares = f"{plain.cpu / own.cpu:>13.0%} {plain.wall / own.wall:>6.0%}"
        print(f"  {title:<32} {own.cpu:7.2f} {own.wall:7.2f} | {rates} |{shares}")


# Part -> the functions whose time it is. What remains of `prepare_source` and `estimate_clip` is the rest.
PARTS: dict[str, list[Callable]] = {
    "hash of the file": [Source.sha256.fget],
    "decode": [decode_pictures],
    "RGB of kept frames": [DecodedPicture.rgb.fget],
    "crop": [cover_crop],
    "statistics": [statistics],
    "hash and fingerprint": [content_hash, fingerprint],
    "PNG of frames": [write_png],
    "reading frames": [read_frames],
    "grey": [luminance_from_rgb, grey8],
    "DIS": [dis],
    "masks": [ruder_masks],
    "KITTI PNG": [write_kitti],
}


def breakdown(path: Path, work: Path, footage: Footage) -> dict[str, float]:
    """CPU seconds of each part of one clip, by the profiler, which slows small functions down."""
    profiler = cProfile.Profile(time.process_time)
    with emptied(work / "profiled") as folder:
        profiler.runcall(prepare_clip, path, folder, footage)
    entries = pstats.Stats(profiler).stats

    def within(function: Callable) -> float:
        code = inspect.unwrap(function).__code__
        return entries[code.co_filename, code.co_firstlineno, code.co_name][3]

    parts = {name: sum(map(within, functions)) for name, functions in PARTS.items()}
    parts["shots"] = within(split_into_shots) - within(clips.read_source)
    parts["the rest"] = within(prepare_clip) - sum(parts.values())
    return parts


def report_breakdown(path: Path, work: Path, footage: Footage) -> None:
    """Print where the time of one clip goes, the largest part first."""
    parts = breakdown(path, work, footage)
    total = sum(parts.values())
    print(f"\none clip: {total:.2f} CPU s")
    for name, seconds in sorted(parts.items(), key=lambda part: -part[1]):
        print(f"  {name:<22} {seconds * 1000:7.0f} ms {seconds / total:5.0%}")


def report_scaling(counts: tuple[int, ...], folder: Path, work: Path, workers: int) -> None:
    """Print what few clips and many cost, each clip beyond the fewest, and the most memory that a process had."""
    print(f"\nmany clips, as commands: {SMALL}")
    print("  clips  shards |  CPU s  wall s | ms for each further clip: CPU   wall | peak MiB of a process")
    fewest = None
    for count in sorted(counts):
        films = generate(folder / str(count), count, SMALL)[0].parent
        for shards in sorted({1, shards_for(count, SHARD)}):
            with emptied(work / "many") as made:
                cost, peaks = many(films, made, shards, workers)
            fewest = fewest or (count, cost)
            further = (
                1000 * (now - then) / max(1, count - fewest[0]) for now, then in zip(cost, fewest[1], strict=True)
            )
            each = "{:>31.0f} {:>6.0f}".format(*further) if count > fewest[0] else f"{'':>38}"
            print(f"{count:7} {shards:7} | {cost.cpu:6.1f} {cost.wall:7.1f} |{each} | {listed(peaks)}")


def many(films: Path, work: Path, shards: int, workers: int) -> tuple[Used, dict[str, int]]:
    """What the whole of prep takes, and bytes. Shards run side by side on a thread each, a single one on all."""
    threads, side_by_side = (workers, 1) if shards == 1 else (1, workers)
    stages, peaks = steps(films, work, SMALL, shards, threads), {}
    return used(lambda: peaks.update(commands(stages, side_by_side))), peaks


def listed(peaks: dict[str, int]) -> str:
    """The memory of each stage, MiB."""
    return ", ".join(f"{name.removeprefix('prep.')} {peak / 2**20:.0f}" for name, peak in peaks.items())


def main(
    *,
    clips: int = 8,
    size: str = "1280x720",
    frames: int = 250,
    workers: int = 2,
    repetitions: int = 3,
    scaling: tuple[int, ...] = (),
    folder: Path | None = None,
) -> None:
    """Compare the speed of prep with plain calls of PyAV and OpenCV.

    Args:
        clips: files that are prepared.
        size: their width x height.
        frames: of each file.
        workers: clips that are prepared at the same time: as many as there are cores.
        repetitions: times that each is measured, in turns; the least counts.
        scaling: also the cost of so many small clips each, for example 8 80 800.
        folder: where the generated files stay for the next run; None: they are removed.
    """
    one_thread()
    width, height = map(int, size.split("x"))
    footage = Footage(height, width, frames)
    with TemporaryDirectory() as temporary:
        films, work = folder or Path(temporary) / "films", Path(temporary) / "work"
        paths = generate(films / f"{size}_{frames}_{clips}", clips, footage)
        rate = paths[0].stat().st_size * 8 * 25 / frames / 1e6
        print(f"{clips} clips, {footage}; {rate:.1f} Mbit/s")
        print(f"{workers} workers; the least of {repetitions} times, in turns")
        variants = Variants(paths, work, footage, workers)
        report(interleaved(variants, repetitions), clips, footage)
        print(f"  the most memory of a command, MiB: {listed(variants.peaks)}")
        report_breakdown(paths[0], work, footage)
        if scaling:
            report_scaling(scaling, films / "small", work, workers)


if __name__ == "__main__":
    tyro.cli(main)
