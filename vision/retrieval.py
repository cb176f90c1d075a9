"""Exact search among features that are too many for memory: the rows of a gallery most similar to each query.

Features are unit rows, float32 (N, C), in .npy files; similarity is their inner product, the cosine. One pass over the
gallery serves all queries, block by block, so that memory depends on neither N nor C.

faiss finds the candidates in float32, whose last digits depend on how the rows are grouped. Those that rounding could
have put out of order are therefore compared once more in float64, pair by pair, and ties broken by a given order: the
result is the same however the gallery is cut into files and blocks.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import faiss
import numpy as np

from media.bar import Bar
from media.whole import written_whole

# A search holds a block of the gallery, the part of it that is compared and a block of the queries.
BLOCK_BYTES = 256 << 20
# Candidates beyond those asked for: room for near ties. Where it does not do, the query is compared with every row.
SPARE = 32


class FeatureFiles:
    """The rows of .npy files (N_i, C), float32, as one array (N, C) that stays on disk; rows count through all files.

    Raises ValueError naming the file if one is of another type or width than the others.
    """

    def __init__(self, paths: Sequence[Path], block_bytes: int = BLOCK_BYTES):
        self.paths = list(paths)
        headers = [np.load(path, mmap_mode="r") for path in self.paths]
        self.width = next((header.shape[1] for header in headers if header.size), 0)
        for path, header in zip(self.paths, headers, strict=True):
            if header.dtype != np.float32 or (header.size and header.shape[1:] != (self.width,)):
                raise ValueError(
                    f"{path}: expected float32 (N, {self.width}) as in the other files, found {header.dtype} "
                    f"{header.shape}; features of one search come from one network: make all of them again"
                )
        self.offsets = [header.offset for header in headers]
        self.starts = np.cumsum([0] + [len(header) for header in headers])  # first row of each file, and N
        self.block_rows = max(1, block_bytes // max(1, 4 * self.width))

    def __len__(self) -> int:
        return int(self.starts[-1])

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(index of the first row, rows (B, C)), in order."""
        for file, (start, stop) in enumerate(zip(self.starts[:-1], self.starts[1:], strict=True)):
            for first in range(start, stop, self.block_rows):
                yield first, self._read(file, first - start, min(self.block_rows, stop - first))

    def rows(self, wanted: np.ndarray) -> np.ndarray:
        """The rows of these indices, (len(wanted), C)."""
        rows = np.empty((len(wanted), self.width), np.float32)
        for place, row in enumerate(wanted):
            file = int(np.searchsorted(self.starts, row, side="right")) - 1
            rows[place] = self._read(file, row - self.starts[file], 1)
        return rows

    def _read(self, file: int, row: int, count: int) -> np.ndarray:
        # Read and not mapped: mapped pages would count as this process's memory until the kernel takes them back.
        offset = self.offsets[file] + 4 * self.width * int(row)
        return np.fromfile(self.paths[file], np.float32, count * self.width, offset=offset).reshape(count, self.width)


def write_features(path: str | Path, parts: Iterable[np.ndarray], count: int) -> None:
    """Write arrays (n_i, C), one at a time, as one float32 .npy of `count` rows, under a temporary name first."""
    parts = iter(parts)
    part = next(parts, np.empty((0, 0), np.float32))
    header = {"descr": "<f4", "fortran_order": False, "shape": (count, part.shape[1])}
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        while part is not None:
            file.write(part.astype("<f4").tobytes())  # tofile does not say that the disk is full
            part = next(parts, None)


@dataclass(frozen=True)
class Scope:
    """Where each query searches: a query finds the rows of the groups that it wants, but those barred from it."""

    groups: np.ndarray  # (N,) group of each gallery row, 0 or more; -1: no query finds it
    wanted: np.ndarray  # (Q, k) different groups
    barred: dict[int, np.ndarray] = field(default_factory=dict)  # query -> gallery rows

    def barred_from(self, query: int) -> np.ndarray:
        return self.barred.get(query, np.empty(0, np.int64))


@dataclass
class Leaders:
    """Each query's best rows so far, in float32: similarity (Q, L), falling, and rows (Q, L), -1 where none is yet."""

    similarity: np.ndarray
    rows: np.ndarray

    @classmethod
    def none_yet(cls, queries: int, length: int) -> "Leaders":
        return cls(np.full((queries, length), -np.inf, np.float32), np.full((queries, length), -1, np.int64))

    def merge(self, queries: np.ndarray, similarity: np.ndarray, rows: np.ndarray) -> None:
        """Take in rows (q, n) that were found for some of the queries."""
        similarity = np.concatenate([self.similarity[queries], similarity], axis=1)
        rows = np.concatenate([self.rows[queries], rows], axis=1)
        best = np.argsort(-similarity, axis=1, kind="stable")[:, : self.rows.shape[1]]
        self.similarity[queries] = np.take_along_axis(similarity, best, axis=1)
        self.rows[queries] = np.take_along_axis(rows, best, axis=1)


def most_similar(
    queries: FeatureFiles, gallery: FeatureFiles, count: int, scope: Scope, order: np.ndarray, desc: str = "search"
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The `count` most similar gallery rows of each query within its scope: rows and similarities (float64), falling.

    A query with fewer rows in its scope gets those. `order` (N,) says which of equally similar rows comes first.
    Raises ValueError if queries and gallery are not of one width.
    """
    if len(queries) and len(gallery) and queries.width != gallery.width:
        raise ValueError(
            f"the queries have {queries.width} features, the gallery in {gallery.paths[0]} has {gallery.width}; "
            "they were made with different networks: make the gallery again with this `backbone`"
        )
    most_barred = max(map(len, scope.barred.values()), default=0)
    leaders = find_leaders(queries, gallery, count + most_barred + SPARE, scope, desc)
    best = []
    for first, block in queries.blocks():
        for query, features in enumerate(block, start=first):
            rows = contenders(leaders, query, count, scope.barred_from(query), rounding(gallery.width))
            if rows is None:
                best.append(compare_all(features, query, gallery, count, scope, order))
            else:
                best.append(best_of(rows, exact_similarity(gallery.rows(rows), features), order, count))
    return best


def find_leaders(queries: FeatureFiles, gallery: FeatureFiles, length: int, scope: Scope, desc: str) -> Leaders:
    """Each query's `length` best rows of its groups, barred ones among them. One pass over the gallery."""
    leaders = Leaders.none_yet(len(queries), length)
    progress = Bar(total=len(gallery), desc=desc, unit="images")
    for first, block in gallery.blocks():
        groups = scope.groups[first : first + len(block)]
        for start, asking in queries.blocks():
            wanted = scope.wanted[start : start + len(asking)]
            for group in np.intersect1d(wanted, groups[groups >= 0]):
                rows, members = np.flatnonzero(groups == group), np.flatnonzero((wanted == group).any(axis=1))
                similarity, places = faiss.knn(
                    taken(asking, members), taken(block, rows), min(length, len(rows)), faiss.METRIC_INNER_PRODUCT
                )
                leaders.merge(start + members, similarity, first + rows[places])
        progress.update(len(block))
    progress.close()
    return leaders


def taken(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """array[rows] for rows in order, without a copy where that is all of it."""
    return array if len(rows) == len(array) else array[rows]


def rounding(width: int) -> float:
    """How far a float32 inner product of two unit rows may be off: 8 sqrt(C) u, u = 2^-24.

    The probabilistic bound of Higham and Mary, A new approach to probabilistic rounding error analysis (2019), with
    their constant at 8: it fails less than once in 10^13 products. The certain bound, C u, is far from ever reached.
    """
    return 8 * width**0.5 * 2.0**-24


def contenders(leaders: Leaders, query: int, count: int, barred: np.ndarray, rounding: float) -> np.ndarray | None:
    """The rows that may be among a query's `count` best; None if some of them may not be among its leaders."""
    rows, similarity = leaders.rows[query], leaders.similarity[query]
    allowed = (rows >= 0) & ~np.isin(rows, barred)
    if not allowed.any():
        return rows[allowed]
    least = similarity[allowed][:count][-1] - 2 * rounding
    if rows[-1] >= 0 and similarity[-1] >= least:
        return None
    return rows[allowed & (similarity >= least)]


def compare_all(
    features: np.ndarray, query: int, gallery: FeatureFiles, count: int, scope: Scope, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The best rows of one query by comparing it with every row of its scope: slow, for many near ties."""
    rows, similarity = np.empty(0, np.int64), np.empty(0)
    for first, block in gallery.blocks():
        inside = np.flatnonzero(np.isin(scope.groups[first : first + len(block)], scope.wanted[query]))
        inside = inside[~np.isin(first + inside, scope.barred_from(query))]
        rows = np.concatenate([rows, first + inside])
        similarity = np.concatenate([similarity, exact_similarity(taken(block, inside), features)])
        rows, similarity = best_of(rows, similarity, order, count)
    return rows, similarity


def exact_similarity(rows: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Inner products (n,) of rows (n, C) with features (C,), summed in float64 in an order of their own each."""
    return np.multiply(rows, features, dtype=np.float64).sum(axis=1)


def best_of(rows: np.ndarray, similarity: np.ndarray, order: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` most similar of some rows, most similar first, ties by `order`."""
    best = np.lexsort((order[rows], -similarity))[:count]
    return rows[best], similarity[best]
