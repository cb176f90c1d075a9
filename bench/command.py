"""The rows `command: <shell line>`: any program that colours a folder of grey frames, in whatever language."""

import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.method import Given, Method, Setting
from media.color import lab_from_rgb, rgb_from_lab
from media.image import frame_path, read_rgb, write_png


class CommandFailed(RuntimeError):
    """The program failed or left wrong frames; the message ends with the last lines of its stderr."""


class Command(Method):
    """A shell line in which {frames}, {reference} and {output} stand for paths, already quoted.

    {frames}: folder of the grey frames, 00000.png, ..., RGB PNG with R = G = B. {reference}: PNG of the reference
    image, or of frame 0 in colour where the row is given `first_frame`. {output}: an empty folder that the line
    has to fill with as many PNG frames of the same size, in the order of their names. The line runs in the folder
    from which the pipeline was started, once for each item.
    """

    name = "command"
    citation = "an external program"
    VERSION = 1
    given = {"clips": ("reference",), "images": ("reference",)}

    def __init__(self, setting: Setting | None = None, line: str = "", given: dict | None = None):
        super().__init__(setting)
        missing = [word for word in ("{frames}", "{output}") if word not in line]
        if missing:
            raise ValueError(f"command: {line!r}: expected {' and '.join(missing)} in the shell line")
        self.line = line
        if given is not None:
            self.given = {kind: tuple(wanted) for kind, wanted in given.items()}

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        with tempfile.TemporaryDirectory(prefix="huebench-command-") as folder:
            paths = {word: Path(folder) / word for word in ("frames", "output")}
            paths["reference"] = Path(folder) / "reference.png"
            paths["output"].mkdir()
            shape, count = _write_grey(frames, paths["frames"])
            exemplar = given.reference if given.reference is not None else given.first_frame
            if exemplar is not None:
                write_png(paths["reference"], rgb_from_lab(exemplar))
            said = self._run(paths)
            coloured = sorted(paths["output"].glob("*.png"))
            if len(coloured) != count:
                raise CommandFailed(f"expected {count} PNG frames in {{output}}, found {len(coloured)}{said}")
            for path in coloured:
                rgb = read_rgb(path)
                if rgb.shape[:2] != shape:
                    raise CommandFailed(f"{path.name}: expected the size {shape}, found {rgb.shape[:2]}{said}")
                yield lab_from_rgb(rgb)[..., 1:]

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


def _write_grey(frames: Iterator[np.ndarray], folder: Path) -> tuple[tuple[int, int], int]:
    """Write L frames as grey sRGB; returns their size (height, width) and their number."""
    count, shape = 0, (0, 0)
    for luminance in frames:
        lab = np.zeros((*luminance.shape, 3), np.float32)
        lab[..., 0] = luminance
        write_png(frame_path(folder, count), rgb_from_lab(lab))
        count, shape = count + 1, luminance.shape
    return shape, count
