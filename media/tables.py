"""The Parquet tables in which the stages meet: their columns, and reading and writing them safely.

Every stage writes its table last and under a temporary name, so a table that exists is complete.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

# column -> pandas dtype. Nullable where a value can be absent: string, Int64, Float64.
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
    "chroma_spread": "Float64",  # sqrt(var a + var b), Lab units
    "sha256": "string",  # media.image.content_hash of the prepared frames
    "reason": "string",  # why it was rejected; null = kept
    "detail": "string",  # the reason in words, with the number that decided
}
FLOW = {"clip": "string", "n_pairs": "Int64", "visible": "Float64", "estimator": "string"}
REFERENCES = {
    "item": "string",  # the clip or image that is asked for
    "rank": "Int64",  # 1 = most similar
    "reference": "string",  # its id in the gallery table
    "path": "string",  # its image file
    "similarity": "Float64",  # cosine of the backbone's pooled features of the two grey images
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


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it into place only if the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    yield temporary
    os.replace(temporary, path)


def write_table(rows: pd.DataFrame | list[dict], path: str | Path, columns: dict[str, str]) -> pd.DataFrame:
    """Write rows as Parquet with exactly `columns`, in that order and with those types; returns the table.

    Raises ValueError naming a column that is not declared. A declared column that is absent is null.
    """
    table = pd.DataFrame(rows)
    unknown = sorted(set(table.columns) - set(columns))
    if unknown:
        raise ValueError(f"{path}: columns {unknown} are not declared in media/tables.py; expected {list(columns)}")
    table = table.reindex(columns=list(columns)).astype(columns)
    with written_whole(path) as temporary:
        table.to_parquet(temporary, index=False)
    return table


def read_table(path: str | Path, columns: dict[str, str]) -> pd.DataFrame:
    """Read a table written by `write_table`; raises ValueError if its columns are others than `columns`."""
    table = pd.read_parquet(path)
    if list(table.columns) != list(columns):
        raise ValueError(
            f"{path}: expected the columns {list(columns)}, found {list(table.columns)}; delete it and run again"
        )
    return table.astype(columns)


def folder_of(table_path: str | Path) -> Path:
    """The folder that belongs to a table: results/clips/test.parquet describes what lies in results/clips/test/."""
    return Path(table_path).with_suffix("")


def kept(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that were not rejected."""
    return table[table["reason"].isna()]
