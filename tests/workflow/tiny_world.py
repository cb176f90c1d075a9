"""A tiny world on which the real Snakefile runs: moving scenes with known motion, photographs, and bad files."""

import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import av
import cv2
import numpy as np
import yaml

from colorize.checkpoint import metadata
from media.image import write_png
from media.tables import CLIPS, kept, read_table

ROOT = Path(__file__).parents[2]
SIZE = (64, 96)
LENGTH = 6
# Pixels that the camera moves right and down from one frame to the next; the scene's flow is the opposite.
MOTION = {"drift": (2, 1), "slide": (-3, 0)}
# The rows of Table 5, and the loss that each lacks.
ABLATIONS = {
    "without_smooth": "smoothness", "without_perc": "perceptual", "without_context": "contextual",
    "without_adv": "adversarial",
}  # fmt: skip


def scene(seed: int, height: int, width: int) -> np.ndarray:
    """Broad patches of colour under a fine texture of light, uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    patches = cv2.resize(
        rng.uniform(40, 215, (4, 6, 3)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    texture = cv2.GaussianBlur(rng.normal(0, 120, (height, width)).astype(np.float32), (0, 0), 1.5)
    return np.uint8(np.clip(patches + texture[..., None], 0, 255))


def camera(name: str) -> list[np.ndarray]:
    """The frames of a moving scene: a window that slides over a still picture."""
    right, down = MOTION[name]
    picture = scene(sum(name.encode()), 120, 160)
    corners = [(28 + down * t, 32 + right * t) for t in range(LENGTH)]
    return [np.ascontiguousarray(picture[y : y + SIZE[0], x : x + SIZE[1]]) for y, x in corners]


def write_lossless(path: Path, frames: list[np.ndarray]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def make_world(folder: Path) -> Path:
    """Write the media, the registry and the configuration; returns the configuration's path."""
    write_videos(folder / "videos")
    write_photos(folder / "photos")
    registry = folder / "datasets.tsv"
    registry.write_text(
        "name\tkind\troot\tversion\tlicence\tlabel_pattern\n"
        f"moving\tvideos\t{folder / 'videos'}\t1\town\t\n"
        f"photos\timages\t{folder / 'photos'}\t1\town\t\n"
        f"labelled\timages\t{folder / 'photos'}\t1\town\ttest_\\d+_(\\d+)\\.png\n"
    )
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump({"datasets": str(registry), **CONFIG}))
    return path


def write_videos(folder: Path) -> None:
    """Two moving scenes to score, one to learn from, and four files that no clip is made of."""
    folder.mkdir(parents=True)
    for name in MOTION:
        write_lossless(folder / f"{name}.mkv", camera(name))
    write_lossless(folder / "learn.mkv", [np.roll(scene(5, *SIZE), 2 * t, axis=1) for t in range(LENGTH)])
    write_lossless(folder / "grey.mkv", [np.repeat(f[..., 1:2], 3, axis=2) for f in camera("drift")])
    write_lossless(folder / "short.mkv", camera("slide")[:1])
    (folder / "empty.mkv").touch()
    (folder / "text.mkv").write_text("this is no video")


def write_photos(folder: Path) -> None:
    """Four labelled photographs to score, three to learn from and a broken one, one to validate on."""
    for index in range(4):
        write_png(folder / f"test_{index:02d}_{index * 100}.png", scene(100 + index, 80, 80))
    for index in range(3):
        write_png(folder / f"learn_{index}.png", scene(200 + index, 100, 140))
    (folder / "learn_broken.png").write_bytes(b"\x89PNG broken")
    write_png(folder / "judge.png", scene(300, 100, 140))


def files_of(dataset: str, *files: str, **options) -> list[dict]:
    """What a set of the configuration is made from."""
    return [{"dataset": dataset, "files": name, **options} for name in files]


def moving(*names: str, **options) -> list[dict]:
    return files_of("moving", *(f"{name}.mkv" for name in names), stride=1, **options)


CONFIG = {
    "clips": {
        "size": list(SIZE),
        "length": LENGTH,
        "sets": {
            "test": {"from": moving("drift", "slide", "grey", "short", "empty", "text")},
            "train": {"rendered": None, "from": moving("learn")},
            "validation": {"rendered": {"photos": "validation", "count": 2}},
            "legacy": {"from": moving("grey")},
            "long": {"from": moving("drift", length="whole")},
        },
    },
    "images": {
        "sets": {
            "test": {"size": [64, 64], "from": files_of("labelled", "test_*.png")},
            "train": {"size": [80, 112], "from": files_of("photos", "learn_*.png")},
            "validation": {"size": [80, 112], "from": files_of("photos", "judge.png")},
            "gallery": {"size": [64, 96], "from": files_of("photos", "*.png")},
        }
    },
    "filter": {"min_side": 32},
    "figures": {  # rows that are quick and need no flow
        "multimodal": {"rows": ["welsh2002"]},
        "legacy": {"rows": ["welsh2002"]},
        "long": {"rows": ["copy_first", "welsh2002"]},
    },
    "training": {
        "ours": {
            "width": 0.125, "frame": list(SIZE), "crop": list(SIZE), "steps": 3, "batch": 2, "adversarial_from": 1,
            "validate_every": 2, "validation_pairs": 2, "photo_share": 0.5,
        },
        "ours_aligned": {
            "width": 0.125, "frame": list(SIZE), "crop": [32, 48], "sequence": 3, "unroll": 2, "steps": 4,
            "validate_every": 2, "validation_pairs": 2,
        },
    },
}  # fmt: skip


def snakemake(
    *arguments: str, directory: Path, config: Path | None = None, checkout: Path = ROOT
) -> subprocess.CompletedProcess:
    """Run the real Snakefile, or that of another checkout, in `directory`; the output is one text."""
    overlay = ["--configfile", str(config)] if config else []
    command = ["snakemake", "--snakefile", str(checkout / "Snakefile"), "--directory", str(directory), "--cores", "2"]
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_WAIT_POLICY": "passive",
        "PYTHONPATH": str(checkout),
    }
    return subprocess.run(
        [*command, *overlay, *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip


def planned(output: str) -> dict[str, int]:
    """Jobs by rule, from the table that a run prints before its first job."""
    table = output.split("Job stats:", 1)[1].partition("\n\n")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}


def assert_disjoint(results: Path) -> None:
    """Nothing that is scored is trained or validated on, by the content of the sources and of what was made of them."""
    paths = [
        results / kind / f"{use}.parquet" for kind in ("clips", "images") for use in ("test", "train", "validation")
    ]
    tables = {(path.parent.name, path.stem): kept(read_table(path, CLIPS)) for path in paths if path.exists()}
    for column in ("sha256", "source_sha256"):
        hashes = {which: set(table[column].dropna()) for which, table in tables.items()}
        assert hashes["clips", "test"] and hashes["images", "test"] and hashes["images", "train"]
        for first, second in combinations(hashes, 2):
            assert not hashes[first] & hashes[second], (first, second, column)


def table5_differs_in_one_weight(results: Path) -> None:
    """Each ablation was trained as the full model was, but for the weight of one loss; the checkpoints say so."""
    made = {row: metadata(results / f"train/{row}/model.safetensors") for row in (*ABLATIONS, "ours")}
    full = made["ours"]["settings"]
    for row, loss in ABLATIONS.items():
        assert made[row]["settings"] == full | {"losses": full["losses"] | {loss: 0}}, row
        assert full["losses"][loss] > 0
        assert made[row]["data_hash"] == made["ours"]["data_hash"] and made[row]["seed"] == made["ours"]["seed"]
