"""Flow of a known translation, in both directions, where the contract says it lies."""

import numpy as np
import pytest

from media.flow_files import read_kitti
from media.image import frame_path, write_png
from media.tables import CLIPS, FLOW, read_table, write_table
from prep import gather
from prep.flow import main

STEP = 3


@pytest.fixture
def flows(tmp_path, moving, picture):
    """Runs the stage on a clip that moves 3 px to the right a frame, a photograph and a rejected clip."""
    for index, frame in enumerate(moving(0, 4, step=STEP, height=96, width=128)):
        write_png(frame_path(tmp_path / "clips/walk", index), frame)
    write_png(frame_path(tmp_path / "clips/photo", 0), picture(0))
    rows = [{"clip": "walk", "n_frames": 4}, {"clip": "photo", "n_frames": 1}]
    rows.append({"clip": "bad", "n_frames": 0, "reason": "too_short"})
    write_table(rows, tmp_path / "clips.parquet", CLIPS)
    shards = [tmp_path / f"shards/{shard}.parquet" for shard in range(2)]
    for shard, table in enumerate(shards):
        main(
            clips=tmp_path / "clips.parquet", shard=shard, shards=2, estimator="dis", weights=tmp_path,
            flows=tmp_path / "flow", table=table, workers=2,
        )  # fmt: skip
    gather.flow(clips=tmp_path / "clips.parquet", shards=shards, table=tmp_path / "flow.parquet")
    return tmp_path / "flow", read_table(tmp_path / "flow.parquet", FLOW).set_index("clip")


def test_both_directions_have_the_known_translation(flows):
    folder, _ = flows
    for path, motion in [("forward/00001.png", STEP), ("backward/00002.png", -STEP)]:
        flow, visible = read_kitti(folder / "walk" / path)
        assert visible[20:-20, 20:-20].mean() > 0.8
        np.testing.assert_allclose(np.median(flow[visible], axis=0), [motion, 0], atol=0.15)


def test_what_leaves_the_frame_is_not_reliable(flows):
    folder, _ = flows
    _, forward = read_kitti(folder / "walk/forward/00000.png")
    _, backward = read_kitti(folder / "walk/backward/00001.png")
    assert not forward[:, -STEP:].any() and not backward[:, :1].any()


def test_files_lie_on_the_grid_of_their_frame(flows):
    folder, table = flows
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    assert found == [f"walk/backward/{i:05d}.png" for i in (1, 2, 3)] + [f"walk/forward/{i:05d}.png" for i in (0, 1, 2)]
    assert dict(table["n_pairs"]) == {"walk": 3, "photo": 0}
    assert 0.6 < table.loc["walk", "visible"] < 1 and table["visible"].isna()["photo"]
    assert set(table["estimator"]) == {"dis"} and list(table.index) == ["walk", "photo"]  # the order of the clips
