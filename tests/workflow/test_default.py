"""The embedded default for real: its tables, and what they must show. The tiny world makes all the rest."""

import json

import pandas as pd
import pytest
from tiny_world import assert_disjoint, snakemake

from media.tables import CLIPS, read_table

pytestmark = pytest.mark.slow

TARGETS = ("results/table1.csv", "results/propagation.csv")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("default")
    done = snakemake("--quiet", "rules", "--", *TARGETS, directory=directory)
    assert done.returncode == 0, done.stdout
    return directory / "results"


def test_the_test_clips_are_the_three_and_bikes_is_faded(run):
    clips = read_table(run / "clips/test.parquet", CLIPS)
    kept = clips[clips["reason"].isna()]
    assert sorted(zip(kept["source"], kept["stride"], kept["n_frames"], strict=True)) == [
        ("bigbuckbunny.mp4", 2, 25),
        ("bigbuckbunny.mp4", 5, 25),
        ("carphone_pristine.mp4", 4, 25),
    ]
    assert "low_chroma" in set(clips.loc[clips["source"] == "bikes.mp4", "reason"])


def test_table1(run):
    table = pd.read_csv(run / "table1.csv").set_index("method")
    assert table.loc["ground_truth", "fid"] < 1e-3
    assert table.loc["ground_truth", "top1"] >= 60
    assert table.loc["grey", "colorful"] < 0.05
    assert table.loc["grey", "flicker"] < 0.01
    assert (table.loc["ground_truth", ["n_images", "n_clips"]] == (20, 3)).all()
    assert table["flicker"].notna().all()


def test_propagation(run):
    late = pd.read_csv(run / "propagation.csv").query("clip == 'mean'").set_index("method")["psnr_15_24"]
    assert late["nn_match"] >= late["copy_first"] + 3
    assert late["fusion"] >= late["nn_match"] + 0.5
    assert late["fusion"] >= late["flow_propagation"] + 0.5
    assert late["ours_first_frame"] > 0
    assert late["ours_shipped_first_frame"] > late["fusion"]
    assert late["ours_aligned_first_frame"] > max(late["nn_match"], late["flow_propagation"])


def test_training_learned(run):
    for name in ("ours", "ours_aligned"):
        summary = json.loads((run / f"train/{name}/summary.json").read_text())
        assert summary["improved"] and summary["best_step"] > 0
    lines = [json.loads(line) for line in (run / "train/ours/metrics.jsonl").read_text().splitlines()]
    steps = pd.DataFrame([line for line in lines if "total" in line])
    first, last = steps.iloc[:40].mean(), steps.iloc[-40:].mean()
    assert last["perceptual"] < first["perceptual"]
    assert last["l1"] < first["l1"]


def test_nothing_scored_is_trained_on(run):
    assert_disjoint(run)
