"""Stage: the files that a set is made of, each with its name and what is wanted of it, in one table."""

import json
import os
from pathlib import Path
from typing import Literal, NamedTuple

import tyro
from pydantic import PositiveInt, TypeAdapter

from media.jobs import hashes_of_shard, place_of
from media.tables import SOURCES, read_table, records, write_table
from media.text import print_any_letter
from prep.datasets.registry import read_registry
from prep.datasets.selection import Selection, Source, identity_of, select_sources, unique_names

# Kinds of datasets that clips and images are made from.
KINDS = {"clips": ("videos", "frames", "davis"), "images": ("images", "ilsvrc")}


class WholeSource(NamedTuple):
    """A source that is taken as it is: not split at cuts, and by no threshold too dark, too pale or too small."""

    most: int | None = None  # frames in a trial; None: all


# What is made of one source: stride (source frames from one clip frame to the next) -> frames of the clip, None for
# whole shots, or the whole source.
Takes = dict[int, int | WholeSource | None]


class ClipSelection(Selection):
    """Some sources, and what clips are made of them."""

    stride: PositiveInt = 1
    # Frames; None: as many as all clips have; whole: those of each shot; source: those of the source, taken as it is.
    length: PositiveInt | Literal["whole", "source"] | None = None
    most: PositiveInt | None = None  # in a trial: at most so many of these frames

    def frames(self, usual: int) -> int | WholeSource | None:
        """Frames of a clip, of which most have `usual`."""
        if self.length == "source":
            return WholeSource(self.most)
        return self.most if self.length == "whole" else self.length or usual


def selected(datasets: Path, selections: list[ClipSelection], kind: str, length: int) -> dict[Source, Takes]:
    """What is wanted of each source, in the order of the selections; of two for one source and stride, the first."""
    registry = read_registry(datasets)
    wanted: dict[Source, Takes] = {}
    for selection in selections:
        for source in select_sources(registry, selection, kinds=KINDS[kind]):
            wanted.setdefault(source, {}).setdefault(selection.stride, selection.frames(length))
    return wanted


def sources_of_shard(table: Path, shard: int, shards: int) -> list[tuple[str, Source, Takes]]:
    """Name, source and wanted clips of each file of a shard, in the order of the selections.

    Raises ValueError for a shard that there is not.
    """
    first, end = hashes_of_shard(shard, shards)
    rows = records(read_table(table, SOURCES, within=("hash", first, end)))
    rows.sort(key=lambda row: row["position"])
    return [(row["name"], _source(row), takes_of(row["takes"])) for row in rows]


def takes_of(text: str) -> Takes:
    """What the column `takes` of a table of sources says."""
    return {stride: WholeSource(*own) if isinstance(own, list) else own for stride, own in json.loads(text)}


def _source(row: dict) -> Source:
    return Source(
        row["dataset"], row["kind"], Path(row["path"]), row["file"], row["label"], row["checksum"], row["unusable"]
    )


def main(*, datasets: Path, selections: str, kind: str, table: Path, length: int = 1) -> None:
    """List the sources of one set.

    Args:
        datasets: the registry of datasets.
        selections: JSON list of {dataset, files}, optionally count, and for clips stride and length.
        kind: clips or images.
        table: the table of sources to write.
        length: frames of a clip, where its selection does not say.
    """
    wanted = selected(datasets, TypeAdapter(list[ClipSelection]).validate_json(selections), kind, length)
    names = unique_names(list(wanted))
    rows = [
        {
            "name": names[source],
            "dataset": source.dataset,
            "kind": source.kind,
            "path": os.path.abspath(source.path),
            "file": source.file,
            "label": source.label,
            "checksum": source.checksum,
            "unusable": source.unusable,
            "takes": json.dumps(list(takes.items())),
            "position": position,
            "hash": place_of(identity_of(source)),
        }
        for position, (source, takes) in enumerate(wanted.items())
    ]
    # Sorted, so that a shard lies in one piece; two files have one hash when two lotteries are won.
    write_table(sorted(rows, key=lambda row: row["hash"]), table, SOURCES)
    bad = sum(1 for row in rows if row["unusable"])
    print(f"sources {kind} {table.stem}: {len(rows)}" + (f", of which {bad} cannot be read" if bad else ""))


if __name__ == "__main__":
    print_any_letter()
    tyro.cli(main)
