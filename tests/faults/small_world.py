"""A world for the campaign, smaller still than that of tests/workflow, and the program of a `command:` row."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import yaml

from media.image import frame_path, write_png
from media.tables import CLIPS, write_table

SIZE = (64, 96)
LENGTH = 4
# What the rows of the campaign are: without a network, trained, and a program of others.
ROWS = ("welsh2002", "ours", "program")

PROGRAM = '''"""Colours each frame in the tint that its file name gives, slowly."""
import sys, time
from pathlib import Path
import cv2
frames, output, runs = map(Path, sys.argv[1:4])
with runs.open("a") as file:
    file.write(f"{frames}\\n")
for path in sorted(frames.iterdir()):
    time.sleep(0.05)
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(output / path.name), cv2.merge([grey // 2, grey, grey]))
'''


def scene(seed: int, height: int, width: int) -> np.ndarray:
    """Patches of colour, uint8 (height, width, 3)."""
    coarse = np.random.default_rng(seed).uniform(30, 225, (5, 7, 3)).astype(np.float32)
    return np.uint8(np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255))


def write_clip(folder: Path, seed: int, length: int = LENGTH, size: tuple[int, int] = SIZE) -> None:
    """A folder of frames on which a scene slides to the left."""
    wide = scene(seed, size[0], size[1] + 2 * length)
    for index in range(length):
        write_png(frame_path(folder, index), wide[:, 2 * index : 2 * index + size[1]])


def command_of(folder: Path) -> str:
    """The shell line of the program, which notes its runs in folder/runs.txt."""
    (folder / "program.py").write_text(PROGRAM)
    return f"{sys.executable} {folder}/program.py {{frames}} {{output}} {folder}/runs.txt"


def make_world(folder: Path) -> Path:
    """Write media, registry and configuration; returns the path of the configuration."""
    for index in range(6):
        write_clip(folder / f"clips/{'learn' if index > 3 else 'test'}_{index}", index)
    for index, use in enumerate(["test", "test", "learn", "learn", "judge"]):
        write_png(folder / f"photos/{use}_{index}.png", scene(100 + index, 100, 140))
    registry = folder / "datasets.tsv"
    registry.write_text(
        "name\tkind\troot\tversion\tlicence\tlabel_pattern\n"
        f"clips\tframes\t{folder / 'clips'}\t1\town\t\n"
        f"photos\timages\t{folder / 'photos'}\t1\town\t\n"
    )

    def files(dataset: str, names: str, **more) -> list[dict]:
        return [{"dataset": dataset, "files": names, **more}]

    photos = {use: {"size": [80, 112], "from": files("photos", f"{use}_*.png")} for use in ("test", "learn", "judge")}
    config = {
        "datasets": str(registry),
        "clips": {
            "size": list(SIZE),
            "length": LENGTH,
            "sets": {
                "test": {"from": files("clips", "test_*", stride=1)},
                "train": {"rendered": None, "from": files("clips", "learn_*", stride=1)},
            },
        },
        "images": {
            "sets": {
                "test": photos["test"],
                "train": photos["learn"],
                "validation": photos["judge"],
                "gallery": {"size": list(SIZE), "from": files("photos", "*.png")},
            }
        },
        "filter": {"min_side": 32, "duplicates": "off"},
        "training": {
            "ours": {
                "width": 0.125, "frame": list(SIZE), "crop": list(SIZE), "steps": 4, "batch": 2, "adversarial_from": 1,
                "validate_every": 2, "validation_pairs": 2, "photo_share": 0.5,
            }
        },
        "methods": {"program": {"command": command_of(folder)}},
    }  # fmt: skip
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def prepared_clips(folder: Path, count: int) -> Path:
    """The table of prepared clips and their frames, as `gather` leaves them; returns the table's path."""
    names = [f"clip_{index:02d}" for index in range(count)]
    for index, name in enumerate(names):
        write_clip(folder / "test" / name, index)
    rows = [{"clip": name, "n_frames": LENGTH, "sha256": f"{index:064x}"} for index, name in enumerate(names)]
    write_table(pd.DataFrame(rows), folder / "test.parquet", CLIPS)
    return folder / "test.parquet"
