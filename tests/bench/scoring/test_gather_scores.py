"""Scores in shards and on a cluster: the bytes of one job."""

import json
import shutil

import numpy as np
import pytest

from bench.run import colorize, gather_colorized
from bench.scoring import gather_scores, score, truth
from media.faults import MachineFault
from media.image import frame_path
from media.tables import SCORES, read_table


@pytest.fixture
def inputs(world) -> dict:
    given = {name: world.inputs()[name] for name in ("clips", "images", "weights")}
    given |= {"scoring_flow": world.root / "flow/test.parquet", "fid_features": "efficientnet_lite0"}
    truth.main(**given, table=world.root / "truth/test.parquet")
    return given | {"truth": world.root / "truth/test.parquet", "classifier": "efficientnet_lite0"}


@pytest.fixture
def colored(world):
    """The whole table of a row that one job, and one that four shards have coloured."""
    own = {"row": "copy", "options": json.dumps({"precomputed": "{results}/{kind}/test"}), "results": world.root}
    table, parts = world.root / "colorize/copy.parquet", world.root / "shards/colorize/copy"
    for shard in range(4):
        part = {"shard": shard, "shards": 4, "frames": table.with_suffix(""), "table": parts / f"{shard}.parquet"}
        colorize.main(**own, **part, **world.inputs())
    tables = [parts / f"{shard}.parquet" for shard in range(4)]
    gather_colorized.main(shards=tables, table=table, clips=world.inputs()["clips"], images=world.inputs()["images"])
    return table


@pytest.fixture
def scored(world, inputs, colored):
    """scored(shards, **more): the bytes of the row's scores."""

    def call(shards: int = 1, name: str = "score", **more) -> bytes:
        table = world.root / name / "copy.parquet"
        if shards == 1:
            score.main(row="copy", colorized=colored, table=table, **inputs, **more)
            return table.read_bytes()
        parts = [world.root / f"shards/{name}/copy/{shard}.parquet" for shard in range(shards)]
        for shard, part in enumerate(parts):
            own = {"colorized": world.root / f"shards/colorize/copy/{shard}.parquet", "table": part}
            own |= {"frames": colored.with_suffix(""), "pieces": table.with_suffix("")}
            score.main(row="copy", shard=shard, shards=shards, **own, **inputs, **more)
        call.said = gather_scores.main(row="copy", shards=parts, colorized=colored, table=table)
        return table.read_bytes()

    return call


def test_one_job_and_four_give_the_same_bytes(scored, world, monkeypatch):
    whole = scored(1)
    assert scored(4, name="other") == whole
    sizes = [len(read_table(world.root / f"shards/other/copy/{shard}.parquet", SCORES)) for shard in range(4)]
    assert sum(sizes) == len(read_table(world.root / "score/copy.parquet", SCORES)) - 2  # fid, kid
    monkeypatch.setattr(score, "measure", lambda *_: pytest.fail("it is measured again"))
    assert scored(4) == whole == scored(1)
    assert set(scored.said) == {"left_out"}


def test_a_cluster_gives_the_same_bytes(scored, cluster, capsys):
    whole = scored(1)
    assert scored(1, name="there", scheduler=cluster) == whole == scored(4, name="shards", scheduler=cluster)
    assert "tasks on the cluster tcp://" in capsys.readouterr().out


def test_the_truth_of_a_cluster_is_the_same(world, inputs, cluster):
    def made() -> dict:
        folder = world.root / "truth"
        return {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*.*")
            if path.suffix in (".png", ".npy", ".parquet")
        }

    here = made()
    assert np.load(world.root / "truth/test.npy").shape[0] == 3
    for path in (world.root / "truth/test.pieces/receipts").iterdir():
        path.unlink()
    del inputs["truth"], inputs["classifier"]
    truth.main(**inputs, table=world.root / "truth/test.parquet", scheduler=cluster)
    assert made() == here


def test_receipts_and_features_of_no_item_are_removed(scored, world):
    scored(4)
    folder = world.root / "score/copy"
    (folder / "receipts/images-gone.json").write_text("{}")
    np.save(folder / "features/gone.npy", np.zeros(3))
    scored(4)
    assert len(list((folder / "receipts").iterdir())) == 5 and len(list((folder / "features").iterdir())) == 3


def test_features_that_are_gone_are_said_and_made_again(scored, world):
    whole = scored(4)
    parts, table = [world.root / f"shards/score/copy/{shard}.parquet" for shard in range(4)], "score/copy.parquet"
    shutil.rmtree(world.root / "score/copy/features")
    with pytest.raises(MachineFault, match=r"3 images \(image_0, .*remove the tables .*shards/score/copy/\*\.parquet"):
        gather_scores.main(
            row="copy", shards=parts, colorized=world.root / "colorize/copy.parquet", table=world.root / table
        )
    for part in parts:
        part.unlink()
    assert scored(4) == whole


def test_truth_that_was_looked_at_is_not_looked_at_again(world, inputs, monkeypatch):
    table = inputs.pop("truth")
    del inputs["classifier"]
    before = table.read_bytes(), table.with_suffix(".npy").read_bytes()
    looked, known_of = [], truth.known_of
    monkeypatch.setattr(truth, "known_of", lambda frame, *more: looked.append(frame) or known_of(frame, *more))
    monkeypatch.setattr("vision.backbones.load_backbone", lambda *_: pytest.fail("a network is loaded"))
    truth.main(**inputs, table=table)
    assert not looked
    frame_path(world.root / "truth/test/clip_b/occluded", 1).write_bytes(b"")
    truth.main(**inputs, table=table)
    assert len(looked) == 4  # frames of clip_b
    assert (table.read_bytes(), table.with_suffix(".npy").read_bytes()) == before
