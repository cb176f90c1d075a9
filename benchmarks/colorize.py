"""Seconds a frame and peak memory of the colouring networks, against a plain implementation of the same maths.

Both have the published program's networks with the same random weights, match by the largest cosine (temperature 1e-10,
as that program colours) and see the backbone's features of the reference once a clip. `Plain` does the rest as that
program does: for every frame the reference's branch of the correspondence subnet, VGG19 to its last pooling, the whole
correlation matrix M, M / T and softmax(M / T). This code runs through `Colorizer`.

At 216x384 that program multiplies 202 G times a frame. Of these 26 G belong to the reference, whose features do not
change within a clip, and 1.5 G to what VGG19 computes for nobody; the decoder's enlargements (`Enlarge`) save 13.6 G.
The counts in the output are taken from the shapes while it runs.
"""

import copy
import itertools
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Protocol

# Before this folder, in which `colorize` is this file.
sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
import numpy as np
import torch
import tyro
from torch.utils.flop_counter import FlopCounterMode

from bench.parity.release.named_networks import HE_GAIN, filled_as_published
from benchmarks.plain_networks import DEVICE, MID_GREY, Plain, tensor
from colorize.checkpoint import RELEASE_TEMPERATURE
from colorize.inference.colorizer import Colorizer
from colorize.model import ExemplarModel, Last
from media.color import rgb_tensor_from_lab
from vision.backbones import VGG19

LARGE, LARGE_LIMIT = (540, 960), 4 * 2**30  # how the networks see 1080x1920; bytes
TRAINING_TEMPERATURE = 0.01  # Eq. 4
TOLERANCE = 1e-10  # of equal outputs in double precision, as a share of the largest value that each can have


class Coloring(Protocol):
    """What is measured: both implementations colour a clip like `Colorizer`."""

    def colorize(
        self, frames: Iterator[np.ndarray], reference_lab: np.ndarray, last_lab: np.ndarray | None = None
    ) -> Iterator[np.ndarray]: ...


@dataclass
class Scene:
    """What both are given."""

    frames: list[np.ndarray]  # (H, W), L
    reference: np.ndarray  # (H, W, 3), Lab

    @property
    def last(self) -> np.ndarray:
        """Some colours for the frame before the first."""
        return np.concatenate([self.frames[1][..., None], self.reference[::-1, :, 1:]], axis=-1)


def scene(size: tuple[int, int]) -> Scene:
    """Smooth random pictures."""
    rng = np.random.default_rng(0)

    def picture(channels: int) -> np.ndarray:
        noise = rng.normal(scale=15, size=(size[0] // 8, size[1] // 8, channels)).astype(np.float32)
        full = cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC)
        return full.reshape(*size, channels).clip(-45, 45)

    return Scene([picture(1)[..., 0] + 50 for _ in range(2)], picture(3) + MID_GREY)


@cache
def networks() -> ExemplarModel:
    """The published networks with weights that are the same every time; not the recipe's, which others may hold."""
    model = ExemplarModel(filled_as_published(VGG19(), HE_GAIN).to(DEVICE), protocol="release")
    for network in (model.correspondence, model.colorization):
        filled_as_published(network)
    return model.eval().to(DEVICE)


def release_model(temperature: float = RELEASE_TEMPERATURE) -> ExemplarModel:
    """Those, matching at a temperature."""
    model = networks()
    model.temperature = temperature
    return model


# Plain first: what it takes of a model is not to change when Colorizer sorts the weights as it likes them.
COLORINGS: dict[str, Callable[[ExemplarModel], Coloring]] = {
    "plain": Plain,
    "this code": lambda model: Colorizer(model, device=DEVICE),
}


def difference_in_words(size: tuple[int, int], temperature: float) -> str:
    """The largest differences in words. Raises AssertionError where they are more than rounding.

    In double precision, part by part, each on the same inputs. In single precision the processor decides which of two
    positions of the reference is the best where they differ by less than rounding, and random weights enlarge that.
    """
    model, given = copy.deepcopy(release_model(temperature)).double(), scene(size)
    model.backbone.double()  # not one of its modules
    plain, model = Plain(model), Colorizer(model, device=DEVICE).model
    images = (given.frames[0][..., None], given.reference, given.last)
    luminance, lab, last = (tensor(image).double() for image in images)
    with torch.inference_mode():
        aligned = model.align(model.features(luminance), model.encode_reference(lab))
        warped, confidence = plain.matched(luminance, lab, plain.levels(rgb_tensor_from_lab(lab)))
        ours = model.color(luminance, aligned, Last(last))
        colors = plain.color(luminance, aligned.warped, aligned.confidence, last)
        whole = plain.color(luminance, warped, confidence, last)
    differences = {
        "W / 100": (aligned.warped - warped) / 100,
        "S": aligned.confidence - confidence,
        "ab / 128": (ours - colors) / 128,
    }
    largest = {name: float(difference.abs().max()) for name, difference in differences.items()}
    assert max(largest.values()) <= TOLERANCE, largest
    listed = ", ".join(f"{name} {value:.1e}" for name, value in largest.items())
    frame = f"ab of the whole frame {float((ours - whole).abs().max()):.2g} Lab units"
    return f"T {temperature:g}, float64: differ by {listed}; {frame}"


def timed(clip: Iterator[np.ndarray]) -> tuple[float, float]:
    """CPU and wall seconds of the next frame, which ends on the CPU: a GPU is done by then."""
    cpu, wall = time.process_time(), time.perf_counter()
    next(clip)
    return time.process_time() - cpu, time.perf_counter() - wall


def interleaved(clips: dict[str, Iterator[np.ndarray]], repetitions: int) -> dict[str, tuple[float, float]]:
    """Median CPU and wall seconds a frame of each, taken in turns."""
    taken = {name: [] for name in clips}
    for _ in range(repetitions):
        for name, clip in clips.items():
            taken[name].append(timed(clip))
    return {name: tuple(map(median, zip(*pairs, strict=True))) for name, pairs in taken.items()}


def started(coloring: Coloring, given: Scene) -> tuple[Iterator[np.ndarray], float]:
    """A clip without end behind its first two frames, and the multiplications (G) of the second."""
    clip = coloring.colorize(itertools.cycle(given.frames), given.reference)
    next(clip)
    with FlopCounterMode(display=False) as counter:
        next(clip)
    return clip, counter.get_total_flops() / 2e9


def peak(name: str, size: tuple[int, int], threads: int, limit: int | None = None) -> tuple[int, int]:
    """Bytes that two frames take beyond the loaded networks, and in all; `limit`: of the data that there may be."""
    if limit:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    torch.set_num_threads(threads)
    coloring, given = COLORINGS[name](release_model()), scene(size)
    before = memory()
    clip = coloring.colorize(iter(given.frames), given.reference)
    for _ in given.frames:
        next(clip)
    return highest_memory() - before, highest_memory()


def memory() -> int:
    """Bytes in use now: of the GPU where there is one, otherwise resident."""
    return torch.cuda.memory_allocated() if DEVICE == "cuda" else resident("VmRSS")


def highest_memory() -> int:
    """The most bytes that were in use at a time, while loading too."""
    return torch.cuda.max_memory_allocated() if DEVICE == "cuda" else resident("VmHWM")


def resident(kind: str) -> int:
    """Bytes; `VmHWM` is the highest so far, of this program alone: ru_maxrss begins with that of the parent."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[kind].split()[0]) * 1024


def in_own_process(function: Callable, *arguments):
    """Its result from a fresh interpreter."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def report(size: tuple[int, int], repetitions: int, peaks: dict[str, int]) -> None:
    """Print times, memory and multiplications of both."""
    model, given = release_model(), scene(size)
    begun = {name: started(make(model), given) for name, make in COLORINGS.items()}
    seconds = interleaved({name: clip for name, (clip, _) in begun.items()}, repetitions)
    rows = {name: (*seconds[name], peaks[name] / 2**20, begun[name][1]) for name in COLORINGS}
    print(f"\n{size[0]}x{size[1]:<11} CPU s/frame  wall s/frame  peak MiB  GMAC/frame")
    for name, (cpu, wall, memory, macs) in rows.items():
        print(f"  {name:<13} {cpu:11.2f} {wall:13.2f} {memory:9.0f} {macs:11.1f}")
    ratios = [theirs / ours for theirs, ours in zip(rows["plain"], rows["this code"], strict=True)]
    print(
        "  {:<13} {:10.2f}x {:12.2f}x {:8.1f}x {:10.2f}x".format("ratio", *ratios), "= the ceiling by arithmetic alone"
    )


def report_faster(size: tuple[int, int], repetitions: int) -> None:
    """Print what gives other numbers, each against this code as it is."""
    given = scene(size)
    for name, (colorizer, context) in FASTER.items():
        try:
            print(f"  {name}: {against_float32(colorizer(), context, given, repetitions)}")
        except RuntimeError as error:
            print(f"  {name}: does not work here: {str(error).splitlines()[0]}")


def against_float32(
    colorizer: Colorizer, context: Callable[[], AbstractContextManager], given: Scene, repetitions: int
) -> str:
    """Ratio of CPU and wall seconds, and the error of a first frame's ab."""
    clips = [
        one.colorize(itertools.cycle(given.frames), given.reference)
        for one in (COLORINGS["this code"](release_model()), colorizer)
    ]
    clips[1] = within(context, clips[1])
    error = np.abs(next(clips[1]) - next(clips[0]))
    (cpu, wall), (its_cpu, its_wall) = interleaved(dict(enumerate(clips)), repetitions).values()
    ratios = f"CPU {cpu / its_cpu:.2f}x, wall {wall / its_wall:.2f}x"
    return f"{ratios}; ab is {error.mean():.2g} off on average, {error.max():.2g} at most"


def within(context: Callable[[], AbstractContextManager], clip: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Each frame computed inside a context, which is left between two."""
    while True:
        with context():
            ab = next(clip)
        yield ab


def compiled() -> Colorizer:
    """This code with its three networks compiled; the loop over blocks of M would take minutes."""
    model = copy.deepcopy(release_model())
    model.backbone.levels = torch.compile(model.backbone.levels)
    model.correspondence.fused = torch.compile(model.correspondence.fused)
    model.colorization.compile()
    return Colorizer(model, device=DEVICE)


FASTER: dict[str, tuple[Callable[[], Colorizer], Callable[[], AbstractContextManager]]] = {
    "torch.compile": (compiled, nullcontext),
    "bfloat16 autocast": (
        lambda: Colorizer(release_model(), device=DEVICE),
        lambda: torch.autocast(DEVICE, torch.bfloat16),
    ),
}


def report_large(threads: int) -> None:
    """Print whether a large picture fits."""
    limit = LARGE_LIMIT if DEVICE == "cpu" else None
    padded = LARGE[0] + -LARGE[0] % 8, LARGE[1]
    needed = 3 * 4 * (padded[0] * padded[1] // 16) ** 2
    print(f"\n1080x1920, which the networks see as {LARGE[0]}x{LARGE[1]}, with data limited to 4 GiB:")
    _, total = in_own_process(peak, "this code", LARGE, threads, limit)
    assert total < LARGE_LIMIT, total
    print(f"  this code: {total / 2**30:.2f} GiB in all at its peak")
    try:
        _, total = in_own_process(peak, "plain", padded, threads, limit)
        print(f"  plain: {total / 2**30:.2f} GiB")
    except RuntimeError as error:
        print(f"  plain: {str(error).splitlines()[0].rpartition('DefaultCPUAllocator: ')[2]}")
    print(f"  (its M, M / T and softmax alone: {needed / 2**30:.1f} GiB)")


def main(
    *,
    sizes: tuple[str, ...] = ("216x384", "432x768"),
    repetitions: int = 5,
    threads: int = 1,
    faster: bool = False,
    large: bool = False,
) -> None:
    """Compare this code's speed and memory with a plain implementation of the published program.

    Args:
        sizes: height x width as the networks see a frame; multiples of 8 and 16.
        repetitions: frames that each colours, in turns; the median counts.
        threads: of torch on the CPU.
        faster: what changes numbers too, with its error.
        large: a picture of 1080x1920 too, in less than 4 GiB.
    """
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    print(f"{DEVICE}, {threads} thread(s), float32; memory is that beyond the loaded networks")
    seen = [tuple(map(int, size.split("x"))) for size in sizes]
    for temperature in (RELEASE_TEMPERATURE, TRAINING_TEMPERATURE):
        print(f"{sizes[0]}, {difference_in_words(seen[0], temperature)}")
    for size in seen:
        peaks = {name: in_own_process(peak, name, size, threads)[0] for name in COLORINGS}
        report(size, repetitions, peaks)
        if faster:
            report_faster(size, repetitions)
    if large:
        report_large(threads)


if __name__ == "__main__":
    tyro.cli(main)
