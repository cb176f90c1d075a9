"""A disk that fills up at 20 sizes: the command fails with a sentence, and with room it makes what it would have."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from campaign import ENVIRONMENT, ROOT, contents, left_over
from small_world import LENGTH, SIZE, prepared_clips, scene, write_clip

from media.image import write_png
from media.tables import SOURCES, write_table

pytestmark = pytest.mark.slow
MUCH = 64 * 2**20


def run(command: list[str]) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)


def used(folder: Path) -> int:
    """Bytes of the pages that a disk in memory needs for what lies in a folder."""
    return sum(-(-path.stat().st_size // 4096) * 4096 + 4096 for path in folder.rglob("*"))


def fills(command_for, small_disk, tmp_path: Path, table: str, count: int) -> None:
    """Run a command whose results go to a disk of `count` sizes, from nearly nothing to nearly enough."""
    whole = run(command_for(tmp_path / "whole"))
    assert whole.returncode == 0, whole.stderr
    expected, need = contents(tmp_path / "whole"), used(tmp_path / "whole")
    failed = 0
    for turn in range(count):
        disk = small_disk(4096 * max(3, round(need * (turn + 0.5) / count / 4096)))
        tight = run(command_for(disk / f"out{turn}"))
        if tight.returncode:
            failed += 1
            assert "No space left" in tight.stdout + tight.stderr, tight.stderr
            assert "Traceback" not in tight.stderr, tight.stderr
            assert not (disk / f"out{turn}" / table).exists()
        small_disk(MUCH)
        again = run(command_for(disk / f"out{turn}"))
        assert again.returncode == 0, again.stderr
        assert contents(disk / f"out{turn}") == expected, turn
        assert left_over(disk) == []
        subprocess.run(["rm", "-r", disk / f"out{turn}"], check=True)
    assert failed >= count // 2


def test_preparation(small_disk, tmp_path):
    for index in range(3):
        write_clip(tmp_path / f"raw/clip_{index}", index)
    rows = [
        {
            "name": path.name, "dataset": "raw", "kind": "frames", "path": str(path), "file": path.name,
            "takes": "[[1, 4]]", "position": index, "hash": index,
        }
        for index, path in enumerate(sorted((tmp_path / "raw").iterdir()))
    ]  # fmt: skip
    write_table(rows, tmp_path / "sources.parquet", SOURCES)
    filters = {
        "min_mean_l": 0, "min_mean_chroma": 0, "min_chroma_spread": 0, "min_side": 1, "duplicates": "off",
    }  # fmt: skip

    def command(out: Path) -> list[str]:
        given = ["--sources", tmp_path / "sources.parquet", "--shard", 0, "--shards", 1, "--size", *SIZE]
        made = ["--filters", json.dumps(filters), "--frames", out / "clips/test", "--table", out / "shards/0.parquet"]
        return [sys.executable, "-m", "prep.clips", *map(str, given + made)]

    fills(command, small_disk, tmp_path, "shards/0.parquet", count=20)


def test_coloring(small_disk, tmp_path):
    clips = prepared_clips(tmp_path / "clips", count=4)

    def command(out: Path) -> list[str]:
        own = ["--row", "grey", "--options", "{}", "--clips", clips, "--backbone", "efficientnet_lite0"]
        rest = ["--weights", tmp_path, "--seed", 0, "--table", out / "results/colorize/grey.parquet"]
        return [sys.executable, "-m", "bench.run.colorize", *map(str, own + rest)]

    fills(command, small_disk, tmp_path, "results/colorize/grey.parquet", count=20)


def test_colorize_video(small_disk, tmp_path):
    write_clip(tmp_path / "clip", seed=7, length=LENGTH, size=(64, 64))
    write_png(tmp_path / "reference.png", scene(7, 64, 64))

    def command(out: Path) -> list[str]:
        out.mkdir(parents=True, exist_ok=True)
        given = ["--input", tmp_path / "clip", "--reference", tmp_path / "reference.png", "--output", out / "frames"]
        return [sys.executable, "-m", "colorize", "video", "--short-side", "64", *map(str, given)]

    fills(command, small_disk, tmp_path, "frames/00000.png", count=6)
