"""Stage: videos and frame folders -> clips of a fixed size and length, split at hard cuts, judged; one shard of them.

Each source is decoded once, from its first frame to its last, with the frames of one clip in memory at a time.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
import tyro

from media.decoding import Bounds, DecodedPicture, VideoError, decode_pictures
from media.faults import ending_plainly, listed
from media.image import CorruptImage, Picture, cover_crop, read_rgb, square_size
from media.jobs import Task, key_of, run_tasks
from media.numbering import UnclearFolder, numbered_frames
from media.tables import CLIPS, folder_of, write_table
from media.versions import version_of
from prep.datasets.selection import Source
from prep.judging.quality import COLOR_THRESHOLDS, Filters, Verdict, judge_length, judge_size
from prep.judging.verdicts import frames_of, judge_file, judged, rejected, row_of, size_columns
from prep.sources import Takes, WholeSource, sources_of_shard
from vision.shots import split_into_shots

Frame = Picture | DecodedPicture


class RejectedFolder(ValueError):
    """Frames that cannot be used, with the verdict on them."""

    def __init__(self, reason: str, detail: str):
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class ClipRecipe:
    """What every clip of a set is made by."""

    size: tuple[int, int]  # height, width
    per_source: int | None  # clips made of one source at one stride, the first that are fit; None: one of each shot
    filters: Filters
    frames_dir: Path | None  # None: judge only


@dataclass
class Taken:
    """The frames of one shot, or of a whole source, at one stride, cropped, as far as it has come."""

    stride: int
    length: int | None
    size: tuple[int, int]
    frames: list[np.ndarray] = field(default_factory=list)
    source_size: tuple[int, int] = (0, 0)  # height, width

    def offer(self, index: int, frame: Frame) -> None:
        """Take frame `index` of the shot if a clip has it."""
        if index % self.stride == 0 and len(self.frames) != self.length:
            self.frames.append(cover_crop(frame.rgb, self.size, frame.pixel_aspect))
            self.source_size = square_size(frame.shape, frame.pixel_aspect)


def read_source(source: Source, max_pixels: int) -> Iterator[Frame]:
    """All frames of a source in order. Raises VideoError, RejectedFolder, or MachineFault where it cannot be read."""
    with listed(source.path):
        yield from _of_one_kind(
            read_frame_folder(source.path, max_pixels)
            if source.kind == "frames"
            else read_film(source.path, Bounds(max_pixels))
        )


def _of_one_kind(frames: Iterator[Frame]) -> Iterator[Frame]:
    shape = None
    for index, frame in enumerate(frames):
        shape = shape or frame.shape
        if frame.shape != shape:
            size, first = (f"{width}x{height}" for height, width, _ in (frame.shape, shape))
            raise RejectedFolder("inconsistent_resolution", f"frame {index} is {size}, frame 0 is {first}")
        yield frame


def read_film(path: Path, bounds: Bounds) -> Iterator[DecodedPicture]:
    """The frames of a video, where they are fit as ground truth. Raises VideoError, or RejectedFolder where not."""
    for index, frame in enumerate(decode_pictures(path, bounds)):
        if frame.high_dynamic_range:
            raise RejectedFolder("hdr", f"{frame.high_dynamic_range}: its colours in SDR would be a tone mapping's")
        if frame.interlaced:
            raise RejectedFolder("interlaced", f"the lines of frame {index} are of two moments; deinterlace it first")
        yield frame


def read_frame_folder(folder: Path, max_pixels: int) -> Iterator[Picture]:
    """The images of a folder, by name with numbers in numerical order. Raises RejectedFolder."""
    try:
        paths = numbered_frames(folder)
    except UnclearFolder as error:
        raise RejectedFolder(error.reason, str(error)) from error
    if not paths:
        raise RejectedFolder("empty_file", "the folder holds no image")
    for path in paths:
        try:
            yield Picture(read_rgb(path, max_pixels))
        except CorruptImage as error:
            raise RejectedFolder(error.reason, str(error)) from error


def prepare_source(source: Source, name: str, takes: Takes, recipe: ClipRecipe) -> list[dict]:
    """Make the clips of one source: a row for each stride and shot, or for each stride of what is taken whole or cannot
    be used."""
    row = row_of(name, source)
    rows: list[dict] = []
    try:
        if verdict := judge_file(row, source):
            raise RejectedFolder(*verdict)
        whole = [Taken(n, own.most, recipe.size) for n, own in takes.items() if isinstance(own, WholeSource)]
        of_shots = {n: own for n, own in takes.items() if not isinstance(own, WholeSource)}
        first = 0
        frames = _seen_by(whole, read_source(source, recipe.filters.max_pixels))
        for shot, numbered in groupby(split_into_shots(frames), key=lambda pair: pair[0]):
            wanted = still_wanted(rows, of_shots, recipe)
            made, length = prepare_shot((frame for _, frame in numbered), row, shot, first, wanted, recipe)
            rows, first = rows + made, first + length
        rows += [as_it_is(row, taken, recipe) for taken in whole if taken.frames]
    except (VideoError, RejectedFolder) as error:
        for made in rows:
            remove_frames(made, recipe)
        verdict = Verdict(error.reason, error.detail)
        return [rejected(row | {"clip": f"{name}_stride{n}", "stride": n}, verdict) for n in takes]
    return sorted(rows, key=lambda made: list(takes).index(made["stride"]))


def _seen_by(takers: list[Taken], frames: Iterable[Frame]) -> Iterator[Frame]:
    """The frames of a source, each offered to what takes the whole of it."""
    for index, frame in enumerate(frames):
        for taker in takers:
            taker.offer(index, frame)
        yield frame


def as_it_is(row: dict, taken: Taken, recipe: ClipRecipe) -> dict:
    """The clip of a whole source, which no threshold rejects."""
    made = row | {"clip": f"{row['clip']}_stride{taken.stride}", "shot": 0, "first_frame": 0, "stride": taken.stride}
    made |= size_columns(*taken.source_size)
    no_thresholds = recipe.filters.model_copy(update=dict.fromkeys(COLOR_THRESHOLDS, 0))
    too_short = judge_length(len(taken.frames), 2, 1)
    return judged(made, taken.frames, no_thresholds, recipe.frames_dir, otherwise=too_short)


def still_wanted(rows: list[dict], takes: Takes, recipe: ClipRecipe) -> Takes:
    """What further shots may give, when these rows are made."""
    if recipe.per_source is None:
        return takes
    made = [row["stride"] for row in rows if row["n_frames"]]
    return {stride: length for stride, length in takes.items() if made.count(stride) < recipe.per_source}


def prepare_shot(
    frames: Iterable[Frame], row: dict, shot: int, first: int, takes: Takes, recipe: ClipRecipe
) -> tuple[list[dict], int]:
    """Make a clip of the beginning of a shot at each stride: their rows, and how many frames the shot has.

    Colours are judged before the length: another stride would mend a short shot, nothing a faded one.
    """
    takers = [Taken(stride, length, recipe.size) for stride, length in takes.items()]
    count = 0
    for frame in frames:
        for taker in takers:
            taker.offer(count, frame)
        count += 1
    height, width = square_size(frame.shape, frame.pixel_aspect)
    too_small = judge_size(height, width, recipe.filters)
    rows = []
    for taker in takers:
        made = row | size_columns(height, width)
        made |= {"clip": f"{row['clip']}_shot{shot}_stride{taker.stride}"}
        made |= {"shot": shot, "first_frame": first, "stride": taker.stride}
        if too_small:
            rows.append(rejected(made, too_small))
        else:
            too_short = judge_length(count, taker.length or 2, taker.stride)
            rows.append(judged(made, taker.frames, recipe.filters, recipe.frames_dir, otherwise=too_short))
    return rows, count


def remove_frames(row: dict, recipe: ClipRecipe) -> None:
    """Remove the frames of a clip whose source turned out to be unusable."""
    if recipe.frames_dir is not None and row["n_frames"]:
        shutil.rmtree(recipe.frames_dir / row["clip"])


def main(
    *,
    sources: Path,
    shard: int,
    shards: int,
    size: tuple[int, int],
    per_source: int | None = None,
    filters: str,
    frames: Path,
    table: Path,
    workers: int = 1,
    scheduler: str = "threads",
) -> None:
    """Prepare the clips of one shard.

    Args:
        sources: the table of sources of the set.
        shard: which of its shards.
        shards: number of shards.
        size: height and width of the prepared frames.
        per_source: at most so many clips of one source at one stride; None: one of each shot.
        filters: JSON of the thresholds (prep.judging.quality.Filters).
        frames: the folder of all frames of the set, one folder a clip.
        table: the table of the shard's clips to write; the receipts of its sources go into the folder of its name.
        workers: sources prepared at the same time.
        scheduler: threads, or the address of a dask.distributed scheduler.
    """
    recipe = ClipRecipe(size, per_source, Filters.model_validate_json(filters), frames.resolve())
    tasks = [
        Task(
            name,
            key_of(version_of(__name__), size, per_source, recipe.filters, source.identity, name, takes, source.times),
            (source, name, takes, recipe),
        )
        for name, source, takes in sources_of_shard(sources, shard, shards)
    ]
    outputs, desc = partial(frames_of, frames_dir=recipe.frames_dir), f"clips {frames.name} shard {shard}"
    rows = run_tasks(prepare_source, tasks, folder_of(table), outputs, workers, scheduler, desc)
    write_table(rows, table, CLIPS)
    print(f"{desc}: {sum(1 for row in rows if row['n_frames'])} clips of {len(tasks)} sources")


if __name__ == "__main__":
    from prep import clips  # under its name: what is sent to a cluster must not lie in `__main__`

    with ending_plainly():
        tyro.cli(clips.main)
