"""Stage: the most similar gallery images of each clip or photograph, as references to take colours from.

Similarity is the cosine of a backbone's pooled features of the two grey pictures (a clip's first frame): nothing is
known of an item's colours, and of its class only what a classifier makes of its grey frames. An item's own picture is
never its reference. Those that rows are given are written as pictures, cropped to the size of the clips.
"""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import tyro

from media.bar import Bar
from media.color import grey8, luminance_from_rgb
from media.faults import ending_plainly, listed, prepared
from media.image import cover_crop, frame_path, read_rgb, write_jpeg, write_png
from media.sheet import Panel, contact_sheet
from media.tables import CLIPS, GALLERY, REFERENCES, folder_of, kept, read_table, write_table
from media.writer import alone
from prep.datasets.imagenet import class_name
from prep.gallery import grey_features
from vision.backbones import Backbone, classifier_crop, load_backbone
from vision.retrieval import FeatureFiles, Scope, most_similar, write_features

JUDGED = 5  # frames of a clip that the classifier sees, spread over it
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
    known, own = [], []
    for index, table in enumerate(tables):
        images = kept_images(table, features, index)
        known.append(images[["clip", "sha256", "label"]])
        own.append(own_images(items, images))
    if not len(features):
        raise ValueError(
            f"{', '.join(map(str, tables[:3]))}: no image of the gallery was kept, so nothing can be a reference; "
            "see the column `reason`"
        )
    images = pd.concat(known)
    by_name = images.sort_values("clip", kind="stable")
    order = np.empty(len(images), np.int64)
    order[by_name.index] = np.arange(len(images))
    repeats = by_name["sha256"].duplicated().sort_index().to_numpy(bool)
    pairs = pd.concat(own)
    barred = {item: rows.to_numpy(np.int64) for item, rows in pairs.groupby("item")["image"]}
    return Gallery(tables, features, images["label"].fillna(-1).to_numpy(np.int64), order, repeats, barred)


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


def likeliest_classes(items: pd.DataFrame, folder: Path, classifier: Backbone, count: int) -> np.ndarray:
    """The `count` classes (Q, count) of the highest mean score over some grey frames of each item, highest first."""
    classes = []
    for clip, n_frames in Bar(zip(items["clip"], items["n_frames"], strict=True), "classes", len(items)):
        frames = np.unique(np.linspace(0, n_frames - 1, JUDGED).round().astype(int))
        pictures = [grey_picture(prepared_frame(folder / clip, index)) for index in frames]
        with torch.no_grad():
            scores = torch.stack(
                [classifier.logits(classifier_crop(picture, classifier.resize)[None])[0] for picture in pictures]
            )
        classes.append(scores.mean(dim=0).topk(count).indices.numpy())
    return np.stack(classes)


def prepared_frame(folder: Path, index: int) -> np.ndarray:
    """A frame of an item, uint8 RGB. Raises MachineFault if it cannot be read."""
    with prepared(frame_path(folder, index)):
        return read_rgb(frame_path(folder, index))


def gallery_image(path: str) -> np.ndarray:
    """An image of the gallery, uint8 RGB. Raises MachineFault if it is not there any more."""
    with listed(path, "the table of the gallery"):
        return read_rgb(path)


def grey_picture(rgb: np.ndarray) -> np.ndarray:
    """The lightness of a picture as the networks see it, as uint8 RGB."""
    return np.stack([grey8(luminance_from_rgb(rgb))] * 3, axis=-1)


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


def check_counts(items: pd.DataFrame, hits: list[tuple[np.ndarray, np.ndarray]], count: int, within: str) -> None:
    """Warn if some items have fewer than `count` references, or none; raise ValueError if no item has any."""
    counts = np.array([len(rows) for rows, _ in hits])
    few = items["clip"][counts < count]
    if not counts.any():
        raise ValueError(
            f"none of {len(items)} items ({', '.join(few[:3])}) has a reference: searched within {within!r}, the "
            "gallery has none but their own pictures; add images of other sources, or search more classes or "
            "`everywhere` (references.within)"
        )
    if len(few):
        warnings.warn(
            f"{len(few)} of {len(items)} items ({', '.join(few[:3])}) have fewer than {count} references, "
            f"{(counts == 0).sum()} of them none: searched within {within!r}, the gallery has no more",
            stacklevel=2,
        )


def find(
    items: pd.DataFrame, folder: Path, gallery: Gallery, network: Backbone, count: int, classes: np.ndarray | None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The images and similarities of each item's references. The items' features lie on disk while it lasts."""
    with tempfile.TemporaryDirectory() as scratch:
        asked = Path(scratch) / "queries.npy"
        clips = Bar(items["clip"], desc="references: queries")
        first_frames = (prepared_frame(folder / clip, 0) for clip in clips)
        write_features(asked, (grey_features(rgb, network)[None] for rgb in first_frames), len(items))
        scope = scope_of(gallery, classes, len(items))
        return most_similar(FeatureFiles([asked]), gallery.features, count, scope, gallery.order, "references: gallery")


def draw_sheets(references: pd.DataFrame, folder: Path, sheets: Path) -> None:
    """Draw a contact sheet of every item, `sheets`/<item>.jpg."""
    for item, rows in Bar(references.groupby("item"), desc="contact sheets"):
        write_jpeg(sheets / f"{item}.jpg", contact_sheet(list(panels_of(item, rows, folder))))


def write_pictures(references: pd.DataFrame, folder: Path, size: tuple[int, int]) -> None:
    """Write each reference once, cropped to `size` (height, width), as `folder`/<reference>/00000.png."""
    once = references.drop_duplicates("reference")
    for row in Bar(once.itertuples(), "references: pictures", len(once)):
        write_png(frame_path(folder / row.reference, 0), cover_crop(gallery_image(row.path), size))


def panels_of(item: str, rows: pd.DataFrame, folder: Path) -> Iterator[Panel]:
    """The pictures of an item's contact sheet: its first frame, that frame in grey, and its references."""
    rgb = prepared_frame(folder / item, 0)
    predicted = rows["item_class"].iloc[0]
    yield Panel(rgb, ("item, first frame", item))
    yield Panel(
        grey_picture(rgb), ("as it is searched", "" if pd.isna(predicted) else f"predicted: {class_name(predicted)}")
    )
    for row in rows.sort_values("rank").itertuples():
        named = "" if pd.isna(row.label) else class_name(row.label)
        yield Panel(gallery_image(row.path), (f"{row.rank}.  similarity {row.similarity:.3f}", row.reference, named))


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
) -> None:
    """Find the references of every kept item of a table.

    Args:
        queries: the table of clips or images that need references, beside the folder of their frames.
        gallery: the tables of the images to choose from (prep.gallery), each beside its features.
        backbone: the network whose features are compared; the gallery was made with the same one.
        weights: folder of weight files, for the networks that need one.
        classifier: the network that predicts an item's class, where that is asked for.
        table: the table of references to write.
        size: height and width of the pictures that are written.
        within: everywhere, class (an item's likeliest class), or the number of its likeliest classes.
        count: references an item.
        pictures: of how many references an item, from the most similar on, the cropped picture is written.
        sheets: draw a contact sheet of every item into the folder of the table's name.
    """
    items = kept(read_table(queries, CLIPS)).reset_index(drop=True)
    searched = classes_searched(within)
    shutil.rmtree(folder_of(table), ignore_errors=True)  # what an earlier run found must not pass for this one's
    if not len(items):
        write_table([], table, REFERENCES)
        return
    choice, classes = read_gallery(gallery, items), None
    if searched:
        check_labels(choice)
        classes = likeliest_classes(items, folder_of(queries), load_backbone(classifier, weights), searched)
    hits = find(items, folder_of(queries), choice, load_backbone(backbone, weights), count, classes)
    check_counts(items, hits, count, within)
    rows = ranked(items, hits, choice)
    rows["item_class"] = rows["item"].map(dict(zip(items["clip"], classes[:, 0], strict=True))) if searched else None
    write_pictures(rows[rows["rank"] <= pictures], folder_of(table), size)
    if sheets:
        draw_sheets(rows, folder_of(queries), folder_of(table))
    write_table(rows, table, REFERENCES)


if __name__ == "__main__":
    with ending_plainly():
        tyro.cli(alone(main))
