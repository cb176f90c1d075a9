"""Killed at random moments, again and again: afterwards the same bytes, nothing left over, nothing lost."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from campaign import ROOT, at_work, contents, finish, kill, left_over, moments, start, wait_for_end
from small_world import ROWS, command_of, make_world, prepared_clips, scene, write_clip

from media.image import write_png

pytestmark = pytest.mark.slow
KILLS = 20


def test_the_pipeline(tmp_path):
    """Preparation, training, colouring and scoring; every fourth time Snakemake alone is killed, its jobs go on."""
    config = make_world(tmp_path / "world")
    targets = [f"results/score/{row}.parquet" for row in ROWS]

    def pipeline(directory: Path) -> list[str]:
        own = ["--directory", str(directory), "--configfile", str(config), "--nolock", "--cores", "2"]
        return ["snakemake", "--snakefile", str(ROOT / "Snakefile"), *own, "--", *targets]

    calm, stormy = tmp_path / "calm", tmp_path / "stormy"
    finish(pipeline(calm), tmp_path / "calm.log")
    killed = 0
    for turn, after in enumerate(moments(KILLS, longest=9, seed=1)):
        killed += kill(start(pipeline(stormy), tmp_path / "stormy.log"), 2 + after, alone=turn % 4 == 3)
    wait_for_end(str(stormy))  # jobs whose Snakemake alone was killed
    finish(pipeline(stormy), tmp_path / "last.log")
    assert killed >= KILLS // 2
    assert contents(stormy / "results") == contents(calm / "results")
    assert left_over(stormy) == []


def test_colorize_video(tmp_path):
    """A clip of several segments into a folder of frames."""
    write_clip(tmp_path / "clip", seed=7, length=230, size=(64, 64))
    write_png(tmp_path / "reference.png", scene(7, 64, 64))

    def command(out: str) -> list[str]:
        given = ["--input", tmp_path / "clip", "--reference", tmp_path / "reference.png", "--output", tmp_path / out]
        return [sys.executable, "-m", "colorize", "video", "--short-side", "64", *map(str, given)]

    finish(command("calm"), tmp_path / "calm.log")
    calm, killed = contents(tmp_path / "calm"), 0
    for after in moments(3 * KILLS, longest=7, seed=2):
        killed += kill(start(command("stormy"), tmp_path / "stormy.log"), after)
        if (tmp_path / "stormy").exists():
            assert contents(tmp_path / "stormy") == calm
            shutil.rmtree(tmp_path / "stormy")
        if killed == KILLS:
            break
    finish(command("stormy"), tmp_path / "last.log")
    assert killed == KILLS
    assert contents(tmp_path / "stormy") == calm
    assert left_over(tmp_path) == []


def test_a_command_row(tmp_path):
    """Clips that were coloured are kept, and no program outlives the job by long."""
    clips = prepared_clips(tmp_path / "clips", count=16)

    def command(out: Path) -> list[str]:
        options = json.dumps({"command": command_of(tmp_path), "given": {"clips": []}})
        own = ["--row", "program", "--options", options, "--clips", str(clips), "--backbone", "efficientnet_lite0"]
        rest = ["--weights", str(tmp_path), "--seed", "0", "--table", str(out / "results/colorize/program.parquet")]
        return [sys.executable, "-m", "bench.run.colorize", *own, *rest]

    finish(command(tmp_path / "calm"), tmp_path / "calm.log")
    runs = (tmp_path / "runs.txt").read_text().count("\n")
    assert runs == 16
    killed = 0
    for after in moments(KILLS, longest=5, seed=3):
        killed += kill(start(command(tmp_path / "stormy"), tmp_path / "stormy.log"), 1 + after)
        wait_for_end(f"{tmp_path}/program.py", seconds=5)
    finish(command(tmp_path / "stormy"), tmp_path / "last.log")
    assert contents(tmp_path / "stormy") == contents(tmp_path / "calm")
    assert left_over(tmp_path / "stormy") == [] and at_work(f"{tmp_path}/program.py") == []
    assert (tmp_path / "runs.txt").read_text().count("\n") <= 2 * runs + killed  # what was done is not done again
