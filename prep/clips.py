"""Stage: videos and frame folders -> clips of a fixed size and length, split at hard cuts, judged, in one table.

Each source is decoded twice, one frame in memory at a time: first to find its shots (and whether it decodes to its
end), then to take the frames of each shot that is long enough.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import tyro
from pydantic import PositiveInt, TypeAdapter

from media.image import CorruptImage, cover_crop, list_images, read_rgb
from media.tables import folder_of
from media.video import VideoError, decode
from prep.datasets import Dataset, Selection, Source, read_registry, select_sources, unique_names
from prep.items import fresh_folder, item_row, judged, rejected, run_jobs, write_items
from prep.quality import Filters, Verdict, judge_length, judge_size
from vision.shots import find_shots

VERSION = 2


class ClipSelection(Selection):
    """Some sources, and how many source frames lie from one clip frame to the next."""

    stride: PositiveInt


class RejectedFolder(ValueError):
    """A frame folder that cannot be used, with the verdict on it."""

    def __init__(self, reason: str, detail: str):
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def read_source(source: Source) -> Iterator[np.ndarray]:
    """All frames of a source in order, uint8 RGB (H, W, 3). Raises VideoError or RejectedFolder."""
    frames = read_frame_folder(source.path) if source.kind == "frames" else decode(source.path)
    shape = None
    for index, frame in enumerate(frames):
        shape = shape or frame.shape
        if frame.shape != shape:
            size, first = (f"{width}x{height}" for height, width, _ in (frame.shape, shape))
            raise RejectedFolder("inconsistent_resolution", f"frame {index} is {size}, frame 0 is {first}")
        yield frame


def read_frame_folder(folder: Path) -> Iterator[np.ndarray]:
    """The images of a folder, by name with numbers in numerical order. Raises RejectedFolder."""
    paths = list_images(folder)
    if not paths:
        raise RejectedFolder("empty_file", "the folder holds no image")
    for path in paths:
        try:
            yield read_rgb(path)
        except CorruptImage as error:
            raise RejectedFolder("corrupt_image", str(error)) from error


def take_clips(frames: Iterator[np.ndarray], wanted: list[range], size: tuple[int, int]) -> Iterator[list[np.ndarray]]:
    """The frames at each range of indices (ascending, not overlapping), cover-cropped to `size`."""
    position = 0
    for indices in wanted:
        first, end = indices[0], indices[-1] + 1
        yield [cover_crop(frame, size) for frame in islice(frames, first - position, end - position, indices.step)]
        position = end


@dataclass(frozen=True)
class Recipe:
    """What every clip of a table is made by."""

    size: tuple[int, int]  # height, width
    length: int
    filters: Filters
    frames_dir: Path


def prepare_source(source: Source, name: str, strides: list[int], recipe: Recipe) -> list[dict]:
    """Make the clips of one source: a row for each stride and shot, or for each stride if it cannot be used."""
    try:
        shape = next(read_source(source)).shape[:2]
        shots = find_shots(read_source(source))
        return [row for stride in strides for row in prepare_shots(source, name, shape, shots, stride, recipe)]
    except (VideoError, RejectedFolder) as error:
        verdict = Verdict(error.reason, error.detail)
        return [rejected(item_row(f"{name}_stride{n}", source) | {"stride": n}, verdict) for n in strides]


def prepare_shots(
    source: Source, name: str, shape: tuple[int, int], shots: list[range], stride: int, recipe: Recipe
) -> list[dict]:
    """Make a clip of the beginning of each shot; a row a shot.

    Colours are judged before the length: another stride would mend a short shot, nothing a faded one.
    """
    rows = []
    too_small = judge_size(*shape, recipe.filters)
    wanted = [frames[::stride][: recipe.length] for frames in shots]
    clips = take_clips(read_source(source), wanted, recipe.size)
    for shot, frames in enumerate(shots):
        row = item_row(f"{name}_shot{shot}_stride{stride}", source, *shape)
        row |= {"shot": shot, "first_frame": frames.start, "stride": stride}
        if too_small:
            rows.append(rejected(row, too_small))
        else:
            too_short = judge_length(len(frames), recipe.length, stride)
            rows.append(judged(row, next(clips), recipe.filters, recipe.frames_dir, otherwise=too_short))
    return rows


def selected_strides(registry: dict[str, Dataset], selections: list[ClipSelection]) -> dict[Source, list[int]]:
    """The strides at which each source is wanted, sources and strides in the order of the selections, none twice."""
    strides: dict[Source, list[int]] = {}
    for selection in selections:
        for source in select_sources(registry, selection, kinds=("videos", "frames")):
            wanted = strides.setdefault(source, [])
            if selection.stride not in wanted:
                wanted.append(selection.stride)
    return strides


def main(
    *,
    datasets: Path,
    selections: str,
    size: tuple[int, int],
    length: int,
    filters: str,
    table: Path,
    workers: int = 1,
) -> None:
    """Prepare the clips of one split.

    Args:
        datasets: the registry of datasets.
        selections: JSON list of {dataset, files, stride}.
        size: height and width of the prepared frames.
        length: frames of a clip.
        filters: JSON of the thresholds (prep.quality.Filters).
        table: the table of clips to write; their frames go into the folder of its name, which is emptied first.
        workers: sources prepared at the same time.
    """
    wanted = TypeAdapter(list[ClipSelection]).validate_json(selections)
    strides = selected_strides(read_registry(datasets), wanted)
    names = unique_names(list(strides))
    recipe = Recipe(size, length, Filters.model_validate_json(filters), fresh_folder(folder_of(table)))
    jobs = [(source, names[source], strides[source], recipe) for source in strides]
    desc = f"clips {table.stem}"
    prepared = run_jobs(prepare_source, jobs, workers, desc)
    write_items([row for rows in prepared for row in rows], table, desc)


if __name__ == "__main__":
    tyro.cli(main)
