"""The Parquet tables in which the stages meet: their columns, and reading and writing them safely.

Every stage writes its table last and under a temporary name, so a table that exists is complete.
"""

from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import chain, islice
from pathlib import Path

import pandas as pd
from pyarrow import Schema
from pyarrow import Table as ArrowTable
from pyarrow.parquet import ParquetFile, ParquetWriter

from media.faults import MachineFault
from media.places import locating, storing
from media.whole import written_whole

# column -> pandas dtype. Nullable where a value can be absent: string, Int64, Float64.
SOURCES = {
    "name": "string",  # what its items are called after, unique in its table
    "dataset": "string",
    "kind": "string",  # videos or images (a file), frames (a folder of images)
    "path": "string",  # the file itself (media.places: stored so that it may be moved with the table)
    "file": "string",  # relative to the dataset's root
    "label": "Int64",  # ImageNet class index, where the dataset gives one
    "checksum": "string",  # SHA-256 that the file ought to have, where the dataset has a list of them
    "unusable": "string",  # why it cannot be read, as was seen when it was listed; null = it can
    "takes": "string",  # JSON list of [stride, length] of the clips that are wanted of it (prep.sources.takes_of)
    "position": "Int64",  # in the order of the selections; within one by name, or where items are counted, as drawn
    "hash": "Int64",  # of dataset and file, below 2^62; a shard is a range of it (media.jobs)
}
CLIPS = {
    "clip": "string",  # folder name, unique in its table
    "dataset": "string",
    "source": "string",  # file, relative to the dataset's root
    "source_sha256": "string",  # of the file's bytes; null for a folder of frames
    "shot": "Int64",  # index from 0 between hard cuts; null where the file could not be decoded
    "first_frame": "Int64",  # index in the source of the clip's frame 0
    "stride": "Int64",  # source frames from one clip frame to the next
    "n_frames": "Int64",  # frames in the clip's folder; 0 where rejected
    "source_height": "Int64",
    "source_width": "Int64",
    "orientation": "string",  # landscape, portrait or square
    "label": "Int64",  # ImageNet class index, where the dataset gives one
    "mean_l": "Float64",  # mean Lab lightness
    "mean_chroma": "Float64",  # mean of sqrt(a^2 + b^2), Lab units
    "chroma_spread": "Float64",  # sqrt(var a + var b) of what lightness does not explain, Lab units (docs/filters.md)
    "sha256": "string",  # media.image.content_hash of the prepared frames
    "fingerprint": "string",  # prep.judging.fingerprint: nearly equal for nearly equal pictures
    "reason": "string",  # why it was rejected; null = kept
    "detail": "string",  # the reason in words, with the number that decided
}
FLOW = {"clip": "string", "n_pairs": "Int64", "visible": "Float64", "estimator": "string"}
GALLERY = {
    "clip": "string",  # the image's name, unique in its set
    "dataset": "string",
    "source": "string",  # file, relative to the dataset's root
    "path": "string",  # the same file, as in SOURCES
    "source_sha256": "string",  # of the file's bytes
    "source_height": "Int64",
    "source_width": "Int64",
    "orientation": "string",  # landscape, portrait or square
    "label": "Int64",  # ImageNet class index, where the dataset gives one
    "mean_l": "Float64",  # as in CLIPS, of the image as it is searched: cropped to the size of the gallery
    "mean_chroma": "Float64",
    "chroma_spread": "Float64",
    "sha256": "string",  # media.image.content_hash of the crop
    "fingerprint": "string",
    "reason": "string",  # why it was rejected; null = kept
    "detail": "string",
    "row": "Int64",  # of its features in the .npy beside the table; null where rejected
}
REFERENCES = {
    "item": "string",  # the clip or image that is asked for
    "rank": "Int64",  # 1 = most similar
    "reference": "string",  # its name in the gallery
    "path": "string",  # its source file, uncropped; as in SOURCES
    "similarity": "Float64",  # cosine of the backbone's pooled features of the two grey images
    "label": "Int64",  # the reference's ImageNet class index, where its dataset gives one
    "item_class": "Int64",  # the class that was predicted for the item's grey frames; null where none was asked for
}
COLORIZED = {
    "item": "string",
    "kind": "string",  # clips or images
    "n_frames": "Int64",
    "seconds": "Float64",
    "reason": "string",  # null = coloured
    "detail": "string",
}
SCORES = {
    "row": "string",  # the benchmark row (method)
    "metric": "string",
    "kind": "string",
    "item": "string",  # null for a metric of the whole set
    "frame": "Int64",  # null for a metric of the whole item
    "value": "Float64",
}

# Rows that are read together where a reader asks for some (`within` of `read_table`).
ROW_GROUP = 10_000


def write_table(rows: pd.DataFrame | list[dict], path: str | Path, columns: dict[str, str]) -> pd.DataFrame:
    """Write rows as Parquet with exactly `columns`, in that order and with those types; returns the table.

    Raises ValueError naming a column that is not declared. A declared column that is absent is null.
    """
    table = _typed(rows, path, columns)
    stored = _with_paths(table, storing(path))
    with written_whole(path) as temporary:
        stored.to_parquet(temporary, index=False, row_group_size=ROW_GROUP)
    return table


def write_rows(rows: Iterable[dict], path: str | Path, columns: dict[str, str]) -> int:
    """Write rows as they come, to the same bytes as `write_table`: only ROW_GROUP of them are in memory.

    Returns how many they are. Raises ValueError naming a column that is not declared.
    """
    remaining, spell, count = iter(rows), storing(path), 0
    groups = iter(lambda: list(islice(remaining, ROW_GROUP)), [])
    schema = Schema.from_pandas(_typed([], path, columns), preserve_index=False)
    with written_whole(path) as temporary, ParquetWriter(temporary, schema) as writer:
        for group in chain([next(groups, [])], groups):  # of no rows an empty group
            table = _with_paths(_typed(group, path, columns), spell)
            writer.write_table(ArrowTable.from_pandas(table, schema, preserve_index=False, nthreads=1))
            count += len(group)
    return count


def stream_rows(path: str | Path, columns: dict[str, str]) -> Iterator[dict]:
    """The rows of a table one after the other, nulls as None; one group of them is in memory."""
    for table in read_groups(path, columns):
        yield from records(table)


def merged_rows(paths: list[Path], columns: dict[str, str], order: list[tuple[str, str]]) -> Iterator[dict]:
    """The rows of several tables as one, in the order of (kind, item), in which each of them is already.

    Raises MachineFault unless they have exactly these items.
    """
    place = {item: index for index, item in enumerate(order)}
    seen: dict[tuple[str, str], None] = {}
    merged = merge(*(stream_rows(path, columns) for path in paths), key=lambda row: place.get(_item(row), -1))
    for row in merged:
        seen[_item(row)] = None
        yield row
    if odd := sorted(seen.keys() ^ place.keys()):
        raise MachineFault(
            f"{paths[0].parent}: the tables of the shards and that of the items differ in {len(odd)} of these, such as "
            f"{' '.join(odd[0])}; remove the tables of the shards and run again"
        )


def _item(row: dict) -> tuple[str, str]:
    return row["kind"], row["item"]


def read_groups(path: str | Path, columns: dict[str, str]) -> Iterator[pd.DataFrame]:
    """A table as `read_table` reads it, one group of rows after the other. Raises ValueError for other columns."""
    with ParquetFile(path) as file:
        _check_columns(file, path, columns)
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, use_threads=False).to_pandas(use_threads=False).astype(columns)
            yield _with_paths(table, locating(path))


def _typed(rows: pd.DataFrame | list[dict], path: str | Path, columns: dict[str, str]) -> pd.DataFrame:
    """Rows as a table of these columns. Raises ValueError for one that is not declared."""
    table = pd.DataFrame(rows)
    unknown = sorted(set(table.columns) - set(columns))
    if unknown:
        raise ValueError(f"{path}: columns {unknown} are not declared in media/tables.py; expected {list(columns)}")
    return table.reindex(columns=list(columns)).astype(columns)


def _check_columns(file: ParquetFile, path: str | Path, columns: dict[str, str]) -> None:
    there = file.schema_arrow.names
    if there != list(columns):
        raise ValueError(f"{path}: expected the columns {list(columns)}, found {there}; delete it and run again")


def read_table(path: str | Path, columns: dict[str, str], within: tuple[str, int, int] | None = None) -> pd.DataFrame:
    """Read a table written by `write_table`; raises ValueError if its columns are others than `columns`.

    within: (column, first, end), to read only rows with first <= column < end; other groups of rows are passed over.
    """
    # On one thread and without pandas' reader: pyarrow's pools now and then abort a program that ends while they are
    # being taken down ("terminate called without an active exception", apache/arrow issues 34314 and 50482).
    with ParquetFile(path) as file:
        _check_columns(file, path, columns)
        groups = [group for group in range(file.num_row_groups) if within is None or _overlaps(file, group, *within)]
        table = file.read_row_groups(groups, use_threads=False).to_pandas(use_threads=False).astype(columns)
    table = _with_paths(table, locating(path))
    if within is None:
        return table
    column, first, end = within
    return table[table[column].between(first, end, inclusive="left")].reset_index(drop=True)


def _with_paths(table: pd.DataFrame, spell: Callable[[str], str]) -> pd.DataFrame:
    """The table with its paths, if it has any, in another spelling."""
    if "path" not in table.columns:
        return table
    return table.assign(path=table["path"].map(spell, na_action="ignore").astype("string"))


def _overlaps(file: ParquetFile, group: int, column: str, first: int, end: int) -> bool:
    """Whether a group of rows may have values in the range: by its statistics, if it has them."""
    statistics = file.metadata.row_group(group).column(file.schema_arrow.names.index(column)).statistics
    return statistics is None or not statistics.has_min_max or (statistics.max >= first and statistics.min < end)


def records(table: pd.DataFrame) -> list[dict]:
    """The rows of a table as dicts, nulls as None."""
    return table.astype(object).where(table.notna(), None).to_dict("records")


def tables_of(given: list[Path], count: int | None) -> list[Path]:
    """The tables that a command names: those given or, with a count, `count` of them, 0.parquet and on, in one folder.

    A large set has more than a command can list. Raises ValueError for a count and other than one folder.
    """
    if count is None:
        return given
    if len(given) != 1 or not count:
        raise ValueError(f"{count} tables in {', '.join(map(str, given))}: expected one folder with at least one table")
    return [given[0] / f"{shard}.parquet" for shard in range(count)]


def folder_of(table_path: str | Path) -> Path:
    """The folder that belongs to a table: results/clips/test.parquet describes what lies in results/clips/test/."""
    return Path(table_path).with_suffix("")


def kept(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that were not rejected."""
    return table[table["reason"].isna()]


def shortfalls(table: pd.DataFrame, counts: dict[str, int]) -> list[str]:
    """In words, which datasets gave a set fewer items than are wanted of them. table: columns CLIPS."""
    said = []
    for dataset, wanted in counts.items():
        own = table[table["dataset"] == dataset]
        if (have := len(kept(own))) < wanted:
            files = own["source"].nunique()
            said.append(
                f"{dataset}: {have} items instead of {wanted}; its draw of {files} files has no more that are fit"
            )
    return said
