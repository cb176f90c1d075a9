"""Stage: what scoring takes of the ground truth alone, computed once for all rows.

Stored is what is small and costs more to compute than to read: the colourfulness of each frame, where Lai's rule finds
the scoring flow occluded, and the features of the images. Lab, the moments of SSIM and the maps of LPIPS are not: they
would take 1 to 4 MB a frame, up to 20 times as much as the frame itself.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from bench.metrics.warp_error import lai_occluded
from bench.scoring.measure import TRUTH, Frame, Known, Motions, TruthMotion, backbone_of, known_of
from media.bar import Bar
from media.faults import prepared
from media.flow_files import read_kitti
from media.image import frame_path, read_frames
from media.provenance import recorded
from media.tables import CLIPS, SCORES, folder_of, kept, read_table, write_table
from media.whole import remove_all_but, write_whole, written_whole


def main(
    *,
    clips: Path,
    images: Path,
    scoring_flow: Path,
    fid_features: str,
    weights: Path,
    table: Path,
) -> None:
    """Look at the ground truth of the test clips and images.

    Args:
        clips: table of the test clips; the frames lie in the folder of its name, as for every table here.
        images: table of the test images.
        scoring_flow: table of the clips' flow, of an estimator that no row uses.
        fid_features: network of the Frechet and kernel distances.
        weights: folder of weight files.
        table: the table to write: values of the truth's frames, columns SCORES. Beside it go the features of the kept
            images (N, C) as .npy, in the order of their table, and in the folder of its name the masks of the clips.
    """
    items, lines = kept(read_table(clips, CLIPS)), []
    remove_all_but(set(items["clip"]), folder_of(table))
    for item in Bar(list(items.itertuples()), desc="truth: clips"):
        for index, rgb in enumerate(read_frames(folder_of(clips) / item.clip, item.n_frames)):
            lines += lines_of("clips", item.clip, index, known_of(Frame(rgb), None))
        write_occluded(folder_of(scoring_flow) / item.clip, occluded_dir(folder_of(table), item.clip), item.n_frames)
    pictures = kept(read_table(images, CLIPS))["clip"].tolist()
    features = []
    if pictures:
        import torch

        torch.set_num_threads(1)  # the last digits of features must not depend on the machine
        network = backbone_of(fid_features, weights)
        for name in Bar(pictures, desc="truth: images"):
            known = known_of(Frame(next(read_frames(folder_of(images) / name, 1))), network)
            lines += lines_of("images", name, None, known)
            features.append(known.features)
    with written_whole(table.with_suffix(".npy")) as temporary, open(temporary, "wb") as file:
        np.save(file, np.stack(features) if features else np.empty((0, 0), np.float32))
    write_table(lines, table, SCORES)


def lines_of(kind: str, item: str, frame: int | None, known: Known) -> Iterator[dict]:
    """The lines of a frame of a clip, or of an image (frame: None)."""
    for metric, value in known.values.items():
        yield {"row": TRUTH, "metric": metric, "kind": kind, "item": item, "frame": frame, "value": value}


def occluded_dir(folder: Path, clip: str) -> Path:
    """Where the masks of a clip lie, that of frames t and t+1 as frame t."""
    return folder / clip / "occluded"


def write_occluded(flow_dir: Path, folder: Path, n_frames: int) -> None:
    """Where Lai's rule finds the flow from each frame to the next occluded: 1-bit PNG, white is occluded."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(n_frames - 1):
        flow, _ = read_kitti(frame_path(flow_dir / "forward", index))
        back, _ = read_kitti(frame_path(flow_dir / "backward", index + 1))
        coded = BytesIO()
        Image.fromarray(lai_occluded(flow, back)).save(coded, "PNG")
        write_whole(frame_path(folder, index), coded.getvalue())


def stored_motions(flow_dir: Path, folder: Path) -> Motions:
    """The motion in flow_dir/forward, as prep.flow writes it, with what `write_occluded` wrote to `folder`."""

    def motion(index: int, *_: Frame) -> TruthMotion:
        flow, visible = read_kitti(frame_path(flow_dir / "forward", index))
        path = frame_path(folder, index)
        with prepared(path), Image.open(path) as occluded:
            return TruthMotion(flow, visible, np.asarray(occluded))

    return motion


@dataclass(frozen=True)
class Truth:
    """What the stage has stored, for scoring. The frame of an image is number 0."""

    values: dict[tuple[str, str, int], dict[str, float]]  # of (kind, item, frame), by metric
    features: dict[str, np.ndarray]  # (C,) of each image
    occluded: Path  # folder
    scoring_flow: Path  # folder

    @classmethod
    def read(cls, table: Path, images: Path, scoring_flow: Path) -> "Truth":
        """What lies in and beside `table`, which was made of the tables `images` and `scoring_flow`."""
        lines = read_table(table, SCORES)
        values = defaultdict(dict)
        places = zip(lines["kind"], lines["item"], lines["frame"].fillna(0).astype(int), strict=True)
        for place, metric, value in zip(places, lines["metric"], lines["value"], strict=True):
            values[place][metric] = value
        with prepared(table.with_suffix(".npy")):
            features = np.load(table.with_suffix(".npy"))
        names = kept(read_table(images, CLIPS))["clip"]
        return cls(dict(values), dict(zip(names, features, strict=True)), folder_of(table), folder_of(scoring_flow))

    def known(self, kind: str, item: str, frame: int = 0) -> Known:
        """What is known of a frame."""
        return Known(self.values[kind, item, frame], self.features[item] if kind == "images" else None)

    def folders_of_motion(self, clip: str) -> tuple[Path, Path]:
        """Where the scoring flow of a clip and its masks lie."""
        return self.scoring_flow / clip / "forward", occluded_dir(self.occluded, clip)

    def motions(self, clip: str) -> Motions:
        """How a clip moves."""
        return stored_motions(self.scoring_flow / clip, occluded_dir(self.occluded, clip))


if __name__ == "__main__":
    tyro.cli(recorded(main, "table"))
