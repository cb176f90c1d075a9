"""Folders of results that belong to a folder of the ground truth: which frames, and what does not fit, by name.

All are in the DAVIS layout, <clip>/00000.png; frames belong together by clip and name. Only names and the headers of
the files are read, so that a long scoring is not begun for nothing.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from media.image import CorruptImage, format_and_size, list_images

LISTED = 3  # files named of each kind of problem


class MisfitFolders(ValueError):
    """Folders that cannot be scored against each other. The message names the files, a few of each kind."""


@dataclass(frozen=True)
class Clip:
    name: str
    frames: tuple[Path, ...]  # of the ground truth, in order

    def of(self, result: Path) -> list[Path]:
        """The same frames in a folder of results, `.png` in whatever case."""
        folder = result / self.name
        there = list_images(folder) if folder.is_dir() else []
        own = {path.stem: path for path in there if path.suffix.lower() == ".png"}
        return [own.get(frame.stem, folder / f"{frame.stem}.png") for frame in self.frames]


def check(results: list[Path], truth: Path, first_counted: int = 0) -> list[Clip]:
    """The clips of the ground truth, if every folder of results fits them; read from names and headers only.

    Raises MisfitFolders for clips or frames that one side lacks, files that are no PNG, and sizes that differ.
    """
    clips = list_clips(truth)
    sizes = _truth_sizes(clips)
    problems = [problem for result in results for problem in _misfits(result, clips, sizes)]
    if len({len(clip.frames) > 1 for clip in clips}) > 1:
        problems.append(f"{truth} mixes clips with single pictures: score them apart, their means are not comparable")
    if short := [clip.name for clip in clips if len(clip.frames) <= first_counted]:
        problems.append(f"{_some(short)}: no frame is left to count after the {first_counted} given")
    if problems:
        raise MisfitFolders("\n  ".join(["these folders cannot be scored:", *problems]))
    return clips


def list_clips(folder: Path) -> list[Clip]:
    """The subfolders that hold images, by name, without hidden ones. The ground truth may be JPEG, as DAVIS is.

    Raises MisfitFolders.
    """
    if not folder.is_dir():
        raise MisfitFolders(f"{folder}: there is no such folder; expected one with <clip>/00000.png")
    there = [path for path in sorted(folder.iterdir()) if path.is_dir() and path.name[0] != "."]
    folders = [(path.name, tuple(list_images(path))) for path in there]
    clips = [Clip(name, frames) for name, frames in folders if frames]
    if not clips:
        lies = "images lie in it directly: name the folder above it" if list_images(folder) else "it has none"
        raise MisfitFolders(f"{folder}: expected subfolders with frames, <clip>/00000.png, but {lies}")
    for clip in clips:
        if len({frame.stem for frame in clip.frames}) < len(clip.frames):
            raise MisfitFolders(f"{folder / clip.name}: a frame lies there twice, under two suffixes")
    return clips


def _truth_sizes(clips: list[Clip]) -> dict[str, tuple[int, int]]:
    """(width, height) of each clip; raises MisfitFolders where its frames differ or cannot be read."""
    sizes = {}
    for clip in clips:
        size_of = {frame: _header(frame)[1] for frame in clip.frames}
        if broken := [frame for frame, size in size_of.items() if size is None]:
            raise MisfitFolders(f"{_some(broken)}: ground truth that cannot be decoded as an image")
        sizes[clip.name] = size_of[clip.frames[0]]
        if other := [frame for frame, size in size_of.items() if size != sizes[clip.name]]:
            width, height = sizes[clip.name]
            raise MisfitFolders(f"{_some(other)}: not of the size of the clip's first frame, {width} x {height}")
    return sizes


def _misfits(result: Path, clips: list[Clip], sizes: dict[str, tuple[int, int]]) -> Iterator[str]:
    """What is wrong with a folder of results, a line for each kind of problem."""
    own = {clip.name: clip for clip in list_clips(result)}
    names = [clip.name for clip in clips]
    if missing := [name for name in names if name not in own]:
        yield f"{result} lacks {_some(missing)}: every clip of the ground truth has to be there"
    if extra := [name for name in own if name not in names]:
        yield f"{result} has {_some(extra)}, of which there is no ground truth: take them out, or score a part of both"
    kinds = defaultdict(list)
    for clip in clips:
        if clip.name in own:
            for kind, path in _misfit_frames(clip, result, own[clip.name], sizes[clip.name]):
                kinds[kind].append(path)
    for kind, paths in kinds.items():
        yield f"{_some(paths)}: {kind}"


def _misfit_frames(clip: Clip, result: Path, own: Clip, size: tuple[int, int]) -> Iterator[tuple[str, Path | str]]:
    """(what is wrong, file) of each frame of one clip that does not fit."""
    present = {frame.stem: frame for frame in own.frames}
    for path in clip.of(result):
        frame = present.pop(path.stem, None)
        if frame is None:
            yield "missing, although the ground truth has this frame", path
            continue
        form, own_size = _header(frame)
        if form is None:
            yield "cannot be decoded as an image", frame
        elif frame != path or form != "PNG":
            yield (
                "expected PNG: other formats change the colours that are to be measured; save the frames as PNG",
                frame,
            )
        elif own_size != size:
            yield (
                f"expected the ground truth's size, {size[0]} x {size[1]}; nothing is resized here",
                (f"{frame} ({own_size[0]} x {own_size[1]})"),
            )
    for frame in present.values():
        yield "the ground truth has no such frame", frame


def _header(path: Path) -> tuple[str | None, tuple[int, int] | None]:
    """Format and (width, height) from the first bytes of a file; None, None where it is no image."""
    try:
        name, (height, width) = format_and_size(path)
        return name, (width, height)
    except (OSError, CorruptImage):
        return None, None


def _some(names: list) -> str:
    shown = ", ".join(str(name) for name in names[:LISTED])
    return shown if len(names) <= LISTED else f"{shown} and {len(names) - LISTED} more"
