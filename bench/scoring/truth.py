"""Stage: what scoring takes of the ground truth alone, computed once for all rows.

Stored is what is small and costs more to compute than to read: the colourfulness of each frame, where Lai's rule finds
the scoring flow occluded, and the features of the images. Lab, the moments of SSIM and the maps of LPIPS are not: they
would take 1 to 4 MB a frame, up to 20 times as much as the frame itself. What is looked at has a receipt, by content.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path
from threading import Lock

import numpy as np
import tyro
from PIL import Image

from bench.metrics.warp_error import lai_occluded
from bench.scoring.measure import PICTURES, TRUTH, Frame, Known, Motions, TruthMotion, backbone_of, known_of
from media.faults import prepared
from media.flow_files import read_kitti
from media.image import frame_path, read_frames
from media.jobs import Task, content_of, finish_tasks, is_address, key_of, task_name
from media.places import resolved
from media.provenance import recorded
from media.tables import CLIPS, SCORES, folder_of, kept, read_groups, read_table, records, write_rows
from media.versions import version_of
from media.whole import remove, remove_all_but, whole_folder, write_whole, written_whole
from vision.network_files import OF_BACKBONE, contents

STAGE = "bench.scoring.truth"
METRICS_OF_TRUTH = list(PICTURES)
looking = Lock()  # the threads of PyTorch are a process's, not a thread's


def main(
    *,
    clips: Path,
    images: Path,
    scoring_flow: Path,
    fid_features: str,
    weights: Path,
    table: Path,
    device: str = "cpu",
    scheduler: str = "threads",
) -> None:
    """Look at the ground truth of the test clips and images.

    Args:
        clips: table of the test clips; the frames lie in the folder of its name, as for every table here.
        images: table of the test images.
        scoring_flow: table of the clips' flow, of an estimator that no row uses.
        fid_features: network of the Frechet and kernel distances.
        weights: folder of weight files.
        table: the table to write: values of the truth's frames, columns SCORES. Beside it go the features of the kept
            images (N, C) as .npy, in the order of their table, in the folder of its name the masks of the clips, and in
            <table>.pieces receipts and the features of each image.
        device: where the network runs: cpu, cuda, or auto for a GPU where there is one.
        scheduler: threads or here, item after item in this process; or the address of a dask.distributed scheduler.
    """
    network = key_of(contents(OF_BACKBONE.get(fid_features, ()), weights))
    folders = (folder_of(path) for path in (clips, images, scoring_flow, table))
    looker = Looker(*folders, fid_features, weights, device, network)
    own = [(kind, row) for kind, of_kind in (("clips", clips), ("images", images))
           for row in records(kept(read_table(of_kind, CLIPS)))]  # fmt: skip
    pictures = [row["clip"] for kind, row in own if kind == "images"]
    remove_all_but({row["clip"] for kind, row in own if kind == "clips"}, looker.masks)
    write_rows(looker.looked_at(own, scheduler), table, SCORES)
    write_features(pictures, looker.features, table.with_suffix(".npy"))


@dataclass(frozen=True)
class Looker:
    """Looks at the items of the ground truth, one after the other. All paths are folders."""

    clips: Path
    images: Path
    scoring_flow: Path
    masks: Path
    fid_features: str
    weights: Path
    device: str
    network: str  # the content of its file

    @property
    def pieces(self) -> Path:
        return self.masks.with_name(f"{self.masks.name}.pieces")

    @property
    def features(self) -> Path:
        return self.pieces / "features"

    def looked_at(self, items: list[tuple[str, dict]], scheduler: str) -> Iterator[dict]:
        """The lines of the items, each a kind and a row of CLIPS, in this process or on a cluster."""
        there = resolved(self) if is_address(scheduler) else self
        decided = [version_of(STAGE), self.fid_features]
        tasks = [
            Task(
                task_name(kind, row["clip"]),
                key_of(decided, self.network if kind == "images" else "", self._identity(kind, row)),
                (there, kind, row["clip"], row["n_frames"]),
            )
            for kind, row in items
        ]
        outputs, receipts = partial(files_of_truth, looker=there), there.pieces / "receipts"
        scheduler = scheduler if is_address(scheduler) else "here"
        return finish_tasks(look_at, tasks, receipts, outputs, 1, scheduler, "truth")

    def _identity(self, kind: str, row: dict) -> list:
        """All that what is stored of an item follows from, by its content. Raises MachineFault."""
        folder = (self.clips if kind == "clips" else self.images) / row["clip"]
        moves = kind == "clips" and row["n_frames"] > 1
        flow = [content_of(self.scoring_flow / row["clip"] / way) for way in ("forward", "backward")] if moves else []
        return [kind, row["clip"], row["n_frames"], row["sha256"] or content_of(folder), flow]


def look_at(looker: Looker, kind: str, item: str, n_frames: int) -> list[dict]:
    """The lines of an item of the ground truth; the masks of a clip, or the features of an image, are written."""
    if kind == "clips":
        frames = enumerate(read_frames(looker.clips / item, n_frames))
        lines = [line for index, rgb in frames for line in lines_of(kind, item, index, known_of(Frame(rgb), None))]
        write_occluded(looker.scoring_flow / item, occluded_dir(looker.masks, item), n_frames)
        return lines
    import torch

    rgb = next(read_frames(looker.images / item, 1))
    with looking:
        torch.set_num_threads(1)  # the last digits of features must not depend on the machine
        network = _network(looker.fid_features, looker.weights, looker.device, looker.network)
        known = known_of(Frame(rgb), network, looker.device)
    coded = BytesIO()
    np.save(coded, known.features)
    write_whole(looker.features / f"{item}.npy", coded.getvalue())
    return list(lines_of(kind, item, None, known))


@lru_cache(maxsize=1)
def _network(name: str, weights: Path, device: str, content: str):
    """A network; `content`: of its file, for a worker of a cluster outlives that."""
    return backbone_of(name, weights, device)


def files_of_truth(line: dict, looker: Looker) -> list[Path]:
    """The files that the item of a line has beside its lines."""
    item = line["item"]
    return [looker.features / f"{item}.npy" if line["kind"] == "images" else occluded_dir(looker.masks, item)]


def write_features(images: list[str], folder: Path, path: Path) -> None:
    """Gather the features of images, a file (C,) each in a folder, as one (N, C); those of others are removed."""
    files = [folder / f"{image}.npy" for image in images]
    for other in set(folder.iterdir() if folder.is_dir() else ()) - set(files):
        remove(other)
    with written_whole(path) as temporary:
        shape = (len(files), len(np.load(files[0]))) if files else (0, 0)
        with temporary.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
            for one in files:
                file.write(np.load(one).astype("<f4").tobytes())


def lines_of(kind: str, item: str, frame: int | None, known: Known) -> Iterator[dict]:
    """The lines of a frame of a clip, or of an image (frame: None)."""
    for metric, value in known.values.items():
        yield {"row": TRUTH, "metric": metric, "kind": kind, "item": item, "frame": frame, "value": value}


def occluded_dir(folder: Path, clip: str) -> Path:
    """Where the masks of a clip lie, that of frames t and t+1 as frame t."""
    return folder / clip / "occluded"


def write_occluded(flow_dir: Path, folder: Path, n_frames: int) -> None:
    """Where Lai's rule finds the flow from each frame to the next occluded: 1-bit PNG, white is occluded."""
    with whole_folder(folder) as temporary:
        for index in range(n_frames - 1):
            flow, _ = read_kitti(frame_path(flow_dir / "forward", index))
            back, _ = read_kitti(frame_path(flow_dir / "backward", index + 1))
            Image.fromarray(lai_occluded(flow, back)).save(frame_path(temporary, index), "PNG")


def stored_motions(flow_dir: Path, folder: Path) -> Motions:
    """The motion in flow_dir/forward, as prep.flow writes it, with what `write_occluded` wrote to `folder`."""

    def motion(index: int, *_: Frame) -> TruthMotion:
        flow, visible = read_kitti(frame_path(flow_dir / "forward", index))
        path = frame_path(folder, index)
        with prepared(path), Image.open(path) as occluded:
            return TruthMotion(flow, visible, np.asarray(occluded))

    return motion


class FrameValues(Mapping):
    """Values by metric of (kind, item, frame), in an eighth of the memory that dicts of dicts take."""

    def __init__(self):
        self._of: dict[tuple[str, str], array] = {}  # of each frame those of METRICS_OF_TRUTH

    def put(self, kind: str, item: str, frame: int, metric: str, value: float) -> None:
        own = self._of.setdefault((kind, item), array("d"))
        place = frame * len(METRICS_OF_TRUTH) + METRICS_OF_TRUTH.index(metric)
        own.extend([np.nan] * (place + 1 - len(own)))
        own[place] = value

    def of(self, kind: str, item: str) -> "FrameValues":
        """Those of one item."""
        own = FrameValues()
        own._of[kind, item] = self._of[kind, item]
        return own

    def __getitem__(self, place: tuple[str, str, int]) -> dict[str, float]:
        kind, item, frame = place
        count = len(METRICS_OF_TRUTH)
        values = self._of[kind, item][frame * count : (frame + 1) * count]
        if not values:
            raise KeyError(place)
        return dict(zip(METRICS_OF_TRUTH, values, strict=True))

    def __iter__(self) -> Iterator[tuple[str, str, int]]:
        for (kind, item), own in self._of.items():
            yield from ((kind, item, frame) for frame in range(len(own) // len(METRICS_OF_TRUTH)))

    def __len__(self) -> int:
        return sum(len(own) // len(METRICS_OF_TRUTH) for own in self._of.values())


@dataclass(frozen=True)
class Truth:
    """What the stage has stored, for scoring. The frame of an image is number 0."""

    values: Mapping[tuple[str, str, int], dict[str, float]]  # of (kind, item, frame), by metric
    features: Mapping[str, np.ndarray]  # (C,) of each image
    occluded: Path  # folder
    scoring_flow: Path  # folder

    @classmethod
    def read(cls, table: Path, images: Path, scoring_flow: Path, wanted: set[str] | None = None) -> "Truth":
        """What lies in and beside `table`, which was made of the tables `images` and `scoring_flow`.

        wanted: only these items; None: all. Features are read when they are asked for.
        """
        values = FrameValues()
        for group in read_groups(table, SCORES):
            own = group if wanted is None else group[group["item"].isin(wanted)]
            frames = own["frame"].fillna(0)
            for line in zip(own["kind"], own["item"], frames, own["metric"], own["value"], strict=True):
                values.put(*line)
        names = kept(read_table(images, CLIPS))["clip"].tolist()
        with prepared(table.with_suffix(".npy")):
            features = np.load(table.with_suffix(".npy"), mmap_mode="r" if names else None)
        of_image = {name: row for name, row in zip(names, features, strict=True) if wanted is None or name in wanted}
        return cls(values, of_image, folder_of(table), folder_of(scoring_flow))

    def of(self, kind: str, item: str) -> "Truth":
        """What is stored of one item."""
        features = {item: np.array(self.features[item])} if kind == "images" else {}
        return replace(self, values=self.values.of(kind, item), features=features)

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
    from bench.scoring import truth  # under its name: what is sent to a cluster must not lie in `__main__`

    tyro.cli(recorded(truth.main, "table"))
