"""A small prepared world with known motion: two clips, three labelled images, their flow and references."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.methods.contract.method import Given, Setting
from bench.methods.contract.rows import load
from bench.methods.contract.trained import Trained
from bench.run import colorize
from media.color import lab_from_rgb
from media.flow_files import FlowBack, write_kitti
from media.image import frame_path, write_png
from media.tables import CLIPS, REFERENCES, write_table

SIZE = (48, 64)
SHIFT = 2  # pixels by which everything moves to the left from one frame to the next


def moving_clip(seed: int, n_frames: int = 5) -> np.ndarray:
    """Smooth coloured texture sliding left under the frame: uint8 RGB (T, 48, 64, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 226, (7, 12, 3)).astype(np.uint8)
    texture = cv2.resize(coarse, (SIZE[1] + SHIFT * n_frames, SIZE[0]), interpolation=cv2.INTER_CUBIC)
    return np.stack([texture[:, SHIFT * t : SHIFT * t + SIZE[1]] for t in range(n_frames)])


def backward_steps(n_frames: int) -> list[FlowBack]:
    """The exact flow t -> t-1 of `moving_clip` for t = 1, 2, ..."""
    flow = np.zeros((*SIZE, 2), np.float32)
    flow[..., 0] = SHIFT
    visible = np.ones(SIZE, bool)
    visible[:, -SHIFT:] = False
    return [FlowBack(flow, visible)] * (n_frames - 1)


@dataclass(frozen=True)
class World:
    root: Path
    clips: dict[str, np.ndarray]
    images: dict[str, np.ndarray]

    def inputs(self) -> dict:
        """The arguments of bench.run.colorize that say where the inputs lie."""
        return {
            "clips": self.root / "clips/test.parquet",
            "images": self.root / "images/test.parquet",
            "clip_references": self.root / "references/clips/test.parquet",
            "image_references": self.root / "references/images/test.parquet",
            "flow": self.root / "flow/test.parquet",
            "backbone": "efficientnet_lite0",
            "weights": self.root / "weights",
            "seed": 0,
        }


@pytest.fixture
def world(tmp_path) -> World:
    clips = {"clip_a": moving_clip(1), "clip_b": moving_clip(2, n_frames=4)}
    images = {f"image_{index}": moving_clip(10 + index, n_frames=1) for index in range(2)}
    images["image_2"] = images["image_0"][..., ::-1]  # red and blue exchanged
    for kind, items in (("clips", clips), ("images", images)):
        for item, frames in items.items():
            for index, rgb in enumerate(frames):
                write_png(frame_path(tmp_path / kind / "test" / item, index), rgb)
        rows = [
            {"clip": item, "n_frames": len(frames), "label": 7 if kind == "images" else None}
            for item, frames in items.items()
        ]
        rejected = {"clip": "rejected", "n_frames": 0, "reason": "low_chroma", "detail": "mean chroma 1 < 6"}
        write_table([*rows, rejected], tmp_path / kind / "test.parquet", CLIPS)
        reference = str(frame_path(tmp_path / "images/test/image_0", 0))
        found = [{"item": item, "rank": 1, "reference": "image_0", "path": reference} for item in items]
        write_table(found, tmp_path / "references" / kind / "test.parquet", REFERENCES)
        for name in ("image_0", "image_1", "image_2"):
            write_png(frame_path(tmp_path / "references" / kind / "test" / name, 0), images[name][0])
    for item, frames in clips.items():
        for t, step in enumerate(backward_steps(len(frames))):
            write_kitti(frame_path(tmp_path / "flow/test" / item / "backward", t + 1), step.flow, step.visible)
            forward = frame_path(tmp_path / "flow/test" / item / "forward", t)
            write_kitti(forward, -step.flow, step.visible[:, ::-1])
    return World(tmp_path, clips, images)


@pytest.fixture
def colored(world):
    """Colours the world's items as a row of the pipeline: coloured(row, **options) gives the table of its results."""

    def run(row: str, **options) -> Path:
        table = world.root / f"colorize/{row}.parquet"
        colorize.main(row=row, options=json.dumps(options), table=table, **world.inputs())
        return table

    return run


@pytest.fixture(scope="session")
def cluster():
    """The address of a dask.distributed cluster of two processes."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, protocol="tcp://", dashboard_address=None) as workers:
        yield workers.scheduler_address


@pytest.fixture
def choices(tmp_path):
    """choices(**changes): the file that says what a run has chosen, all of it stand-ins but for the changes."""

    def write(**changes) -> Path:
        names = dict.fromkeys(("backbone", "classifier", "fid_features"), "efficientnet_lite0")
        path = tmp_path / "choices.json"
        path.write_text(json.dumps(names | {"flow": "dis", "scoring_flow": "farneback"} | changes))
        return path

    return write


@pytest.fixture
def toy_lab() -> np.ndarray:
    """Lab frames (5, 48, 64, 3) of a moving clip."""
    return lab_from_rgb(moving_clip(3))


@pytest.fixture
def toy_given(toy_lab) -> Given:
    """Everything a method can be given for the toy clip."""
    reference = lab_from_rgb(moving_clip(4, n_frames=1)[0])[:37, :51]
    steps, processed = iter(backward_steps(len(toy_lab))), iter(toy_lab[..., 1:])
    return Given("clips", "toy", reference, toy_lab[0], steps, processed)


@pytest.fixture
def setting(tmp_path) -> Setting:
    return Setting(weights_dir=tmp_path, backbone="efficientnet_lite0", checkpoint=None, seed=0)


@pytest.fixture(scope="session")
def model_of(trained, tmp_path_factory):
    """model_of(name): a setting with an untrained model of that method, saved as a training saves it."""

    def make(name: str) -> Setting:
        import torch

        from bench.methods.contract import learning

        method = load(name, {}, trained)
        if not isinstance(method, Trained):
            return trained
        torch.manual_seed(0)
        path = tmp_path_factory.mktemp(name) / "model.safetensors"
        described = {"backbone": "efficientnet_lite0", "method": name, "width": 0.25, "items": 3}
        learning.save(method.network(0.25, 3), path, described)
        return replace(trained, checkpoint=path)

    return make


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Setting:
    """A setting with a small model of random weights, saved as a training saves it."""
    return random_model(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def trained_aligned(tmp_path_factory) -> Setting:
    """The same for the model whose history is aligned and whose output is gated."""
    choices = {"matching": "context", "history": "aligned", "output": "gated"}
    return random_model(tmp_path_factory.mktemp("aligned"), **choices)


def random_model(folder: Path, **choices) -> Setting:
    """Save a small model whose output layer is random, not zero; the setting of a row that uses it."""
    import torch

    from colorize import checkpoint
    from colorize.model import ExemplarModel
    from vision.backbones import load_backbone

    torch.manual_seed(0)
    choices = {"width": 0.125, **choices}
    model = ExemplarModel(load_backbone("efficientnet_lite0", folder), **choices)
    torch.nn.init.normal_(model.colorization.output_layer.weight, std=0.05)
    checkpoint.save(model, folder / "model.safetensors", {"backbone": "efficientnet_lite0", **choices})
    return Setting(folder, "efficientnet_lite0", folder / "model.safetensors", seed=0)
