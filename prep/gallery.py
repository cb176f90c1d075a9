"""Stage: the images that references are chosen from -> their features, and a table of what each of them is; one shard.

Images are judged and compared as `prep.images` would prepare them, but no picture is written: the table says where the
source lies, and whoever shows or uses a reference crops it again.
"""

import hashlib
import shutil
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
import tyro

from media.color import luminance_from_rgb
from media.faults import ending_plainly
from media.jobs import Task, key_of, run_tasks
from media.tables import GALLERY, folder_of, write_table
from media.versions import version_of
from prep import images
from prep.datasets.selection import Source
from prep.judging.quality import Filters
from prep.judging.verdicts import judged, summary
from prep.sources import sources_of_shard
from vision.backbones import Backbone, grey_rgb, load_backbone
from vision.placing import device_called, device_of
from vision.retrieval import write_features

PART = 256  # images that are saved together: some ten seconds of work


def grey_features(rgb: np.ndarray, network: Backbone) -> np.ndarray:
    """Unit-norm pooled features (C,), float32, of the lightness of a picture, uint8 RGB (H, W, 3).

    One picture at a time: on a processor this is three times faster than batches of 16, and the last digits of a
    picture's features do not depend on its neighbours.
    """
    luminance = torch.from_numpy(luminance_from_rgb(rgb)).to(device_of(network))  # (H, W), 0..100
    with torch.no_grad():
        features = network.pooled(grey_rgb(luminance[None, None]))[0].cpu().numpy()
    return features / max(np.linalg.norm(features), np.finfo(np.float32).tiny)


def make_part(
    part: list[tuple[str, Source]],
    size: tuple[int, int],
    filters: Filters,
    backbone: str,
    weights: Path,
    device: str,
    path: Path,
) -> list[dict]:
    """The rows of some images: those of GALLERY but `row`, and `part`, the file with the features of the kept ones."""
    rows, features = [], []
    for name, source in part:
        image, crop = images.read_image(source, name, size, filters)
        if crop is not None:
            image = judged(image, [crop], filters, frames_dir=None)
        row = {column: image.get(column) for column in GALLERY if column != "row"}
        rows.append(row | {"part": path.name})
        if row["reason"] is None:
            features.append(grey_features(crop, network_of(backbone, weights, device)))
    write_features(path, [np.stack(features)] if features else [], len(features))
    return rows


@cache
def network_of(name: str, weights: Path, device: str) -> Backbone:
    """The network on a device (vision.placing), loaded once a process."""
    return load_backbone(name, weights).to(device_called(device))


def digest_of_network(network: Backbone) -> str:
    """SHA-256 of a network's weights."""
    sha256 = hashlib.sha256()
    for tensor in network.state_dict().values():
        sha256.update(tensor.cpu().numpy().tobytes())
    return sha256.hexdigest()


def main(
    *,
    sources: Path,
    shard: int,
    shards: int,
    size: tuple[int, int],
    filters: str,
    backbone: str,
    weights: Path,
    table: Path,
    device: str = "cpu",
    workers: int = 1,
    scheduler: str = "threads",
) -> None:
    """Prepare one shard of a gallery. A run that was stopped goes on after the parts that it finished.

    Args:
        sources: the table of sources of the image set.
        shard: which of its shards.
        shards: number of shards.
        size: height and width that images are cropped to before they are judged and compared.
        filters: JSON of the thresholds (prep.judging.quality.Filters).
        backbone: the network whose features are compared.
        weights: folder of weight files, for the backbones that need one.
        table: the table to write; features go beside it as .npy, finished parts, while it runs, into a folder.
        device: where the network runs: cpu, cuda, or auto for a GPU where there is one.
        workers: parts prepared at the same time.
        scheduler: threads, or the address of a dask.distributed scheduler.
    """
    thresholds = Filters.model_validate_json(filters)
    parts, weights = folder_of(table).resolve(), weights.resolve()
    (parts / "features").mkdir(parents=True, exist_ok=True)
    settings = [
        version_of(__name__),
        size,
        thresholds,
        backbone,
        digest_of_network(network_of(backbone, weights, device)),
    ]
    named = [(name, source) for name, source, _ in sources_of_shard(sources, shard, shards)]
    paths, tasks = {name: str(source.path) for name, source in named}, []
    for start in range(0, len(named), PART):
        part, path = named[start : start + PART], parts / f"features/{start:08d}.npy"
        key = key_of(settings, [[name, source.identity, source.times] for name, source in part])
        tasks.append(Task(path.stem, key, (part, size, thresholds, backbone, weights, device, path)))
    desc = f"gallery {table.parent.name} {table.stem}"
    rows = run_tasks(make_part, tasks, parts / "receipts", partial(features_of, parts=parts), workers, scheduler, desc)
    join([row | {"path": paths[row["clip"]]} for row in rows], table)
    print(f"{desc}: {summary(rows)}")
    shutil.rmtree(parts)


def features_of(row: dict, parts: Path) -> list[Path]:
    """The file with the features of a row's part."""
    return [parts / "features" / row["part"]]


def join(rows: list[dict], table: Path) -> None:
    """Write the features of all parts beside the table, one part in memory at a time, and then the table."""
    folder = folder_of(table) / "features"
    kept = [row for row in rows if row["reason"] is None]
    parts = (np.load(folder / part) for part in dict.fromkeys(row["part"] for row in kept))
    write_features(table.with_suffix(".npy"), parts, len(kept))
    for index, row in enumerate(kept):
        row["row"] = index
    write_table([{column: row.get(column) for column in GALLERY} for row in rows], table, GALLERY)


if __name__ == "__main__":
    from prep import gallery  # under its name: what is sent to a cluster must not lie in `__main__`

    with ending_plainly():
        tyro.cli(gallery.main)
