"""Shards: the files of the prepared set, the same bytes every time, and what the reader in the docs makes of them."""

import hashlib
import json
import re
import runpy
import shlex
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from colorize.settings import TrainSettings
from colorize.training.export import write_shards
from colorize.training.pairs import ClipPairs, PreparedSet
from media.flow_files import read_kitti, write_kitti
from media.image import content_hash, frame_path, read_rgb, write_jpeg, write_png
from media.tables import CLIPS, FLOW, REFERENCES, folder_of, write_table

PAGE = Path(__file__).parents[3] / "docs" / "training-data.md"
SIZE = (216, 384)
FRAMES = {"walk": 3, "sea": 2}


def block(heading: str, language: str) -> str:
    """The first block of code in `language` after a heading of the page."""
    return re.search(rf"^## {heading}\n.*?^```{language}\n(.*?)^```", PAGE.read_text(), re.M | re.S)[1]


def write_flow(folder: Path, n_frames: int, rng) -> None:
    for t in range(n_frames - 1):
        for direction, start in (("forward", t), ("backward", t + 1)):
            flow = np.rint(64 * rng.normal(0, 2, (*SIZE, 2))).astype(np.float32) / 64
            write_kitti(frame_path(folder / direction, start), flow, rng.uniform(size=SIZE) < 0.9)


@pytest.fixture
def world(tmp_path, picture, monkeypatch):
    """A prepared set where the page says it lies: two clips, and a rejected one; references of other sizes."""
    monkeypatch.chdir(tmp_path)
    clips, flow = Path("results/clips/train.parquet"), Path("results/flow/dis/train.parquet")
    references, rng = Path("results/references/clips/train.parquet"), np.random.default_rng(0)
    rows = [{"clip": "grey", "n_frames": 0, "reason": "grayscale"}, {"clip": "again", "reason": "duplicate"}]
    ranked = []
    for seed, (name, n_frames) in enumerate(FRAMES.items()):
        frames = [picture(10 * seed + t, *SIZE) for t in range(n_frames)]
        for t, frame in enumerate(frames):
            write_png(frame_path(folder_of(clips) / name, t), frame)
        write_flow(folder_of(flow) / name, n_frames, rng)
        rows.append({"clip": name, "n_frames": n_frames, "dataset": "d", "stride": 2, "sha256": content_hash(frames)})
        for rank in (1, 2):
            path = Path("gallery") / f"{name}{rank}.JPEG"
            write_jpeg(path, picture(100 + 10 * seed + rank, 200 + 90 * rank, 500))
            row = {"item": name, "rank": rank, "reference": path.stem, "path": str(path)}
            ranked.append(row | {"similarity": 0.9 - 0.125 * rank})
    write_table(rows, clips, CLIPS)
    write_table([{"clip": name, "estimator": "dis"} for name in FRAMES], flow, FLOW)
    write_table(ranked[::-1], references, REFERENCES)
    return PreparedSet(clips, references, flow)


def members(shard: str | Path) -> dict[str, bytes]:
    with tarfile.open(shard) as tar:
        assert all((m.mtime, m.uid, m.gid, m.uname, m.gname) == (0, 0, 0, "", "") for m in tar.getmembers())
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers()}


def test_shards_hold_the_files_as_they_are(world):
    written = write_shards(world, Path("out/train-%06d.tar"), 1)
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "train-000000.tar",
        "train-000001.tar",
        "train-index.json",
    ]
    walk, sea = members("out/train-000000.tar"), members("out/train-000001.tar")
    assert len(walk) == 3 + 4 + 2 + 1 and len(sea) == 2 + 2 + 2 + 1
    clips, flow = folder_of(world.table), folder_of(world.flow)
    assert walk["00000000.frame.00002.png"] == frame_path(clips / "walk", 2).read_bytes()
    assert walk["00000000.forward.00001.kitti"] == frame_path(flow / "walk" / "forward", 1).read_bytes()
    assert walk["00000000.backward.00002.kitti"] == frame_path(flow / "walk" / "backward", 2).read_bytes()
    assert sea["00000001.reference.1.jpeg"] == Path("gallery/sea1.JPEG").read_bytes()
    about = json.loads(sea["00000001.json"])
    assert (about["clip"], about["n_frames"], about["stride"], about["label"]) == ("sea", 2, 2, None)
    assert (about["height"], about["width"], about["flow"]) == (*SIZE, "dis")
    assert about["references"][1] == {
        "key": "reference.2.jpeg",
        "rank": 2,
        "reference": "sea2",
        "similarity": pytest.approx(0.65),
    }
    assert (written.clips, written.frames, written.pairs, written.references) == (2, 5, 3, 4)
    assert written.skipped == {"duplicate": 1, "grayscale": 1} and written.without_references == 0


def test_no_path_of_this_machine_is_in_a_shard(world, tmp_path):
    write_shards(world, tmp_path / "out" / "train-%06d.tar", 2)
    assert not [path for path in Path("out").iterdir() if str(tmp_path).encode() in path.read_bytes()]


def test_the_same_set_gives_the_same_bytes(world):
    for folder in ("one", "two"):
        write_shards(world, Path(folder) / "train-%06d.tar", 1)
    for path in Path("one").iterdir():
        assert path.read_bytes() == (Path("two") / path.name).read_bytes()
    index = json.loads(Path("one/train-index.json").read_text())
    assert [shard["name"] for shard in index["shards"]] == ["train-000000.tar", "train-000001.tar"]
    for shard in index["shards"]:
        content = (Path("one") / shard["name"]).read_bytes()
        assert (shard["bytes"], shard["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert index["pairs"] == 3 and "kitti" not in index["units"] and "pixels" in index["units"]["forward"]


def test_shards_of_an_earlier_export_are_not_left_among_the_new(world):
    write_shards(world, Path("out/train-%06d.tar"), 1)
    with pytest.raises(ValueError, match=r"out: .* 1 shards.* train-000001\.tar"):
        write_shards(world, Path("out/train-%06d.tar"), 2)
    write_shards(world, Path("out/other-%06d.tar"), 2)  # another name does not meet them


def test_a_missing_file_is_named_and_leaves_no_shard(world):
    frame_path(folder_of(world.flow) / "sea" / "backward", 1).unlink()
    with pytest.raises(FileNotFoundError, match=r"sea/backward/00001\.png: .* missing"):
        write_shards(world, Path("out/train-%06d.tar"), 2)
    assert not [path for path in Path("out").iterdir() if path.name[0] != "."]


@pytest.mark.parametrize("name", ["train.tar", "train-%d.tar", "train-%s-%06d.tar"])
def test_a_name_without_a_number_is_refused(world, name):
    with pytest.raises(ValueError, match=r"%06d\.tar"):
        write_shards(world, Path("out") / name, 2)


def test_photographs_and_sets_without_references_can_be_exported(world):
    photos = PreparedSet(world.table)
    photos.rows = [row | {"n_frames": 1} for row in photos.rows]
    written = write_shards(photos, Path("out/photos-%06d.tar"), 8)
    assert (written.clips, written.pairs, written.without_references) == (2, 0, 2)
    assert sorted(members("out/photos-000000.tar")) == [
        f"0000000{k}.{key}" for k in (0, 1) for key in ("frame.00000.png", "json")
    ]


def test_the_command_and_the_reader_of_the_page(world, monkeypatch, capsys):
    """Both as they stand there; what the reader yields is what ClipPairs does, without references drawn at random."""
    command = shlex.split(block("As tar shards", "sh").replace("\\\n", ""))
    assert command[:2] == ["python", "-m"]
    monkeypatch.setattr(sys, "argv", command[2:])
    runpy.run_module(command[2], run_name="__main__")
    said = capsys.readouterr().out
    assert "2 clips with 3 pairs and 4 references" in said and "1 duplicate, 1 grayscale" in said
    read = {"__name__": "page"}
    exec(compile(block("As tar shards", "python"), str(PAGE), "exec"), read)
    assert read["batch"]["frames"].shape[1:] == (2, 3, *SIZE)
    pairs = ClipPairs(world, TrainSettings(own_reference=0))
    clips = read["webdataset"].WebDataset(read["shards"], shardshuffle=False).decode(read["decoded"])
    found = list(clips.compose(read["pairs"]))
    assert [sample["item"] for sample in found] == [name for name, _ in pairs.positions] and len(found) == 3
    for sample, expected in zip(found, pairs, strict=True):
        for key in ("frames", "flow", "visible", "flow_back", "visible_back", "similarity"):
            assert torch.equal(sample[key], expected[key]), key
        wrong = (sample["references"].flip(0) - expected["references"]).abs().mean()
        assert (sample["references"] - expected["references"]).abs().mean() < wrong / 5  # another filter scales them


def test_the_loader_of_the_page(world):
    read = {"__name__": "page"}
    exec(compile(block("As a dataset", "python"), str(PAGE), "exec"), read)
    assert len(read["data"]) == 3
    assert read["last"].shape == read["reference"].shape == (len(read["own"]), 3, *SIZE)
    assert read["flow"].shape[1:] == (2, *SIZE) and read["visible"].shape[1:] == (1, *SIZE)


def test_a_picture_decoder_would_spoil_a_flow(world):
    """Why flow is not called .png in a shard: Pillow reads it as 8 bits without a word."""
    path = frame_path(folder_of(world.flow) / "sea" / "forward", 0)
    assert np.asarray(Image.open(path)).dtype == np.uint8
    assert np.abs(read_kitti(path)[0]).max() > 4 and read_rgb(path).dtype == np.uint8
