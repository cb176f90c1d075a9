"""Seconds and peak memory of scoring four methods against one ground truth, beside the packages that people call.

The packages are scikit-image's PSNR and SSIM, lpips and pytorch-fid, one after the other for each method: each opens
the files itself, and both networks see the ground truth again for every method. This code goes over the frames once
(bench.scoring.measure), and on the way computes the other metrics of single pictures too.

The truth is generated, the methods are recolourings of it. All networks have random weights of the published shapes,
the same on both sides: times are those of the published ones, values mean nothing but that both sides agree.
"""

import multiprocessing
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest.mock import patch

# Before this folder, in which `colorize` and `prep` are benchmarks.
sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
import lpips
import numpy as np
import pandas as pd
import torch
import tyro
from pytorch_fid import fid_score, inception
from skimage import io
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from threadpoolctl import threadpool_limits
from torch import nn
from torchvision.models import alexnet

from bench.scoring.measure import FRAMES, Frame, Moment, Networks, backbone_of, load_distance, measure, set_metrics
from media.color import lab_from_rgb, with_luminance
from media.image import frame_path, read_rgb, write_png
from vision.weights import ALEXNET, INCEPTION_FID

# How far the sides may be apart, as a share of the largest of the four values. LPIPS is float32; pytorch-fid takes the
# root of a singular matrix, and puts 1e-6 on its diagonal where that fails.
TOLERANCES = {"psnr": 1e-9, "ssim": 1e-9, "lpips": 1e-5, "fid": 1e-4}
RECOLORINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # of ab
    "half": lambda ab: ab / 2,
    "warm": lambda ab: ab + np.float32([6, 10]),
    "turned": lambda ab: ab[..., ::-1],
    "grey": np.zeros_like,
}
Values = dict[tuple[str, str], float]  # of each metric and method
Seconds = np.ndarray  # CPU, wall


@dataclass(frozen=True)
class Folders:
    """truth/<clip>/00000.png, the same for each method, both once more without clips for pytorch-fid, and weights."""

    root: Path

    def frames(self, name: str) -> list[Path]:
        return sorted((self.root / name).glob("*/*.png"))

    def flat(self, name: str) -> Path:
        return self.root / "flat" / name

    @property
    def weights(self) -> Path:
        return self.root / "weights"


def generate(root: Path, clips: int, frames: int, size: tuple[int, int]) -> Folders:
    """Write soft colours with fine grain that slide through the frame, their recolourings, and the weights."""
    folders = Folders(root)
    for clip in range(clips):
        for index, rgb in enumerate(scene(clip, frames, size)):
            lab = lab_from_rgb(rgb)
            pictures = {name: with_luminance(lab[..., 0], change(lab[..., 1:])) for name, change in RECOLORINGS.items()}
            for name, picture in ({"truth": rgb} | pictures).items():
                path = frame_path(root / name / f"clip{clip}", index)
                write_png(path, picture)
                folders.flat(name).mkdir(parents=True, exist_ok=True)
                (folders.flat(name) / f"{clip}_{index}.png").hardlink_to(path)
    write_weights(folders.weights)
    return folders


def scene(seed: int, frames: int, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """uint8 RGB (H, W, 3), frame by frame."""
    rng = np.random.default_rng(seed)
    wide = (size[1] + 3 * frames, size[0])
    soft = cv2.resize(rng.uniform(30, 225, (8, 14, 3)), wide, interpolation=cv2.INTER_CUBIC)
    grained = np.uint8(np.clip(soft + rng.normal(0, 6, (*wide[::-1], 1)), 0, 255))
    for index in range(frames):
        yield np.ascontiguousarray(grained[:, 3 * index : 3 * index + size[1]])


def write_weights(folder: Path) -> None:
    """Random weights under the names of the published files, of a size at which no layer fades."""
    torch.manual_seed(0)
    state = {}
    with (
        patch.object(inception, "load_state_dict_from_url", lambda *args, **kwargs: state),
        patch.object(nn.Module, "load_state_dict", lambda network, given: given.update(network.state_dict())),
    ):
        inception.fid_inception_v3()
    for value in state.values():
        if value.ndim == 4:
            nn.init.kaiming_normal_(value)
    folder.mkdir(parents=True)
    torch.save(state, folder / INCEPTION_FID.name)
    torch.save(alexnet(weights=None).state_dict(), folder / ALEXNET.name)


@contextmanager
def quiet() -> Iterator[None]:
    """Without progress bars, and without the warnings that these weights are not the published ones."""
    with warnings.catch_warnings(), redirect_stderr(StringIO()), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        yield


def peers_pixels(folders: Folders) -> Values:
    """scikit-image's PSNR and SSIM, the mean over all frames."""
    values_of = {}
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}  # Wang et al. 2004
    for method in RECOLORINGS:
        psnr, ssim = [], []
        for path, truth_path in zip(folders.frames(method), folders.frames("truth"), strict=True):
            rgb, truth = io.imread(path), io.imread(truth_path)
            psnr.append(peak_signal_noise_ratio(truth, rgb, data_range=255))
            ssim.append(structural_similarity(truth, rgb, channel_axis=-1, data_range=255, **options))
        values_of |= {("psnr", method): np.mean(psnr), ("ssim", method): np.mean(ssim)}
    return values_of


def peers_networks(folders: Folders) -> Values:
    """lpips and pytorch-fid. Only where they take weights from is changed: the files that this code reads."""
    values_of = {}
    distance = lpips.LPIPS(net="alex", verbose=False, pnet_rand=True)
    distance.load_state_dict(load_distance(folders.weights)[0].state_dict())
    state = torch.load(folders.weights / INCEPTION_FID.name)
    for method in RECOLORINGS:
        values = []
        for path, truth_path in zip(folders.frames(method), folders.frames("truth"), strict=True):
            rgb, truth = (lpips.im2tensor(lpips.load_image(str(one))) for one in (path, truth_path))
            with torch.no_grad():
                values.append(distance(rgb, truth).item())
        values_of["lpips", method] = np.mean(values)
        with patch.object(inception, "load_state_dict_from_url", lambda *args, **kwargs: state):
            paths = [str(folders.flat(method)), str(folders.flat("truth"))]
            values_of["fid", method] = fid_score.calculate_fid_given_paths(paths, 50, "cpu", 2048, num_workers=0)
    return values_of


def moments(folders: Folders) -> Iterator[Moment]:
    """Each frame of the truth with those of the methods, all decoded once."""
    paths = zip(folders.frames("truth"), *map(folders.frames, RECOLORINGS), strict=True)
    for truth, *others in paths:
        rows = {name: Frame(read_rgb(path)) for name, path in zip(RECOLORINGS, others, strict=True)}
        yield Moment(Frame(read_rgb(truth)), rows)


def these_pixels(folders: Folders) -> Values:
    """PSNR and SSIM alone, as the pass computes them."""
    values_of: dict[tuple[str, str], list[float]] = {}
    for moment in moments(folders):
        for name in ("psnr", "ssim"):
            measured = FRAMES[name].measure(moment.truth)
            for row, frame in moment.rows.items():
                values_of.setdefault((name, row), []).append(measured(frame))
    return {which: np.mean(values) for which, values in values_of.items()}


def one_pass(folders: Folders, networks: Networks) -> Values:
    """Every metric of single pictures, and with networks those of sets."""
    measured = [measure("images", "", [moment], no_motion, networks) for moment in moments(folders)]
    lines = [line for of_frame in measured for line in of_frame.lines] + list(set_metrics(measured, RECOLORINGS))
    return pd.DataFrame(lines).groupby(["metric", "row"])["value"].mean().to_dict()


def no_motion(*_) -> None:
    """Single pictures do not move: it is not called."""


def these_networks(folders: Folders) -> Networks:
    return Networks(features=backbone_of("inception", folders.weights), lpips=load_distance(folders.weights)[0])


def timed(function: Callable[[], Values]) -> tuple[Values, Seconds]:
    begun = np.array([time.process_time(), time.perf_counter()])
    with quiet():
        values = function()
    return values, np.array([time.process_time(), time.perf_counter()]) - begun


def both_timed(folders: Folders) -> tuple[dict[str, tuple[Seconds, Seconds]], int]:
    """Seconds of the peers and of this code by part, and how many metrics this code had at the end.

    Raises AssertionError where values differ by more than TOLERANCES.
    """
    pixels, peers_for_pixels = timed(lambda: peers_pixels(folders))
    alone, for_pixels = timed(lambda: these_pixels(folders))
    others, peers_for_networks = timed(lambda: peers_networks(folders))
    values, whole = timed(lambda: one_pass(folders, these_networks(folders)))
    _, without_networks = timed(lambda: one_pass(folders, Networks()))
    for theirs, ours in ((pixels, alone), (pixels, values), (others, values)):
        assert_equal(theirs, ours)
    seconds = {
        "PSNR and SSIM": (peers_for_pixels, for_pixels),
        "LPIPS and FID": (peers_for_networks, whole - without_networks),
        "whole": (peers_for_pixels + peers_for_networks, whole),
    }
    return seconds, len({metric for metric, _ in values})


def assert_equal(theirs: Values, ours: Values) -> None:
    """Print how far the sides are apart in each metric, and stop where it is too far."""
    for metric in sorted({metric for metric, _ in theirs}):
        pairs = np.array([(theirs[which], ours[which]) for which in theirs if which[0] == metric])
        apart = abs(pairs[:, 0] - pairs[:, 1]).max() / abs(pairs).max()
        assert apart <= TOLERANCES[metric], f"{metric}: peers and this code are {apart:.2g} apart: {pairs}"
        print(f"  {metric}: {apart:.1g} of {abs(pairs).max():.4g} apart at most, {TOLERANCES[metric]:g} allowed")


def peak(root: Path, threads: int) -> tuple[float, float]:
    """MiB that a process takes for the pass beyond the loaded networks, and in all, at its peak."""
    folders = Folders(root)
    with limited(threads), quiet():
        networks = these_networks(folders)
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak of loading, which reads whole files (Linux)
        before = resident("VmRSS")
        one_pass(folders, networks)
    return resident("VmHWM") - before, resident("VmHWM")


def resident(which: str) -> float:
    """MiB that this process has in memory now (VmRSS) or had at most (VmHWM)."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(which)]
    return int(line.split()[1]) / 1024


def in_own_process(function: Callable, *arguments):
    """Its result from a fresh interpreter."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Torch, OpenCV and BLAS on so many threads."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    with threadpool_limits(threads):
        yield


def report(seconds: dict[str, tuple[Seconds, Seconds]], n_metrics: int) -> None:
    print(f"\n{'seconds':<14}  peers: CPU    wall  this code: CPU    wall  ratio: CPU   wall")
    for name, (theirs, ours) in seconds.items():
        columns = "{:12.2f} {:7.2f} {:15.2f} {:7.2f}".format(*theirs, *ours)
        print(f"{name:<14}", columns, "{:10.2f}x {:5.2f}x".format(*(theirs / ours)))
    print(
        f"The whole has 4 metrics of the peers, and {n_metrics} of this code. LPIPS and FID of this code are its pass "
        "less one without networks."
    )


def main(
    *,
    size: str = "216x384",
    clips: int = 2,
    frames: int = 12,
    repetitions: int = 1,
    threads: int = 1,
    lengths: tuple[int, ...] = (4, 8, 16),
) -> None:
    """Score four methods with the usual packages, and in this code's one pass.

    Args:
        size: height x width of the frames.
        clips: generated clips.
        frames: of each clip.
        repetitions: times that all is measured; the least counts, because what else runs only adds.
        threads: of torch, OpenCV and BLAS, on both sides.
        lengths: numbers of frames at which the peak memory of the pass is taken, each in a process of its own.
    """
    shape = tuple(map(int, size.split("x")))
    print(f"{size}, {threads} thread(s), networks with random weights; both sides see the same")
    with tempfile.TemporaryDirectory() as folder, limited(threads):
        for length in lengths:
            root = generate(Path(folder) / str(length), 1, length, shape).root
            beyond, total = in_own_process(peak, root, threads)
            print(f"  {length} frames: {beyond:.0f} MiB at the peak beyond the networks, {total:.0f} MiB in all")
        folders = generate(Path(folder) / "timed", clips, frames, shape)
        compared = [both_timed(folders) for _ in range(repetitions)]
    least = {
        name: tuple(np.min([seconds[name][side] for seconds, _ in compared], axis=0) for side in (0, 1))
        for name in compared[0][0]
    }
    report(least, compared[0][1])


if __name__ == "__main__":
    tyro.cli(main)
