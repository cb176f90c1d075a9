"""The rows `command: <shell line>`: any program that colours a folder of grey frames, in whatever language.

config/methods/ has such rows for published systems.
"""

import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from bench.methods.contract.method import Given, Method, Setting
from media.color import lab_from_rgb, rgb_from_lab
from media.decoding import TimedFrame, decode
from media.encoding import VideoWriter
from media.image import frame_path, list_images, read_rgb, write_png

VIDEOS = {".mp4", ".mkv", ".avi", ".mov"}
SIZES = ("same", "any")
STRETCH = 0.05  # a result whose sides have another ratio than the frame's, by more than this share, was cropped
RATE = 25  # frames a second of {video}; programs that want a video seldom care


class CommandFailed(RuntimeError):
    """The program failed or left wrong frames; the message ends with the last lines of its stderr."""


class Command(Method):
    """A shell line in which words in braces stand for paths, already quoted.

    {frames}: folder of the grey frames, 00000.png, ..., RGB PNG with R = G = B. {video}: the same as a video,
    clip.mp4 (H.264, nearly lossless). {reference}: PNG of the reference image, or of frame 0 in colour where the row
    is given `first_frame`. {work}: an empty folder to do with as one likes. {output}: an empty folder that the line has
    to fill with one image for each frame, in the order of their names, or with one video of as many frames.
    The line runs in the folder from which the pipeline was started, once for each item.

    output_size: `same` where results have to have the frames' size; `any` where a program works at its own, then only
    their colours are brought back to it. A result of another shape is refused all the same.

    record: shell lines by name, whose output says what the program was: its commit, its weights, its environment.
    """

    name = "command"
    citation = "an external program"
    given = {"clips": ("reference",), "images": ("reference",)}
    uses_torch = False

    def __init__(
        self,
        setting: Setting | None = None,
        line: str = "",
        given: dict | None = None,
        output_size: str = "same",
        record: dict[str, str] | None = None,
    ):
        super().__init__(setting)
        if "{output}" not in line or not ("{frames}" in line or "{video}" in line):
            raise ValueError(f"command: {line!r}: expected {{frames}} or {{video}}, and {{output}} in the shell line")
        if output_size not in SIZES:
            raise ValueError(f"command: output_size: {output_size!r}: expected one of {', '.join(SIZES)}")
        self.line, self.output_size, self.lines_of_record = line, output_size, record or {}
        if given is not None:
            self.given = {kind: tuple(wanted) for kind, wanted in given.items()}

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        with tempfile.TemporaryDirectory(prefix="huebench-command-") as folder:
            paths = {word: Path(folder) / word for word in ("frames", "output", "work")}
            paths |= {"reference": Path(folder) / "reference.png", "video": Path(folder) / "clip.mp4"}
            paths["output"].mkdir()
            paths["work"].mkdir()
            shape, count = _write_grey(frames, paths["frames"])
            if "{video}" in self.line:
                _write_video(paths["frames"], paths["video"])
            exemplar = given.reference if given.reference is not None else given.first_frame
            if exemplar is not None:
                write_png(paths["reference"], rgb_from_lab(exemplar))
            said = self._run(paths)
            for name, rgb in _results(paths["output"], count, said):
                yield self._chroma(name, rgb, shape, said)

    def record(self) -> dict[str, list[str]]:
        """The lines that each line of `record` printed. What failed is recorded as that: the results are not less."""
        printed = {}
        for name, line in self.lines_of_record.items():
            done = subprocess.run(line, shell=True, capture_output=True, text=True, errors="replace")
            failed = [f"exit status {done.returncode}", *done.stderr.splitlines()] if done.returncode else []
            printed[name] = done.stdout.splitlines() + failed
        return printed

    def _run(self, paths: dict[str, Path]) -> str:
        """Run the line; returns the last lines of its stderr, for the message of a later failure."""
        line = self.line
        for word, path in paths.items():
            line = line.replace(f"{{{word}}}", shlex.quote(str(path)))
        done = subprocess.run(line, shell=True, capture_output=True, text=True, errors="replace")
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        said = f"; its stderr ends: {last}" if last else "; it wrote nothing to stderr"
        if done.returncode:
            raise CommandFailed(f"exit status {done.returncode} of {self.line!r}{said}")
        return said

    def _chroma(self, name: str, rgb: np.ndarray, shape: tuple[int, int], said: str) -> np.ndarray:
        """ab of a result, on the grid of the frame."""
        size = rgb.shape[:2]
        if size == shape:
            return lab_from_rgb(rgb)[..., 1:]
        ratio = (size[1] / size[0]) / (shape[1] / shape[0])
        if self.output_size == "same" or abs(ratio - 1) > STRETCH:
            raise CommandFailed(f"{name}: expected the size {shape}, found {size}{said}")
        return cv2.resize(lab_from_rgb(rgb)[..., 1:], shape[::-1], interpolation=cv2.INTER_LINEAR)


def _write_grey(frames: Iterator[np.ndarray], folder: Path) -> tuple[tuple[int, int], int]:
    """Write L frames as grey sRGB; returns their size (height, width) and their number."""
    count, shape = 0, (0, 0)
    for luminance in frames:
        lab = np.zeros((*luminance.shape, 3), np.float32)
        lab[..., 0] = luminance
        write_png(frame_path(folder, count), rgb_from_lab(lab))
        count, shape = count + 1, luminance.shape
    return shape, count


def _write_video(frames: Path, video: Path) -> None:
    with VideoWriter(video, Fraction(1, RATE), Fraction(RATE)) as writer:
        for index, path in enumerate(list_images(frames)):
            writer.add(TimedFrame(read_rgb(path), index, 1))


def _results(folder: Path, count: int, said: str) -> Iterator[tuple[str, np.ndarray]]:
    """(name, uint8 RGB) of every result. Images count before videos, which many programs make of them besides."""
    images = list_images(folder)
    videos = [path for path in folder.iterdir() if path.suffix.lower() in VIDEOS]
    if images or len(videos) != 1:
        if len(images) != count:
            raise CommandFailed(f"expected {count} frames in {{output}}, found {len(images)}{said}")
        yield from ((path.name, read_rgb(path)) for path in images)
        return
    decoded = 0
    for decoded, rgb in enumerate(decode(videos[0]), start=1):
        if decoded <= count:
            yield f"frame {decoded - 1} of {videos[0].name}", rgb
    if decoded != count:
        raise CommandFailed(f"expected {count} frames in {{output}}, found {decoded} in {videos[0].name}{said}")
