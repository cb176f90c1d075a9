"""`export`: a prepared set as WebDataset tar shards, for training elsewhere. docs/training-data.md has a reader.

A sample is a clip, not a pair of frames: pairs would hold each frame twice and each reference once a pair, and a
sequence could not be made of them. The files of a sample, named `<number>.<key>`:
- frame.00000.png, ...: the frames, 8-bit sRGB;
- forward.00000.kitti, ..., backward.00001.kitti, ...: flow and visible as KITTI 16-bit PNG. Not called .png, because
  decoders of pictures would take them for 8-bit ones and say nothing;
- reference.1.jpg, ...: the file of each reference as it is, most similar first;
- json: names, sizes, ranks, similarities, units.
Every byte follows from the input: the same set gives the same shards.
"""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from webdataset import TarWriter

from colorize.training.pairs import PreparedSet
from media.bar import Bar
from media.image import frame_path, upright_size
from media.tables import CLIPS, FLOW, folder_of, read_table
from media.whole import written_whole

NUMBER = "%06d"
UNITS = {
    "frame": "8-bit sRGB",
    "forward": "pixels, right and down: (channels 1 and 2 - 32768) / 64; channel 3: 1 where it is reliable",
    "backward": "as forward; it starts from its frame and leads to the one before",
    "reference": "an image file of any size, as it was found",
    "similarity": "cosine of the features of the two grey pictures",
}
# What the table of clips knows of an item that has a meaning elsewhere.
COLUMNS = ("clip", "dataset", "source", "source_sha256", "shot", "first_frame", "stride", "n_frames", "label", "sha256")


@dataclass
class Contents:
    """How much an export, or a shard of it, holds."""

    clips: int = 0
    frames: int = 0
    pairs: int = 0
    references: int = 0
    without_references: int = 0
    skipped: dict[str, int] = field(default_factory=dict)  # rejected rows, by their reason

    def add(self, about: dict) -> None:
        """Count a sample in, by its json."""
        self.clips += 1
        self.frames += about["n_frames"]
        self.pairs += about["n_frames"] - 1
        self.references += len(about["references"])
        self.without_references += not about["references"]


def write_shards(items: PreparedSet, pattern: Path, shard_size: int) -> Contents:
    """Write the kept items, in the order of their table, `shard_size` a shard; returns what was written.

    `pattern` has a %06d for the shard's number. The index, with index.json in place of %06d.tar, is written last:
    counts, units, and bytes and SHA-256 of each shard. Raises ValueError if nothing was kept, for a pattern without a
    number, and where shards of an earlier, longer export would lie among the new ones.
    """
    if shard_size < 1:
        raise ValueError(f"shard size {shard_size}: expected at least one clip a shard")
    if not items.rows:
        raise ValueError(f"{items.table}: nothing to export, no item passes the filter; see the column `reason`")
    parts = [range(start, start + shard_size) for start in range(0, len(items.rows), shard_size)]
    index = _index_path(pattern, len(parts))
    index.unlink(missing_ok=True)
    estimators = read_table(items.flow, FLOW).set_index("clip")["estimator"].to_dict() if items.flow else {}
    reasons = read_table(items.table, CLIPS)["reason"].dropna()
    whole, shards = Contents(skipped=dict(sorted(Counter(reasons).items()))), []
    for number, part in enumerate(Bar(parts, desc="export", unit="shard")):
        path = pattern.with_name(pattern.name % number)
        samples = [sample_of(items, row, estimators.get(row["clip"])) for row in items.rows[part.start : part.stop]]
        with written_whole(path) as temporary, open(temporary, "wb") as file, _tar(file) as tar:
            for place, (about, files) in zip(part, samples, strict=False):  # the last part may be shorter
                content = {key: _bytes(source, about["clip"]) for key, source in files.items()}
                tar.write({"__key__": f"{place:08d}", "json": _json(about), **content})
                whole.add(about)
        shards.append(_described(path, len(samples)))
    with written_whole(index) as temporary:
        temporary.write_bytes(_json({**vars(whole), "units": UNITS, "shards": shards}))
    return whole


def sample_of(items: PreparedSet, row: dict, estimator: str | None) -> tuple[dict, dict[str, Path]]:
    """The json of one item, and its other files by their keys; `estimator`: of its flow."""
    name, n_frames = row["clip"], row["n_frames"]
    files = dict(_pictures(items, name, n_frames))
    references = []
    for rank, each in enumerate(items.ranked.get(name, []), start=1):
        key = f"reference.{rank}{Path(each.path).suffix.lower()}"
        files[key] = Path(each.path)
        similarity = None if math.isnan(each.similarity) else each.similarity
        references.append({"key": key, "rank": rank, "reference": each.reference, "similarity": similarity})
    height, width = upright_size(frame_path(folder_of(items.table) / name, 0))
    about = {column: None if pd.isna(row[column]) else row[column] for column in COLUMNS}
    about |= {"height": height, "width": width, "flow": estimator, "references": references, "units": UNITS}
    return about, files


def _pictures(items: PreparedSet, name: str, n_frames: int) -> Iterator[tuple[str, Path]]:
    folder = folder_of(items.table) / name
    for t in range(n_frames):
        yield f"frame.{t:05d}.png", frame_path(folder, t)
    if items.flow:
        motion = folder_of(items.flow) / name
        for t in range(n_frames - 1):
            yield f"forward.{t:05d}.kitti", frame_path(motion / "forward", t)
            yield f"backward.{t + 1:05d}.kitti", frame_path(motion / "backward", t + 1)


def _bytes(path: Path, name: str) -> bytes:
    if not path.exists():
        raise FileNotFoundError(f"{path}: this file of {name} is missing although its table lists it; prepare it again")
    return path.read_bytes()


def _tar(file) -> TarWriter:
    # No owner, time or right of this machine gets into the file.
    return TarWriter(file, encoder=False, mtime=0, user="", group="", mode=0o644)


def _json(value) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _described(path: Path, clips: int) -> dict:
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": path.name, "clips": clips, "bytes": path.stat().st_size, "sha256": digest}


def _index_path(pattern: Path, shards: int) -> Path:
    """Where the index goes. Raises ValueError if the pattern, or what lies there, does not fit."""
    stem = pattern.name.removesuffix(f"{NUMBER}.tar")
    if "%" in stem or stem == pattern.name:
        raise ValueError(f"{pattern}: expected a name that ends in {NUMBER}.tar, such as shards/train-{NUMBER}.tar")
    named = re.compile(re.escape(stem) + r"(\d{6,})\.tar")
    there = pattern.parent.iterdir() if pattern.parent.exists() else []
    old = sorted(path.name for path in there if (m := named.fullmatch(path.name)) and int(m[1]) >= shards)
    if old:
        raise ValueError(
            f"{pattern.parent}: this export makes {shards} shards, and {', '.join(old[:3])} of an earlier one would be "
            "read with them; delete the earlier ones or choose another name"
        )
    return pattern.with_name(f"{stem}index.json")
