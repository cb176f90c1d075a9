"""Stage: measure what one row of the table has coloured. One tidy table: row, metric, kind, item, frame, value.

Pictures are measured as saved, in 8 bits. An item that failed has no values; why stands in the row's table of results.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from tqdm import tqdm

from bench.metrics.accuracy import topk
from bench.metrics.colorfulness import colorfulness
from bench.metrics.flicker import flicker
from bench.metrics.frechet import frechet_distance
from bench.metrics.psnr import psnr
from media.color import lab_from_rgb
from media.flow import read_kitti
from media.image import frame_path, read_frames
from media.tables import CLIPS, COLORIZED, SCORES, folder_of, kept, read_table, write_table

VERSION = 1


def main(
    *,
    row: str,
    colorized: Path,
    clips: Path,
    images: Path,
    clip_flow: Path,
    classifier: str,
    fid_features: str,
    weights: Path,
    table: Path,
) -> None:
    """Score one row.

    Args:
        row: name of the row in `methods:`.
        colorized: its table of results; the frames lie in the folder of its name, as for every table here.
        clips: table of the test clips, the ground truth.
        images: table of the test images, with their labels.
        clip_flow: table of the clips' flow, of an estimator that no row uses.
        classifier: network of Top-1 and Top-5.
        fid_features: network of the Frechet distance.
        weights: folder of weight files.
        table: the table to write.
    """
    done, frames = kept(read_table(colorized, COLORIZED)), folder_of(colorized)
    scores = []
    for item in tqdm(done[done["kind"] == "clips"].itertuples(), desc=f"score {row}: clips", mininterval=5):
        result = read_frames(frames / "clips" / item.item, item.n_frames)
        truth = read_frames(folder_of(clips) / item.item, item.n_frames)
        found = score_clip(result, truth, folder_of(clip_flow) / item.item)
        scores += [{"kind": "clips", "item": item.item} | score for score in found]
    names = done[done["kind"] == "images"]["item"].tolist()
    if names:
        import torch

        from vision.backbones import load_backbone

        torch.set_num_threads(1)
        labels = read_table(images, CLIPS).set_index("clip")["label"]
        networks = load_backbone(classifier, weights), load_backbone(fid_features, weights)
        names = tqdm(names, desc=f"score {row}: images", mininterval=5)
        found = score_images(names, frames / "images", folder_of(images), labels, *networks)
        scores += [{"kind": "images"} | score for score in found]
    write_table([{"row": row} | score for score in scores], table, SCORES)


def score_clip(result: Iterator[np.ndarray], truth: Iterator[np.ndarray], flow_dir: Path) -> Iterator[dict]:
    """PSNR of each frame, and every reading of flicker for each pair t, t+1 (as frame t), from frames uint8 RGB.

    flow_dir/forward holds the flow t -> t+1 of the ground truth. Two frames are in memory at a time.
    """
    previous = None
    for index, (rgb, truth_rgb) in enumerate(zip(result, truth, strict=True)):
        yield {"metric": "psnr", "frame": index, "value": psnr(rgb, truth_rgb)}
        ab = lab_from_rgb(rgb)[..., 1:]
        if previous is not None:
            flow, mask = read_kitti(frame_path(flow_dir / "forward", index - 1))
            for name, value in (flicker(previous, ab, flow, mask) or {}).items():
                yield {"metric": name, "frame": index - 1, "value": value}
        previous = ab


def score_images(
    names: Iterable[str], result_dir: Path, truth_dir: Path, labels: pd.Series, classifier, features
) -> Iterator[dict]:
    """colorful of each picture, top1 and top5 (0 or 100) where it has an ImageNet label, and fid of the set.

    classifier and features are networks of vision.backbones; of the second only the pooled features are kept, so one
    picture is in memory at a time. fid compares with the ground truth of the same pictures and needs two of them.
    """
    import torch

    from vision.backbones import classifier_crop, rgb_tensor

    pooled, pooled_truth = [], []
    for name in names:
        rgb, truth = (next(read_frames(folder / name, 1)) for folder in (result_dir, truth_dir))
        yield {"item": name, "metric": "colorful", "value": colorfulness(rgb)}
        with torch.inference_mode():
            if pd.notna(labels[name]):
                logits = classifier.logits(classifier_crop(rgb)[None]).numpy()  # (1, classes)
                for k in (1, 5):
                    yield {"item": name, "metric": f"top{k}", "value": topk(logits, [labels[name]], k)[0]}
            pooled.append(features.pooled(rgb_tensor(rgb)[None]).numpy())
            pooled_truth.append(features.pooled(rgb_tensor(truth)[None]).numpy())
    if len(pooled) > 1:
        yield {"metric": "fid", "value": frechet_distance(np.concatenate(pooled), np.concatenate(pooled_truth))}


if __name__ == "__main__":
    tyro.cli(main)
