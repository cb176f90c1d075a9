"""Seconds a frame and peak memory of every method, side by side in one run, each in a process of its own.

The clip is made here: a window of 216x384 that slides over a still picture, with its exact flow. Networks have random
weights, which cost what trained ones cost: once in the small size that is trained here, once as published. A frame's
time is the median over the frames after the first, which is given to some rows and loads the model of the others.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from media.flow_files import FlowBack

# Before this folder, in which `colorize` and `prep` are files.
sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
import numpy as np
import pandas as pd
import tyro

from bench.methods.contract.method import Given, Method, Setting
from bench.methods.contract.rows import load, names
from bench.methods.contract.trained import Trained
from media.color import lab_from_rgb

ROOT = Path(__file__).parents[1]
SMALL = 0.25  # width of the networks that are trained here
SHIFT = 3  # pixels by which everything moves to the left from one frame to the next
BACKBONE = "efficientnet_lite0"


def main(
    *,
    methods: tuple[str, ...] = (),
    size: tuple[int, int] = (216, 384),
    frames: int = 5,
    threads: int = 1,
    child: str = "",
) -> None:
    """Print a table: method, size of its network, seconds a frame, peak memory above an idle process.

    Args:
        methods: only these; default: all in bench/methods.
        size: height and width of the frames.
        frames: how many are coloured.
        threads: CPU threads of each.
        child: for the benchmark itself: measure this one variant and print its numbers as JSON.
    """
    if child:
        print(json.dumps(measured(child, size, frames, threads)))
        return
    idle = run_alone("", size, frames, threads)["mebibytes"]
    lines = []
    for variant in (variant for name in methods or names() for variant in variants(name)):
        own = run_alone(variant, size, frames, threads)
        name, _, scale = variant.partition("@")
        memory = own["mebibytes"] - idle
        lines.append([name, scale, own["parameters"], f"{own['seconds']:.2f}", f"{memory:.0f}"])
        print(f"{variant}: {own['seconds']:.2f} s a frame, {memory:.0f} MiB", file=sys.stderr, flush=True)
    columns = ["method", "network", "parameters", "s/frame", "MiB"]
    print(f"{size[0]}x{size[1]}, {frames} frames, {threads} thread(s); memory above an idle process with torch\n")
    print(pd.DataFrame(lines, columns=columns).to_markdown(index=False, disable_numparse=True))


def variants(name: str) -> list[str]:
    """A method with its network small and as published, or the method alone."""
    learns = name == "ours" or isinstance(load(name, {}), Trained)
    return [f"{name}@small", f"{name}@published"] if learns else [name]


def run_alone(variant: str, size: tuple[int, int], frames: int, threads: int) -> dict:
    """The numbers of one variant, from a process that does nothing else; of an idle one for ''."""
    options = ["--size", *map(str, size), "--frames", str(frames), "--threads", str(threads)]
    command = [sys.executable, __file__, "--child", variant or "idle", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{variant}: {done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def measured(variant: str, size: tuple[int, int], frames: int, threads: int) -> dict:
    """Colour the clip with one variant in this process; seconds a frame, the process's peak memory, parameters."""
    import torch

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    clip = scene(size, frames)
    seconds, parameters = [], ""
    if variant != "idle":
        with tempfile.TemporaryDirectory() as folder:
            method, parameters = prepared(variant, Path(folder))
            seconds = durations(method, clip)
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": median(seconds[1:]) if seconds else 0, "mebibytes": mebibytes, "parameters": parameters}


def durations(method: Method, clip: np.ndarray) -> list[float]:
    """Seconds that each frame takes, luminance in, ab out."""
    kind = "clips" if "clips" in method.given else "images"
    lab = [lab_from_rgb(frame) for frame in clip]
    step = FlowBack(np.full((*clip.shape[1:3], 2), (SHIFT, 0), np.float32), np.ones(clip.shape[1:3], bool))
    given = {
        "reference": lab_from_rgb(np.ascontiguousarray(clip[0, :, ::-1])),
        "first_frame": lab[0],
        "flow": iter([step] * (len(lab) - 1)),
        "processed": iter([frame[..., 1:] for frame in lab]),
    }
    wanted = {name: given[name] for name in method.given[kind] if name in given}
    results = method.colorize((frame[..., 0] for frame in lab), Given(kind, "scene", **wanted))
    seconds = []
    for _ in lab:
        start = time.perf_counter()
        next(results)
        seconds.append(time.perf_counter() - start)
    return seconds


def prepared(variant: str, folder: Path) -> tuple[Method, str]:
    """A method ready to colour, its network filled with random numbers, and how many these are."""
    import torch

    name, _, scale = variant.partition("@")
    setting = Setting(folder, BACKBONE, None, 0)
    method = load(name, {}, setting)
    torch.manual_seed(0)
    if name == "ours":
        from colorize import checkpoint
        from colorize.model import ExemplarModel
        from vision.backbones import load_backbone

        model = ExemplarModel(load_backbone(BACKBONE, folder), width=SMALL if scale == "small" else 1.0)
        path = folder / "model.safetensors"
        checkpoint.save(model, path, {"backbone": BACKBONE, "width": SMALL if scale == "small" else 1.0})
        network = torch.nn.ModuleList([model.correspondence, model.colorization])
        method = load(name, {}, replace(setting, checkpoint=path))
    elif scale:
        network = method.network(*((SMALL, 1) if scale == "small" else (1.0, 0))).eval().requires_grad_(False)
        method.model = network  # instead of a file
    else:
        return method, ""
    return method, f"{sum(parameter.numel() for parameter in network.parameters()):,}"


def scene(size: tuple[int, int], frames: int) -> np.ndarray:
    """A window that slides over soft patches of colour: uint8 RGB (T, H, W, 3)."""
    height, width = size
    coarse = np.random.default_rng(0).integers(30, 226, (9, 14, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (width + SHIFT * frames, height), interpolation=cv2.INTER_CUBIC)
    return np.stack([picture[:, SHIFT * t : SHIFT * t + width] for t in range(frames)])


if __name__ == "__main__":
    tyro.cli(main)
