"""Speed and memory of preparing clips, against plain calls of the libraries that decode them and estimate their flow.

The footage is made here: textured things that move over a moving textured ground, with fresh grain in each frame, as
H.264 of the bit rate of stock footage. Plain PyAV turns every frame of each file into an RGB array; plain OpenCV
estimates the DIS flow of adjacent kept frames, both ways, from frames that are already small, grey and in memory. The
sum of both is the ceiling for a program that prepares clips of such footage and throws them away. The second ceiling
also writes the same PNG files with plain OpenCV.

The whole of prep does this: it lists the sources, hashes each file, decodes it, looks for cuts, crops, judges colours,
takes hashes and fingerprints, writes frames and tables, gathers them, reads the frames, estimates flow both ways, finds
what is visible, writes flows and tables, and gathers those.
"""

import cProfile
import inspect
import pstats
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

# Before this folder, in which `prep` is this file.
sys.path.insert(0, str(Path(__file__).parents[1]))

import av
import cv2
import numpy as np
import tyro

from benchmarks.footage import DISTINCT, SMALL, Footage, generate
from benchmarks.prep_steps import FILTERS, StageCall, call, commands, steps
from benchmarks.seconds import Used, emptied, on_processes, on_threads, one_thread, used
from media.color import grey8, luminance_from_rgb
from media.decoding import DecodedPicture, decode, decode_pictures
from media.flow_files import write_kitti
from media.image import content_hash, cover_crop, read_frames, write_png
from media.jobs import shards_for
from prep import clips, flow
from prep.datasets.selection import Source
from prep.judging.fingerprint import fingerprint
from prep.judging.quality import color_statistics
from vision.flow_estimators import dis
from vision.occlusion import ruder_visible_both
from vision.shots import split_into_shots

SHARD = 50  # sources a shard, as in config/config.yaml


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


def prepare_clip(path: Path, work: Path, footage: Footage) -> None:
    """The clip of one file and its flow, without tables."""
    recipe = clips.ClipRecipe(footage.size, None, FILTERS, work / "frames")
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

    def steps(self, folder: Path) -> list[list[StageCall]]:
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
    "statistics": [color_statistics],
    "hash and fingerprint": [content_hash, fingerprint],
    "PNG of frames": [write_png],
    "reading frames": [read_frames],
    "grey": [luminance_from_rgb, grey8],
    "DIS": [dis],
    "masks": [ruder_visible_both],
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
