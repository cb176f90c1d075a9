"""The rows `command: <shell line>`: any program that colours a folder of grey frames, in whatever language.

config/methods/ has such rows for published systems.
"""

import difflib
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from bench.methods.contract.method import Given, Method, Setting
from bench.methods.contract.shell_line import Stream, Watcher, run
from media.color import lab_from_rgb, rgb_from_lab
from media.decoding import TimedFrame, decode
from media.encoding import VideoWriter
from media.faults import MachineFault
from media.image import CorruptImage, frame_path, list_images, read_rgb, write_png
from media.numbering import UnclearFolder, numbered_frames

VIDEOS = {".mp4", ".mkv", ".avi", ".mov"}
SIZES = ("same", "any")
STRETCH = 0.05  # a result whose sides have another ratio than the frame's, by more than this share, was cropped
RATE = 25  # frames a second of {video}; programs that want a video seldom care


# A word in braces stands for a path; `${word}` is the shell's, and `{{word}}` stands for {word}.
WORDS = ("frames", "video", "reference", "work", "output")
IN_BRACES = re.compile(r"(?<!\$)(\{\{[A-Za-z_]\w*\}\}|\{[A-Za-z_]\w*\})")
# Seconds that an item may take, and that a line of `record` may.
TIMEOUT, TIMEOUT_OF_RECORD = 4 * 3600, 600
# Bytes that a disk has free where it is not full.
ROOM = 1 << 20
# How a shell says what is no item's fault, and what systems say of disks that are lost.
NOT_THERE = "The shell finds no such program, or may not run it"
KILLED = "Something killed it, as systems do where memory is used up"
MACHINE_STATUS = {126: NOT_THERE, 127: NOT_THERE, -9: KILLED, 128 + 9: KILLED}
LOST = ("Input/output error", "Stale file handle")
# Lines of stderr in a message, and letters of each.
LINES, LETTERS = 5, 400


class CommandFailed(RuntimeError):
    """The program failed, took too long or left wrong frames; the message ends with the last lines of its stderr."""


@dataclass(frozen=True)
class Run:
    """The program's run on one item: where it had to write, and what it said."""

    output: Path
    stderr: Stream
    log: Path | None
    status: int | None  # None where its time was over

    def failed(self, what: str) -> Exception:
        """The error to raise: CommandFailed, or MachineFault where the program failed for the machine.

        A program that says it is out of memory may be so for the size of its item: that is a failure of the item.
        """
        said = _last_lines(self.stderr)
        words = f"{what}; its stderr ends: {said}" if said else f"{what}; it wrote nothing to stderr"
        if self.log:
            words += f" (all that it said: {self.log})"
        if "no space left on device" in said.lower() or shutil.disk_usage(self.output.parent).free < ROOM:
            return MachineFault(f"{words}. The disk is full: make room and run again; nothing is recorded of this item")
        if why := MACHINE_STATUS.get(self.status) or next((why for why in LOST if why.lower() in said.lower()), None):
            return MachineFault(f"{words}. {why}: mend it and run again; nothing is recorded of this item")
        return CommandFailed(words)


class Command(Method):
    """A shell line in which words in braces stand for paths, already quoted.

    {frames}: folder of the grey frames, 00000.png, ..., RGB PNG with R = G = B. {video}: the same as a video,
    clip.mp4 (H.264, nearly lossless). {reference}: PNG of the reference image, or of frame 0 in colour where the row
    is given `first_frame`. {work}: an empty folder to do with as one likes. {output}: an empty folder that the line has
    to fill with one image for each frame, in the order of their names, or with one video of as many frames.
    The line runs in the folder from which the pipeline was started, once for each item, without input. When it ends,
    whatever it has left running ends too.

    output_size: `same` where results have to have the frames' size; `any` where a program works at its own, then only
    their colours are brought back to it. A result of another shape is refused all the same.

    record: shell lines by name, whose output says what the program was: its commit, its weights, its environment.

    timeout: seconds after which a program that has not ended is ended, and its item has failed.
    """

    name = "command"
    citation = "an external program"
    given = {"clips": ("reference",), "images": ("reference",)}
    uses_torch = False
    stays = True

    def __init__(
        self,
        setting: Setting | None = None,
        line: str = "",
        given: dict | None = None,
        output_size: str = "same",
        record: dict[str, str] | None = None,
        timeout: float = TIMEOUT,
    ):
        super().__init__(setting)
        _check_words(line)
        if output_size not in SIZES:
            raise ValueError(f"command: output_size: {output_size!r}: expected one of {', '.join(SIZES)}")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < float("inf"):
            raise ValueError(f"command: timeout: {timeout!r}: expected the seconds that an item may take, more than 0")
        self.line, self.output_size, self.lines_of_record = line, output_size, record or {}
        self.timeout = timeout
        if given is not None:
            self.given = {kind: tuple(wanted) for kind, wanted in given.items()}

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        with (
            tempfile.TemporaryDirectory(prefix="huebench-command-", ignore_cleanup_errors=True) as folder,
            Watcher(folder) as watcher,
        ):
            paths = {word: Path(folder) / word for word in ("frames", "output", "work")}
            paths |= {"reference": Path(folder) / "reference.png", "video": Path(folder) / "clip.mp4"}
            paths["output"].mkdir()
            paths["work"].mkdir()
            shape, count = _write_grey(frames, paths["frames"])
            if "{video}" in _words(self.line):
                _write_video(paths["frames"], paths["video"])
            exemplar = given.reference if given.reference is not None else given.first_frame
            if exemplar is not None:
                write_png(paths["reference"], rgb_from_lab(exemplar))
            done = self._run(paths, watcher, self._log(given))
            for name, rgb in _results(done, count):
                yield self._chroma(name, rgb, shape, done)

    def record(self) -> dict[str, list[str]]:
        """The lines that each line of `record` printed. What failed is recorded as that: the results are not less."""
        printed = {}
        with tempfile.TemporaryDirectory(prefix="huebench-command-") as folder, Watcher(folder) as watcher:
            for name, line in self.lines_of_record.items():
                ended = run(line, TIMEOUT_OF_RECORD, watcher)
                failed = _status(ended.status, f"{TIMEOUT_OF_RECORD:g} s")
                stderr = _text(ended.stderr.last).splitlines() if failed else []
                printed[name] = _text(ended.stdout.first).splitlines() + ([failed, *stderr] if failed else [])
        return printed

    def _log(self, given: Given) -> Path | None:
        folder = self.setting and self.setting.log_dir
        return folder / given.kind / f"{given.item}.log" if folder else None

    def _run(self, paths: dict[str, Path], watcher: Watcher, log: Path | None) -> Run:
        line = IN_BRACES.sub(lambda word: _replaced(word[0], paths), self.line)
        ended = run(line, self.timeout, watcher, log)
        done = Run(paths["output"], ended.stderr, log, ended.status)
        if failed := _status(ended.status, f"{self.timeout:g} s (the row's `timeout`)"):
            raise done.failed(f"{failed} of {self.line!r}")
        return done

    def _chroma(self, name: str, rgb: np.ndarray, shape: tuple[int, int], done: Run) -> np.ndarray:
        """ab of a result, on the grid of the frame."""
        size = rgb.shape[:2]
        if size == shape:
            return lab_from_rgb(rgb)[..., 1:]
        ratio = (size[1] / size[0]) / (shape[1] / shape[0])
        if self.output_size == "same" or abs(ratio - 1) > STRETCH:
            raise done.failed(f"{name}: expected the size {shape}, found {size}")
        return cv2.resize(lab_from_rgb(rgb)[..., 1:], shape[::-1], interpolation=cv2.INTER_LINEAR)


def _words(line: str) -> list[str]:
    """What stands in braces, with them."""
    return [word for word in IN_BRACES.findall(line) if not word.startswith("{{")]


def _check_words(line: str) -> None:
    """Raise ValueError for a word in braces that is none of ours, or where those that are needed are not there."""
    words = _words(line)
    for word in words:
        if word[1:-1] not in WORDS:
            close = difflib.get_close_matches(word[1:-1], WORDS, n=1)
            meant = f"did you mean {{{close[0]}}}?" if close else f"expected {', '.join(f'{{{w}}}' for w in WORDS)}."
            raise ValueError(f"command: {line!r}: {word} stands for nothing; {meant} {{{word}}} stands for {word}")
    if "{output}" not in words or not ("{frames}" in words or "{video}" in words):
        raise ValueError(f"command: {line!r}: expected {{frames}} or {{video}}, and {{output}} in the shell line")


def _replaced(word: str, paths: dict[str, Path]) -> str:
    return word[1:-1] if word.startswith("{{") else shlex.quote(str(paths[word[1:-1]]))


def _status(status: int | None, limit: str) -> str:
    """What is wrong with how a line ended; empty if nothing."""
    if status is None:
        return f"not done after {limit} and ended"
    return f"exit status {status}" if status else ""


def _text(said: bytes | bytearray) -> str:
    return said.decode(errors="replace")


def _last_lines(said: Stream) -> str:
    lines = _text(said.last).strip().splitlines()[-LINES:]
    return "\n".join(line[-LETTERS:] for line in lines)


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


def _results(done: Run, count: int) -> Iterator[tuple[str, np.ndarray]]:
    """(name, uint8 RGB) of every result. Images count before videos, which many programs make of them besides."""
    if not done.output.is_dir():
        raise done.failed("{output} is no folder any more; the line has to fill it")
    images = list_images(done.output)
    videos = [path for path in done.output.iterdir() if path.suffix.lower() in VIDEOS and path.name[0] != "."]
    if images or len(videos) != 1:
        if len(images) != count:
            raise done.failed(f"expected {count} frames in {{output}}, found {len(images)}")
        for path in _numbered(done):
            yield path.name, _read(path, done)
        return
    _check_file(videos[0], done)
    decoded = 0
    for decoded, rgb in enumerate(islice(decode(videos[0]), count + 1), start=1):
        if decoded <= count:
            yield f"frame {decoded - 1} of {videos[0].name}", rgb
    if decoded != count:
        read = " (it is read no further)" if decoded > count else ""
        raise done.failed(f"expected {count} frames in {{output}}, found {decoded} in {videos[0].name}{read}")


def _numbered(done: Run) -> list[Path]:
    """The images in their order. Raises UnclearFolder, where as many as the frames need not be those of the frames."""
    try:
        return numbered_frames(done.output)
    except UnclearFolder as error:
        failed = done.failed(str(error).replace(str(done.output), "{output}"))
        raise UnclearFolder(error.reason, str(failed)) if isinstance(failed, CommandFailed) else failed from error


def _read(path: Path, done: Run) -> np.ndarray:
    _check_file(path, done)
    try:
        return read_rgb(path)
    except CorruptImage as error:
        raise done.failed(f"{path.name} in {{output}} is no image that can be read ({error.__cause__})") from error


def _check_file(path: Path, done: Run) -> None:
    """Raise where a result is a pipe, a socket, a device or a link to nothing: reading it might never end."""
    if not path.is_file() or not os.access(path, os.R_OK):
        raise done.failed(f"{path.name} in {{output}} is no file that can be read; expected an image or a video")
