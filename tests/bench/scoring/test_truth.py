"""The stage: what it stores is what measuring would compute, for every frame; and scores do not tell the difference."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.metrics.warp_error import lai_occluded
from bench.run import colorize
from bench.scoring import score, truth
from bench.scoring.measure import PICTURES, TRUTH, Frame
from media.faults import MachineFault
from media.flow_files import read_kitti
from media.image import frame_path
from media.tables import CLIPS, SCORES, read_table, write_table


class Means:
    """A network whose features are the picture's mean colours."""

    resize = "bilinear"

    def pooled(self, rgb):
        return rgb.mean(dim=(2, 3))

    def logits(self, crop):
        return crop.mean(dim=3).flatten(1)


@pytest.fixture
def inputs(world, monkeypatch) -> dict:
    monkeypatch.setattr("vision.backbones.load_backbone", lambda *args: Means())
    found = {name: world.inputs()[name] for name in ("clips", "images", "weights")}
    return found | {"scoring_flow": world.root / "flow/test.parquet", "fid_features": "any"}


@pytest.fixture
def table(world, inputs) -> Path:
    truth.main(**inputs, table=world.root / "truth/test.parquet")
    return world.root / "truth/test.parquet"


@pytest.fixture
def stored(table, inputs) -> truth.Truth:
    return truth.Truth.read(table, inputs["images"], inputs["scoring_flow"])


def test_the_table_has_every_frame_of_what_is_kept(table):
    lines = read_table(table, SCORES)
    assert set(lines["row"]) == {TRUTH} and set(lines["metric"]) == set(PICTURES)
    of_one = lines[lines["metric"] == "colorful"]
    assert of_one.groupby("item").size().to_dict() == {
        "clip_a": 5, "clip_b": 4, "image_0": 1, "image_1": 1, "image_2": 1,
    }  # fmt: skip
    assert of_one.loc[of_one["kind"] == "images", "frame"].isna().all()


def test_what_is_known_is_what_would_be_computed(world, stored):
    for kind, items in (("clips", world.clips), ("images", world.images)):
        for item, frames in items.items():
            for index, rgb in enumerate(frames):
                known = stored.known(kind, item, index)
                assert known.values == {name: metric.measure(Frame(rgb)) for name, metric in PICTURES.items()}
                if kind == "images":
                    np.testing.assert_allclose(known.features, rgb.mean(axis=(0, 1)) / 255, atol=1e-6)
                else:
                    assert known.features is None


def test_motions_are_the_flow_files_with_lais_mask(world, stored):
    folder = world.root / "flow/test/clip_a"
    motion = stored.motions("clip_a")(2)
    flow, visible = read_kitti(frame_path(folder / "forward", 2))
    back, _ = read_kitti(frame_path(folder / "backward", 3))
    np.testing.assert_array_equal(motion.flow, flow)
    np.testing.assert_array_equal(motion.visible, visible)
    assert motion.occluded.dtype == bool
    np.testing.assert_array_equal(motion.occluded, lai_occluded(flow, back))


@pytest.mark.parametrize("damage", [b"", b"\x89PNG\r\n\x1a\n half"])
def test_what_is_stored_and_damaged_is_the_machines_fault(world, table, inputs, stored, damage):
    frame_path(world.root / "truth/test/clip_a/occluded", 2).write_bytes(damage)
    with pytest.raises(MachineFault, match=r"occluded.00002\.png, which the pipeline wrote whole"):
        stored.motions("clip_a")(2)
    table.with_suffix(".npy").write_bytes(damage)
    with pytest.raises(MachineFault, match=r"test\.npy"):
        truth.Truth.read(table, inputs["images"], inputs["scoring_flow"])


def test_masks_of_clips_that_are_gone_are_removed(world, table, inputs):
    clips = read_table(inputs["clips"], CLIPS)
    write_table(clips[clips["clip"] != "clip_b"], inputs["clips"], CLIPS)
    truth.main(**inputs, table=table)
    assert [path.name for path in (world.root / "truth/test").iterdir()] == ["clip_a"]


def test_masks_of_any_width_come_back(tmp_path, monkeypatch):
    """Eight pixels go into a byte: nothing is lost, nor gained, where the width is no multiple of 8."""
    mask = np.random.default_rng(0).random((5, 13)) < 0.5
    monkeypatch.setattr(truth, "read_kitti", lambda path: (np.zeros((5, 13, 2), np.float32), np.ones((5, 13), bool)))
    monkeypatch.setattr(truth, "lai_occluded", lambda flow, back: mask)
    truth.write_occluded(tmp_path / "flow", tmp_path / "masks", n_frames=2)
    np.testing.assert_array_equal(truth.stored_motions(tmp_path / "flow", tmp_path / "masks")(0).occluded, mask)


def test_scores_do_not_depend_on_what_is_stored(world, inputs, table, monkeypatch):
    """With the stored values and without them the table of scores is the same, bit for bit."""
    row = world.root / "colorize/grey.parquet"
    colorize.main(row="grey", options=json.dumps({}), table=row, **world.inputs())
    tables = []
    for known in (truth.Truth.known, lambda *_: None):
        monkeypatch.setattr(truth.Truth, "known", known)
        score.main(
            row="grey", colorized=row, truth=table, classifier="any", table=world.root / "score.parquet", **inputs
        )
        tables.append(read_table(world.root / "score.parquet", SCORES))
    assert {"fid", "delta_cf_per_image", "top1"} <= set(tables[0]["metric"])
    pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_without_images_no_network_is_needed(world, inputs, monkeypatch):
    rejected = {"clip": "dark", "n_frames": 0, "reason": "too_dark", "detail": "mean L 1"}
    write_table([rejected], inputs["images"], CLIPS)
    monkeypatch.setattr("vision.backbones.load_backbone", lambda *args: pytest.fail("a network was loaded"))
    truth.main(**inputs, table=world.root / "truth/test.parquet")
    stored = truth.Truth.read(world.root / "truth/test.parquet", inputs["images"], inputs["scoring_flow"])
    assert stored.features == {} and {kind for kind, *_ in stored.values} == {"clips"}
