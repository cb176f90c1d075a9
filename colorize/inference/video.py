"""Colour a clip of any size and length with a reference picture: `colorize_video`, and `python -m colorize video`.

Frames stream through one at a time. The network sees them small; its colours are enlarged and joined with the
luminance of the full frame, which is therefore kept as it is.
"""

import hashlib
import math
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
import torch

from colorize import checkpoint
from colorize.inference.clip import CannotColorize, ImageClip, VideoClip, open_clip
from colorize.inference.colorizer import MULTIPLE, SMALLEST, Colorizer
from colorize.inference.finish import finished
from colorize.inference.parts import Parts, State
from colorize.inference.segments import LENGTH, Output, open_output
from media.bar import Bar
from media.color import clipped_rgb_from_lab, lab_from_rgb, luminance_from_rgb, with_luminance
from media.decoding import TimedFrame, TruncatedVideo
from media.faults import MachineFault, machine_fault, of_the_machine
from media.image import read_rgb
from media.versions import version_of
from media.writer import sole_writer
from vision.shots import find_shots
from vision.supply import supply
from vision.weights import RELEASE_FILES

ROOT = Path(__file__).parents[2]
DEFAULT_WEIGHTS = ROOT / "weights" / "huebench-small.safetensors"
EXTERNAL_WEIGHTS = ROOT / "weights" / "external"
# A reference whose most colourful hundredth stays below this chroma (Lab units) is grey but for its coding.
GREY = 3.0
# The network may see so many times the area that a picture of the usual aspect has at its short side, which one of 14:1
# takes. It sees no side below SMALLEST, so that of a thin line it would get many times the pixels that there are.
MOST_AREA, USUAL_ASPECT = 8, 16 / 9
# The reference's height in a side-by-side picture, as a share of the frame's.
INSET = 0.25

Finish = Literal["none", "release"]
Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class ReferencePicture:
    """A reference, shrunk to about what the network sees of a frame."""

    rgb: np.ndarray  # uint8 (h, w, 3)
    lab: np.ndarray  # (h, w, 3)


@dataclass(frozen=True)
class Look:
    """How a coloured frame is finished and shown."""

    finish: Finish
    side_by_side: bool


@dataclass(frozen=True)
class Colored:
    """A frame with its colours at the size of the network."""

    frame: TimedFrame
    luminance: np.ndarray  # (H, W), of the full frame
    lab: np.ndarray  # (h, w, 3), what the recurrence goes on from
    reference: ReferencePicture


def colorize_video(
    input: str | Path,
    references: list[str | Path],
    output: str | Path,
    *,
    weights: str | Path = DEFAULT_WEIGHTS,
    weights_dir: str | Path = EXTERNAL_WEIGHTS,
    short_side: int = 216,
    finish: Finish = "none",
    side_by_side: bool = False,
    fps: float = 25.0,
    device: Device = "auto",
    fresh: bool = False,
) -> None:
    """Colour a video, a folder of frames or an image; docs/colorize-video.md says what is kept and how.

    references: one picture for all shots, or one a shot in order. output: a video, an image, or a folder of PNG frames
    where it has no suffix. short_side: pixels of the shorter side as the network sees a frame, at most; 0 = as it is.
    fps: of frames that are images. device: `auto` is the GPU where there is one. A killed run goes on from its last
    finished segment unless `fresh`, and two runs never write one output at a time. weights: the word "release" is the
    published model, fetched into `weights_dir`.

    Raises CannotColorize, CannotFetch, FileNotFoundError, MisfitWeights, VideoError or CorruptImage with what to do;
    TruncatedVideo only after the frames that there are have been coloured and written; MachineFault, after which the
    same call goes on, for a full disk, little memory, a lost input or (StillWriting) another run into `output`.
    """
    output = Path(output)
    references = [Path(reference) for reference in references]
    clip = open_clip(Path(input), fps)
    target = open_output(output, clip, [*clip.files, *references])
    with going_on(output), sole_writer(output):
        size = network_size(clip, short_side)
        pictures = [shrunk_reference(path, size) for path in references]
        device = chosen_device(device)
        weights = weights_at_hand(weights, weights_dir)
        colorizer = open_colorizer(weights, weights_dir, device)
        scenes = list(zip(shots_of(clip, len(pictures)), pictures, strict=True))
        recipe = {
            "input": digest_of_files(clip.files, identity),
            "references": digest_of_files(references, content),
            "weights": checkpoint.contents_of(weights, Path(weights_dir)),
            "device": device,
            "options": [short_side, finish, side_by_side, str(clip.rate), LENGTH],
            "kind of output": [type(target).__name__, output.suffix],
            "program": version_of(__name__),
        }
        painter = Painter(colorizer, scenes, size, Look(finish, side_by_side), weights)
        make(clip, painter, target, Parts(output, recipe), fresh)
    if clip.failure:
        raise TruncatedVideo(clip.path, f"{clip.failure.detail}; {output} holds all frames that could be decoded")


def network_size(clip: VideoClip | ImageClip, short_side: int) -> tuple[int, int]:
    """(height, width) at which the network sees the frames of a clip. Raises CannotColorize for a slender one."""
    shape = next(clip.frames()).rgb.shape[:2]
    size = working_size(*shape, short_side)
    check_slender(clip.path, shape, size, short_side**2 * USUAL_ASPECT if short_side else math.prod(shape))
    return size


@contextmanager
def going_on(output: Path) -> Iterator[None]:
    """Say of a fault of the machine what becomes of the output: a MachineFault. What FFmpeg refuses: CannotColorize."""
    try:
        yield
    except Exception as error:
        if isinstance(error, MachineFault):
            raise
        if of_the_machine(error):
            raise machine_fault(error, f"{output} is not finished; the same command goes on from what is") from error
        if isinstance(error, av.FFmpegError):  # of what it reads there is a VideoError
            raise CannotColorize(f"{output}: FFmpeg cannot write it ({error})") from error
        raise


def make(clip: VideoClip | ImageClip, painter: "Painter", target: Output, parts: Parts, fresh: bool) -> None:
    """Colour the clip segment by segment, from where an earlier run was stopped, and put the output in place."""
    state = parts.begin(fresh)
    colored = painter.colored(islice(clip.frames(), state.frames, None), state)
    with Bar(desc=target.path.name, total=clip.n_frames, initial=state.frames, unit="frame") as bar:
        while (first := next(colored, None)) is not None:
            done = state.frames
            with target.segment(parts.folder, state.segments) as add:
                for frame in chain([first], islice(colored, LENGTH - 1)):
                    add(painter.painted(frame))
                    done += 1
                    bar.update()
            files = target.files(parts.folder, state.segments, done - state.frames)
            state = State(state.segments + 1, done, frame.lab)
            parts.save(state, files)
    if digest_of_files(clip.files, identity) != parts.recipe["input"]:
        raise CannotColorize(f"{clip.path}: was changed while it was coloured; the same command starts anew")
    target.finish(parts, state.segments, state.frames)
    parts.remove()


@dataclass(frozen=True)
class Painter:
    """Colours frames one after another: the network, and what becomes of its colours."""

    colorizer: Colorizer
    scenes: list[tuple[range, ReferencePicture]]  # the frames of each shot, with its reference
    size: tuple[int, int]  # of a frame as the network sees it, (height, width)
    look: Look
    weights: Path  # to be named where the network gives what is no colour

    def colored(self, frames: Iterator[TimedFrame], state: State) -> Iterator[Colored]:
        """Colour the frames after `state`. Each shot begins without a last coloured frame, as the first one does."""
        for shot, reference in self.scenes:
            first = max(shot.start, state.frames)
            last_lab = state.last_lab if shot.start < state.frames else None
            yield from self._colored_shot(islice(frames, max(0, shot.stop - first)), reference, last_lab)

    def _colored_shot(
        self, frames: Iterator[TimedFrame], reference: ReferencePicture, last_lab: np.ndarray | None
    ) -> Iterator[Colored]:
        first = next(frames, None)
        if first is None:
            return
        waiting = deque()

        def luminances() -> Iterator[np.ndarray]:
            for frame in chain([first], frames):
                luminance = luminance_from_rgb(frame.rgb)
                waiting.append((frame, luminance, scaled(luminance, self.size)))
                yield waiting[-1][-1]

        for ab in self.colorizer.colorize(luminances(), reference.lab, last_lab):
            frame, luminance, small = waiting.popleft()
            if not np.isfinite(ab).all():
                raise CannotColorize(
                    f"{self.weights}: the network gives values that are not finite (frame at "
                    f"{frame.pts} ticks), so the frame is not written; are these weights damaged, or of another model?"
                )
            yield Colored(frame, luminance, np.concatenate([small[..., None], ab], axis=-1), reference)

    def painted(self, colored: Colored) -> TimedFrame:
        """The frame that is written: colours enlarged, finished and joined with the full frame's luminance."""
        luminance = colored.luminance
        ab = scaled(colored.lab[..., 1:], luminance.shape)
        if self.look.finish == "release":
            rgb = clipped_rgb_from_lab(np.concatenate([luminance[..., None], finished(luminance, ab)], axis=-1))
        else:
            rgb = with_luminance(luminance, ab)
        if self.look.side_by_side:
            rgb = beside_input(rgb, luminance, colored.reference.rgb)
        return replace(colored.frame, rgb=rgb)


def working_size(height: int, width: int, short_side: int) -> tuple[int, int]:
    """(height, width) at which the network sees a frame: never enlarged, sides rounded to multiples of 8."""
    if short_side < 0:
        raise CannotColorize(f"--short-side is {short_side}; expected pixels, or 0 for the frame's own size")
    scale = min(1.0, short_side / min(height, width)) if short_side else 1.0
    return _in_multiples(height * scale), _in_multiples(width * scale)


def check_slender(path: Path, shape: tuple[int, int], size: tuple[int, int], area: float) -> None:
    """Raise CannotColorize for a picture so long and thin that the network, which sees it at `size`, gets far more than
    `area` pixels: that takes gigabytes.
    """
    if math.prod(size) > MOST_AREA * max(area, SMALLEST**2 * USUAL_ASPECT):
        raise CannotColorize(
            f"{path}: a picture of {shape[1]}x{shape[0]} pixels is too long and thin: the network would see it as "
            f"{size[1]}x{size[0]}; cut it into parts that are at most {int(MOST_AREA * USUAL_ASPECT)} times as long as "
            "they are thick"
        )


def _in_multiples(side: float) -> int:
    # No padding is needed then, whose invented border would enter the recurrence and be lost when a run goes on from
    # its saved state.
    return max(SMALLEST, MULTIPLE * round(side / MULTIPLE))


def scaled(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) or (H, W, C) at `size` (height, width): averaged over areas when shrinking, bilinear when enlarging."""
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def shrunk_reference(path: Path, size: tuple[int, int]) -> ReferencePicture:
    """Read a reference of any size and aspect; it gets at most the area of `size`. Warns if it has no colours."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such reference; expected a colour picture")
    rgb = read_rgb(path)
    height, width = rgb.shape[:2]
    scale = min(1.0, math.sqrt(size[0] * size[1] / (height * width)))
    shrunk = _in_multiples(height * scale), _in_multiples(width * scale)
    check_slender(path, (height, width), shrunk, math.prod(size))
    rgb = scaled(rgb, shrunk)
    lab = lab_from_rgb(rgb)
    if np.percentile(np.hypot(lab[..., 1], lab[..., 2]), 99) < GREY:
        warnings.warn(f"{path}: this reference is grey, so the result will be about grey too", stacklevel=2)
    return ReferencePicture(rgb, lab)


def shots_of(clip: VideoClip | ImageClip, n_references: int) -> list[range]:
    """The frames for each reference: all of them for one, the shots of the clip for several.

    Raises CannotColorize listing the cuts if the clip has another number of shots.
    """
    if n_references == 0:
        raise CannotColorize("no reference is given; expected a colour picture, or one a shot")
    if n_references == 1:
        return [range(sys.maxsize)]
    shots = find_shots((frame.rgb for frame in clip.frames()), compared="brightness")
    if len(shots) != n_references:
        starts = {shot.start for shot in shots[1:]}
        times = [(i, float(frame.pts * clip.time_base)) for i, frame in enumerate(clip.frames()) if i in starts]
        cuts = ", ".join(f"frame {index} ({seconds:.2f} s)" for index, seconds in times) or "none"
        raise CannotColorize(
            f"{n_references} references, but {clip.path} has {len(shots)} shots; cuts found: {cuts}. "
            f"Give one reference for all shots, or {len(shots)}, one a shot in order (the same one may come twice)"
        )
    return shots


def chosen_device(device: Device) -> str:
    """`cpu` or `cuda`. Raises CannotColorize where a GPU is asked for that torch does not see."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise CannotColorize(
            "--device is cuda, but torch sees no GPU here; leave it out, or install a CUDA build of torch"
        )
    return device


def weights_at_hand(weights: str | Path, weights_dir: str | Path) -> Path:
    """Where weights lie; those of the published model are fetched first if they are not there. Raises CannotFetch."""
    if weights != "release":  # a folder of this name is Path("release")
        return Path(weights)
    supply(RELEASE_FILES, weights_dir)
    return Path(weights_dir)


def open_colorizer(weights: Path, weights_dir: str | Path, device: str) -> Colorizer:
    """The model of a checkpoint of ours (.safetensors), or of a folder with the published program's files.

    Raises CannotColorize, FileNotFoundError or checkpoint.MisfitWeights with what to do.
    """
    if weights.is_dir():
        return Colorizer(checkpoint.load_release_model(weights, weights_dir), device=device)
    if not weights.exists():
        raise FileNotFoundError(
            f"{weights}: no such weights (the default ones come with the repository); name with --weights "
            "a .safetensors file that a training made, or the folder with the published program's files"
        )
    if weights.suffix != ".safetensors":
        raise CannotColorize(f"{weights}: expected a .safetensors file, or the folder of the published program's files")
    return Colorizer(checkpoint.load(weights, weights_dir), device=device)


def beside_input(rgb: np.ndarray, luminance: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The grey input, with the reference in its lower left corner, and the result: uint8 RGB (H, 2 W, 3)."""
    height, width = luminance.shape
    grey = with_luminance(luminance, np.zeros((height, width, 2), np.float32))
    scale = INSET * min(height / reference.shape[0], 2 * width / reference.shape[1])
    inset = scaled(reference, tuple(max(1, round(side * scale)) for side in reference.shape[:2]))
    inset = cv2.copyMakeBorder(inset, *[max(1, height // 200)] * 4, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    if inset.shape[0] < height and inset.shape[1] < width:
        grey[height - inset.shape[0] :, : inset.shape[1]] = inset
    return np.concatenate([grey, rgb], axis=1)


def digest_of_files(files: list[Path], of: Callable[[Path], str]) -> str:
    """One hash for what `of` says of each file."""
    return hashlib.sha256("\n".join(f"{file.name} {of(file)}" for file in files).encode()).hexdigest()


def content(file: Path) -> str:
    """Hash of a file's bytes."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def identity(file: Path) -> str:
    """Size, time of change and first bytes: clips are too large to be read once more."""
    with file.open("rb") as opened:
        start = hashlib.sha256(opened.read(65536)).hexdigest()
    status = file.stat()
    return f"{status.st_size} {status.st_mtime_ns} {start}"
