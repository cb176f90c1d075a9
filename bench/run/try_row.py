"""The command `try`: one row on a few frames of one clip, without the pipeline, and a strip of pictures to look at."""

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
from tyro.conf import Positional, UseAppendAction, arg

from bench.methods.contract.method import Given, Method, Setting
from bench.methods.contract.rows import load
from bench.run.setting import ROOT, setting_of
from media.color import grey8, lab_from_rgb, luminance_from_rgb, with_luminance
from media.decoding import CorruptVideo, DecodedPicture, VideoError, decode_pictures
from media.flow_files import FlowBack
from media.image import SUFFIXES, Picture, cover_crop, read_rgb, write_png
from media.names import item_name
from media.numbering import numbered_frames
from media.sheet import Panel, grid
from plan.choosing import as_run
from plan.reading import read_config
from vision.weights import MissingWeights

HINT_GRID = (4, 6)  # true colours given at so many places, downwards and across, to a row that takes hints


def main(
    name: Annotated[Positional[str], arg(metavar="NAME")],
    *,
    clip: Path,
    frames: int = 4,
    every: int = 1,
    reference: Path | None = None,
    processed: str = "welsh2002",
    out: Path | None = None,
    config: UseAppendAction[tuple[Path, ...]] = (),
) -> None:
    """Run one row on a few frames and draw them: grey input, result, original.

    It is given what it asks for: flow is estimated on the spot (DIS), the first frame is the clip's own.

    Args:
        name: a row of the configuration, or a method in bench/methods.
        clip: a folder of colour frames, a video, or an image.
        frames: how many frames.
        every: source frames from one of them to the next.
        reference: a colour picture; without it the first frame is the reference.
        processed: the row whose result a post-processor is given, where its name does not say so (`<row>+<method>`).
        out: the picture to write, PNG; without it results/try/<name>-<clip>.png.
        config: a configuration on top of the default one, config/config.yaml; may be repeated.
    """
    try:
        merged = as_run(read_config(config), ROOT)
        clip_rgb = read_clip(clip, frames, every, tuple(merged["clips"]["size"]))
        begun = time.perf_counter()
        chromas = chroma(name, clip_rgb, reference, processed, merged)
        check_colors(name, chromas, len(clip_rgb))
        results = [with_luminance(luminance_from_rgb(rgb), ab) for rgb, ab in zip(clip_rgb, chromas, strict=True)]
        seconds = (time.perf_counter() - begun) / len(clip_rgb)
    except (MissingWeights, VideoError, ValueError, OSError, RuntimeError) as error:
        sys.exit(f"error: {error}")
    out = out or ROOT / "results" / "try" / f"{item_name(f'{name}-{clip.stem}', str(clip))}.png"
    write_png(out, strip(name, clip_rgb, results))
    print(f"{out}: {len(clip_rgb)} frames of {clip_rgb[0].shape[0]} x {clip_rgb[0].shape[1]}, {seconds:.2f} s a frame")


def read_clip(clip: Path, count: int, every: int, size: tuple[int, int]) -> list[np.ndarray]:
    """Frames 0, every, ... of a clip, uint8 RGB, scaled and cropped to a size (height, width).

    A clip that is shorter gives what it has. Raises VideoError, OSError or ValueError for what cannot be read.
    """
    if every < 1:
        raise ValueError(f"{clip}: no frame is taken; expected --every of 1 or more, not {every}")
    if clip.is_dir():
        paths = numbered_frames(clip)
        if not paths:
            raise ValueError(f"{clip}: no images in this folder; expected the frames of one clip")
        pictures: Iterator[Picture | DecodedPicture] = (Picture(read_rgb(path)) for path in paths)
    elif clip.suffix.lower() in SUFFIXES:
        pictures = iter([Picture(read_rgb(clip))])
    else:
        pictures = decode_pictures(clip)
    frames, damaged = [], 0
    with suppress(CorruptVideo):  # it is said of the frames that are looked at
        for index, picture in enumerate(islice(pictures, max(0, count) * every)):
            damaged += isinstance(picture, DecodedPicture) and picture.damaged
            if index % every == 0:
                frames.append(cover_crop(picture.rgb, size, picture.pixel_aspect))
    if damaged:
        print(f"warning: {clip}: {damaged} frames are damaged, or follow on some that are lost", file=sys.stderr)
    if not frames:
        raise ValueError(f"{clip}: no frame is taken; expected --frames of 1 or more, not {count}")
    return frames


def chroma(row: str, clip: list[np.ndarray], reference: Path | None, processed: str, config: dict) -> list[np.ndarray]:
    """The row's ab (H, W, 2) of every frame of a clip, uint8 RGB.

    Raises ValueError for an unknown row, RuntimeError for one that cannot run here, and what the method itself raises.
    """
    options = config["methods"].get(row) or {}
    setting = replace(setting_of(options, config), log_dir=ROOT / "results" / "try" / f"{row}.logs")
    method = load(row, options, setting)
    _check_can_run(row, method, options, setting)
    luminances = [luminance_from_rgb(rgb) for rgb in clip]
    if "clips" not in method.given:
        wanted = method.given["images"]
        given = _given("images", wanted, clip, reference)
        return [ab for luminance in luminances for ab in method.colorize(iter([luminance]), given)]
    wanted = method.given["clips"]
    given = _given("clips", wanted, clip, reference)
    if "flow" in wanted:
        given = replace(given, flow=iter(steps(luminances)))
    if "processed" in wanted:
        other = row.rpartition("+")[0] or processed
        given = replace(given, processed=iter(chroma(other, clip, reference, "grey", config)))
    return list(method.colorize(iter(luminances), given))


def check_colors(row: str, chromas: list[np.ndarray], count: int) -> None:
    """Raise ValueError for another number of frames, or for values that are not finite: no picture is made of them."""
    if len(chromas) != count:
        raise ValueError(f"row {row!r}: expected {count} frames, the method yielded {len(chromas)}")
    for index, ab in enumerate(chromas):
        if not np.isfinite(ab).all():
            raise ValueError(f"row {row!r}: the colours of frame {index} are not finite; nothing is written")


def _given(kind: str, wanted: tuple[str, ...], clip: list[np.ndarray], reference: Path | None) -> Given:
    """What is made of the clip's first frame and the reference; nothing but what the row asks for."""
    first = lab_from_rgb(clip[0])
    exemplar = first if reference is None else lab_from_rgb(cover_crop(read_rgb(reference), first.shape[:2]))
    return Given(
        kind=kind,
        item="clip",
        reference=exemplar if "reference" in wanted else None,
        first_frame=first if "first_frame" in wanted else None,
        hints=hints(first[..., 1:]) if "hints" in wanted else None,
    )


def _check_can_run(row: str, method: Method, options: dict, setting: Setting) -> None:
    why = method.skip()
    if "{results}" in options.get("precomputed", ""):
        why = f"it has frames of the pipeline's own clips only, in {options['precomputed']}"
    elif not why and setting.checkpoint is not None and not setting.checkpoint.exists():
        why = f"there is no {setting.checkpoint}; rows with `training` are trained by the pipeline"
    if why:
        raise RuntimeError(f"row {row!r} cannot run here: {why}")


def steps(luminances: list[np.ndarray]) -> list[FlowBack]:
    """DIS flow back from each frame to the one before, and what is visible; what prep.flow makes."""
    from vision.flow_estimators import dis
    from vision.occlusion import ruder_visible

    greys = [grey8(luminance) for luminance in luminances]
    pairs = [(dis(second, first), dis(first, second)) for first, second in pairwise(greys)]
    return [FlowBack(backward, ruder_visible(backward, forward)) for backward, forward in pairs]


def hints(ab: np.ndarray) -> np.ndarray:
    """True colours at the places of a regular grid: (H, W, 3), a, b and 1 there, 0 elsewhere."""
    places = np.ix_(*((2 * np.arange(n) + 1) * side // (2 * n) for n, side in zip(HINT_GRID, ab.shape, strict=False)))
    given = np.zeros((*ab.shape[:2], 3), np.float32)
    given[(*places, slice(2))] = ab[places]
    given[(*places, 2)] = 1
    return given


def strip(name: str, clip: list[np.ndarray], results: list[np.ndarray]) -> np.ndarray:
    """Input, result and original of every frame below each other, uint8 RGB."""
    greys = [with_luminance(luminance_from_rgb(rgb), np.zeros((*rgb.shape[:2], 2), np.float32)) for rgb in clip]
    rows = [[Panel(rgb) for rgb in frames] for frames in (greys, results, clip)]
    return grid(rows, headings=[f"frame {index}" for index in range(len(clip))], labels=("input", name, "original"))
