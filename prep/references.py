"""Stage: the most similar gallery images of each clip or photograph, as references to take colours from.

Similarity is the cosine of a backbone's pooled features of the two grey pictures (a clip's first frame): nothing is
known of an item's colours, and of its class only what a classifier makes of its grey frames. An item's own picture is
never its reference. Those that rows are given are written as pictures, cropped to the size of the clips.

A set of many items is searched for in shards, and the tables of these are gathered into that of the set.
"""

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import tyro

from media.faults import ending_plainly
from media.jobs import are_in_shard
from media.tables import CLIPS, GALLERY, REFERENCES, folder_of, kept, read_table, tables_of, write_table
from media.versions import version_of
from media.writer import alone
from prep.gather_references import settle
from prep.queries import QueryNetworks, ShardWork, answers
from prep.reference_pictures import draw_sheets, write_pictures
from vision.retrieval import FeatureFiles, Scope, most_similar, write_features

# An image that agrees with an item in all columns of one of these is the item's own picture.
OWN = (["source_sha256"], ["sha256"], ["dataset", "source"])


@dataclass
class Gallery:
    """What a search needs to know of the kept images, which count through all tables; the rest stays on disk."""

    tables: list[Path]
    features: FeatureFiles
    labels: np.ndarray  # (N,) class index, -1 where the dataset gives none
    order: np.ndarray  # (N,) place among the names: which of equally similar images comes first
    repeats: np.ndarray  # (N,) True where an image with an earlier name has the same pixels
    own: dict[int, np.ndarray]  # item's place in the table of queries -> its own images


def read_gallery(tables: list[Path], items: pd.DataFrame) -> Gallery:
    """Look through the tables, one in memory at a time. Raises ValueError if there is nothing to choose from."""
    features = FeatureFiles([table.with_suffix(".npy") for table in tables])
    names, pixels, labels, own = [], [], [], []
    for index, table in enumerate(tables):
        images = kept_images(table, features, index)
        names.append(pa.array(images["clip"], pa.large_string()))
        pixels.append(digests_of(images["sha256"]))
        labels.append(images["label"].fillna(-1).to_numpy(np.int64))
        own.append(own_images(items, images))
    if not len(features):
        raise ValueError(
            f"{', '.join(map(str, tables[:3]))}: no image of the gallery was kept, so nothing can be a reference; "
            "see the column `reason`"
        )
    by_name = pc.array_sort_indices(pa.chunked_array(names)).to_numpy()
    order, repeats = np.empty(len(by_name), np.int64), np.empty(len(by_name), bool)
    order[by_name] = np.arange(len(by_name))
    repeats[by_name] = pd.DataFrame(np.concatenate(pixels)[by_name]).duplicated()
    pairs = pd.concat(own)
    barred = {item: rows.to_numpy(np.int64) for item, rows in pairs.groupby("item")["image"]}
    return Gallery(tables, features, np.concatenate(labels), order, repeats, barred)


def digests_of(texts: pd.Series) -> np.ndarray:
    """(N, 2) whole numbers, equal for equal texts and, but for once in 10^26 for a million, different for others."""
    keys = ("0123456789abcdef", "fedcba9876543210")
    return np.stack([pd.util.hash_array(texts.to_numpy(object), hash_key=key) for key in keys], axis=1)


def kept_images(table: Path, features: FeatureFiles, index: int) -> pd.DataFrame:
    """The kept rows of table number `index`, indexed by their place in the whole gallery."""
    images = kept(read_table(table, GALLERY)).sort_values("row")
    first, stop = features.starts[index : index + 2]
    if len(images) != stop - first:
        raise ValueError(
            f"{table}: it keeps {len(images)} images, but {features.paths[index].name} has features of {stop - first}; "
            "they are of different runs: delete both and run again"
        )
    return images.set_index(np.arange(first, stop))


def own_images(items: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Pairs (item, image), by their places, where the image has the item's pixels or was made from its source.

    At whatever size and under whatever name; what is unknown agrees with nothing.
    """
    pairs = []
    for columns in OWN:
        left, right = (
            table[columns].dropna().rename_axis(name).reset_index()
            for table, name in ((items, "item"), (images, "image"))
        )
        pairs.append(left.merge(right, on=columns)[["item", "image"]])
    return pd.concat(pairs).drop_duplicates()


def classes_searched(within: str) -> int | None:
    """How many of an item's likeliest classes are searched: 1 for `class`, k for a number, None for `everywhere`."""
    if within == "everywhere":
        return None
    count = 1 if within == "class" else int(within) if within.isdecimal() else 0
    if not 1 <= count <= 1000:
        raise ValueError(
            f"references are sought within {within!r}; expected `everywhere`, `class` (the likeliest one), "
            "or how many of the likeliest classes, 1 to 1000"
        )
    return count


def check_labels(gallery: Gallery) -> None:
    """Raise ValueError if no image can be found by class; warn if some cannot."""
    unlabeled = int((gallery.labels < 0).sum())
    if unlabeled == len(gallery.labels):
        raise ValueError(
            f"{gallery.tables[0].parent}: no image of the gallery has a class, so none can be found by class; give its "
            "dataset the kind ilsvrc or a label_pattern in the registry, or search `everywhere` (references.within)"
        )
    if unlabeled:
        warnings.warn(
            f"{unlabeled} of {len(gallery.labels)} images of the gallery have no class and are not searched",
            stacklevel=2,
        )


def scope_of(gallery: Gallery, classes: np.ndarray | None, items: int) -> Scope:
    """Every item searches the whole gallery, or its classes (Q, k) there; never its own images, none of them twice."""
    if classes is None:
        groups, wanted = np.zeros_like(gallery.labels), np.zeros((items, 1), np.int64)
    else:
        groups, wanted = gallery.labels, classes
    return Scope(np.where(gallery.repeats, -1, groups), wanted, gallery.own)


def ranked(items: pd.DataFrame, hits: list[tuple[np.ndarray, np.ndarray]], gallery: Gallery) -> pd.DataFrame:
    """The rows of REFERENCES, without `item_class`, of the images (and similarities) found for each item."""
    counts = [len(rows) for rows, _ in hits]
    table = pd.DataFrame(
        {
            "item": np.repeat(items["clip"].to_numpy(), counts),
            "rank": np.concatenate([np.arange(1, count + 1) for count in counts]),
            "image": np.concatenate([rows for rows, _ in hits]),
            "similarity": np.concatenate([similarity for _, similarity in hits]),
        }
    )
    chosen = []
    for index, path in enumerate(gallery.tables):
        images = kept_images(path, gallery.features, index)[["clip", "path", "label"]]
        chosen.append(images.loc[images.index.isin(table["image"])].rename(columns={"clip": "reference"}))
    return table.join(pd.concat(chosen), on="image").drop(columns="image")


def search(
    items: pd.DataFrame, queries: Path, tables: list[Path], networks: QueryNetworks, count: int, work: ShardWork
) -> pd.DataFrame:
    """The rows of REFERENCES of some items. Their features lie together on disk while it lasts."""
    if not len(items):
        return pd.DataFrame(columns=list(REFERENCES))
    gallery = read_gallery(tables, items)
    if networks.classes:
        check_labels(gallery)
    features, classes = answers(items, folder_of(queries).resolve(), networks, work)
    with tempfile.TemporaryDirectory() as scratch:
        asked = Path(scratch) / "queries.npy"
        write_features(asked, map(np.load, features), len(items))
        scope = scope_of(gallery, classes, len(items))
        hits = most_similar(FeatureFiles([asked]), gallery.features, count, scope, gallery.order, "references: gallery")
    rows = ranked(items, hits, gallery)
    predicted = None if classes is None else rows["item"].map(dict(zip(items["clip"], classes[:, 0], strict=True)))
    return rows.assign(item_class=predicted)


def draw(
    rows: pd.DataFrame,
    items: pd.DataFrame,
    queries: Path,
    size: tuple[int, int],
    pictures: int,
    sheets: bool,
    work: ShardWork,
) -> None:
    """Write the pictures of the references that are found: see `main`."""
    write_pictures(rows[rows["rank"] <= pictures], size, work)
    if sheets:
        draw_sheets(rows, items, folder_of(queries).resolve(), work)


def items_of(queries: Path, shard: int, shards: int) -> pd.DataFrame:
    """The kept items of a shard."""
    items = kept(read_table(queries, CLIPS))
    return items[are_in_shard(items["clip"], shard, shards)].reset_index(drop=True)


def work_of(table: Path, folder: Path | None, workers: int, scheduler: str) -> ShardWork:
    """How the job that writes a table does its tasks."""
    receipts = folder_of(table) if folder else table.with_suffix(".receipts")
    pictures = folder or folder_of(table)
    return ShardWork(receipts.resolve(), pictures.resolve(), version_of("prep.references"), workers, scheduler)


def main(
    *,
    queries: Path,
    gallery: list[Path],
    backbone: str,
    weights: Path,
    classifier: str,
    table: Path,
    size: tuple[int, int],
    within: str = "everywhere",
    count: int = 5,
    pictures: int = 0,
    sheets: bool = False,
    gallery_shards: int | None = None,
    shard: int = 0,
    shards: int = 1,
    folder: Path | None = None,
    device: str = "cpu",
    workers: int = 1,
    scheduler: str = "threads",
) -> None:
    """Find the references of every kept item of a table, or of one shard of them.

    Args:
        queries: the table of clips or images that need references, beside the folder of their frames.
        gallery: the tables of the images to choose from (prep.gallery), each beside its features; or their folder.
        backbone: the network whose features are compared; the gallery was made with the same one.
        weights: folder of weight files, for the networks that need one.
        classifier: the network that predicts an item's class, where that is asked for.
        table: the table of references to write.
        size: height and width of the pictures that are written.
        within: everywhere, class (an item's likeliest class), or the number of its likeliest classes.
        count: references an item.
        pictures: of how many references an item, from the most similar on, the cropped picture is written.
        sheets: draw a contact sheet of every item into the folder of the pictures.
        gallery_shards: how many tables lie in the folder of the gallery: 0.parquet and on.
        shard: which shard of the items.
        shards: number of shards; of several, the tables are gathered (prep.gather_references).
        folder: the folder of the whole set's pictures, for one of several shards; else that of the table's name.
        device: where networks run: cpu, cuda, or auto for a GPU where there is one.
        workers: items at the same time.
        scheduler: threads, or the address of a dask.distributed scheduler.
    """
    networks = QueryNetworks(backbone, classifier, classes_searched(within), weights.resolve(), device)
    work, items = work_of(table, folder, workers, scheduler), items_of(queries, shard, shards)
    rows = search(items, queries, tables_of(gallery, gallery_shards), networks, count, work)
    draw(rows, items, queries, size, pictures, sheets, work)
    if shards == 1:
        settle(rows, items, work.pictures, count, within, pictures, sheets)
    write_table(rows, table, REFERENCES)


if __name__ == "__main__":
    with ending_plainly():
        tyro.cli(alone(main))
