"""Stage: the most similar gallery images of each clip or photograph, as references to take colours from.

Similarity is the cosine of a backbone's pooled features of the two grey pictures (a clip's first frame): nothing is
known of an item's colours or class. An item's own picture is never its reference.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import tyro
from tqdm import tqdm

from media.color import lab_from_rgb
from media.image import frame_path, read_frames
from media.tables import CLIPS, REFERENCES, folder_of, kept, read_table, write_table
from vision.backbones import Backbone, grey_rgb, load_backbone

VERSION = 1
BATCH = 16


def embed(pictures: pd.DataFrame, folder: Path, network: Backbone, desc: str) -> np.ndarray:
    """Unit-norm pooled features (N, C) of the grey first frame of each row's item; all frames have one size."""
    features = []
    for start in tqdm(range(0, len(pictures), BATCH), desc=desc, mininterval=5):
        first_frames = [next(read_frames(folder / clip, 1)) for clip in pictures["clip"][start : start + BATCH]]
        luminance = np.stack([lab_from_rgb(rgb)[..., 0] for rgb in first_frames])  # (B, H, W), 0..100
        with torch.no_grad():
            features.append(network.pooled(grey_rgb(torch.from_numpy(luminance)[:, None])).numpy())
    stacked = np.concatenate(features)
    return stacked / np.linalg.norm(stacked, axis=1, keepdims=True)


def best_references(item: pd.Series, gallery: pd.DataFrame, similarity: np.ndarray, count: int) -> list[dict]:
    """The `count` most similar rows of the gallery, most similar first, as rows of REFERENCES without `path`.

    A gallery image is passed over if it has the item's pixels or was made from the item's source, at whatever size
    and under whatever name.
    Warns if fewer than `count` remain; raises ValueError if none does.
    """
    own = gallery["source_sha256"].eq(item["source_sha256"]) | gallery["sha256"].eq(item["sha256"])
    own = own.fillna(False) | (gallery["dataset"].eq(item["dataset"]) & gallery["source"].eq(item["source"]))
    allowed = np.flatnonzero(~own)
    if not len(allowed):
        raise ValueError(
            f"{item['clip']}: the gallery has {len(gallery)} images and none but the item's own; "
            "add images of other sources to the gallery of this split"
        )
    if len(allowed) < count:
        warnings.warn(
            f"{item['clip']}: only {len(allowed)} of {count} references, the gallery has no more", stacklevel=2
        )
    best = allowed[np.argsort(-similarity[allowed], kind="stable")][:count]
    return [
        {
            "item": item["clip"],
            "rank": rank,
            "reference": gallery["clip"].iloc[index],
            "similarity": float(similarity[index]),
        }
        for rank, index in enumerate(best, start=1)
    ]


def main(
    *,
    queries: Path,
    gallery: Path,
    backbone: str,
    weights: Path,
    table: Path,
    count: int = 5,
) -> None:
    """Find the references of every kept item of a table.

    Args:
        queries: the table of clips or images that need references, beside the folder of their frames.
        gallery: the table of the images to choose from, beside their folder.
        backbone: the network whose features are compared.
        weights: folder of weight files, for the backbones that need one.
        table: the table of references to write.
        count: references an item.
    """
    wanted, choice = kept(read_table(queries, CLIPS)), kept(read_table(gallery, CLIPS))
    rows = []
    if len(wanted):
        if not len(choice):
            raise ValueError(
                f"{gallery}: no image of the gallery was kept, so nothing can be a reference; see its `reason`"
            )
        network = load_backbone(backbone, weights)
        asked = embed(wanted, folder_of(queries), network, "references: queries")
        similarity = asked @ embed(choice, folder_of(gallery), network, "references: gallery").T  # (queries, gallery)
        for (_, item), similar in zip(wanted.iterrows(), similarity, strict=True):
            rows += best_references(item, choice, similar, count)
    for row in rows:
        row["path"] = str(frame_path(folder_of(gallery) / row["reference"], 0))
    write_table(rows, table, REFERENCES)


if __name__ == "__main__":
    tyro.cli(main)
