"""The stage `train`: one real step of the paper's training through the method's `fit`."""

import json

import pytest

from bench.run.train import main
from colorize import checkpoint
from media.tables import CLIPS, FLOW, REFERENCES, write_table

SETTINGS = {
    "method": "ours", "width": 0.125, "frame": [40, 48], "crop": [40, 48], "steps": 1, "batch": 1,
    "losses": {"adversarial": 0}, "validate_every": 1, "validation_pairs": 1, "threads": 1,
}  # fmt: skip


@pytest.fixture
def call(world, tmp_path):
    """Trains on the small world's images; returns the folder of the training."""
    write_table([], tmp_path / "none/clips.parquet", CLIPS)
    write_table([], tmp_path / "none/flow.parquet", FLOW)
    write_table([], tmp_path / "none/references.parquet", REFERENCES)

    def train(paths=None, **changes):
        main(
            settings=json.dumps(SETTINGS | changes),
            clips=tmp_path / "none/clips.parquet",
            flow=tmp_path / "none/flow.parquet",
            clip_references=tmp_path / "none/references.parquet",
            photos=world.root / "images/test.parquet",
            photo_references=world.root / "references/images/test.parquet",
            validation=world.root / "images/test.parquet",
            backbone="efficientnet_lite0",
            weights=tmp_path,
            seed=0,
            out=tmp_path / "trained",
            **(paths or {}),
        )
        return tmp_path / "trained"

    return train


def test_leaves_a_checkpoint_curves_and_a_summary(call, tmp_path):
    out = call()
    assert json.loads((out / "summary.json").read_text())["steps"] == 1
    assert len((out / "metrics.jsonl").read_text().splitlines()) == 3  # step 0, step 1, its validation
    assert checkpoint.load(out / "model.safetensors", tmp_path).temperature == 0.01
    assert checkpoint.metadata(out / "model.safetensors")["best_step"] == 1


def test_the_checkpoint_is_chosen_on_clips_where_there_are_some(world, call):
    """The same training, judged on a clip instead of a photograph, has another validation error."""
    on_photos = json.loads((call() / "summary.json").read_text())
    rows = [
        {"clip": name, "n_pairs": len(frames) - 1, "visible": 1.0, "estimator": "known"}
        for name, frames in world.clips.items()
    ]
    write_table(rows, world.root / "flow/test.parquet", FLOW)
    clips = {
        "validation_clips": world.root / "clips/test.parquet",
        "validation_flow": world.root / "flow/test.parquet",
    }
    on_clips = json.loads((call(paths=clips) / "summary.json").read_text())
    assert on_clips["validation_step0"] != pytest.approx(on_photos["validation_step0"], rel=1e-3)


def test_a_method_that_does_not_learn_says_so(call):
    with pytest.raises(NotImplementedError, match="'grey' does not learn"):
        call(method="grey")
