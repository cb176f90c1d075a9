"""A row in shards: the same results, the same table and the same receipts as in one job, here and on a cluster."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.methods.contract.method import Method
from bench.run import colorize, gather_colorized
from media.faults import MachineFault
from media.image import frame_path
from media.jobs import shard_of, task_name
from media.provenance import recorded
from media.tables import CLIPS, COLORIZED, read_table, records, write_table
from media.writer import StillWriting, sole_writer


@pytest.fixture
def run(world):
    """run(row, shards): colour the small world; the table of the row."""

    def call(row: str, shards: int = 1, options: dict | None = None, only: int | None = None, **more) -> Path:
        table = world.root / f"colorize/{row}.parquet"
        given = {"row": row, "options": json.dumps(options or {}), "results": world.root} | world.inputs() | more
        if shards == 1:
            colorize.main(table=table, **given)
            return table
        folder = world.root / f"shards/colorize/{row}"
        own = {"shards": shards, "frames": table.with_suffix("")}
        for shard in reversed(range(shards)) if only is None else [only]:
            colorize.main(table=folder / f"{shard}.parquet", shard=shard, **own, **given)
        if only is None:
            gather(table, shards, row)
        return table

    def gather(table: Path, shards: int, row: str) -> None:
        kinds = colorize.load(row, {}).given
        items = {kind: world.inputs()[kind] for kind in kinds}
        parts = [world.root / f"shards/colorize/{row}/{shard}.parquet" for shard in range(shards)]
        call.said = gather_colorized.main(shards=parts, table=table, **items)

    call.gather = gather
    return call


@pytest.fixture
def asked(monkeypatch):
    """Let every row colour grey, with a little noise; the items that it was asked for."""
    items = []

    def noisy(frames, given):
        items.append(given.item)
        for luminance in frames:
            yield np.random.normal(0, 5, (*luminance.shape, 2))

    method = Method()
    method.given, method.colorize = {"clips": (), "images": ()}, noisy
    monkeypatch.setattr(colorize, "load", lambda *_: method)
    return items


def frames(table: Path) -> dict:
    folder = table.with_suffix("")
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.png")}


def without_seconds(table: Path):
    return read_table(table, COLORIZED).drop(columns="seconds")


def test_shards_make_what_one_job_makes(run, asked):
    whole = run("row")
    expected, pictures = without_seconds(whole), frames(whole)
    divided = run("other", shards=4)
    assert without_seconds(divided).equals(expected) and frames(divided) == pictures
    assert asked[5:] != asked[:5] and sorted(asked[5:]) == asked[:5]  # the order of the shards does not matter


@pytest.mark.parametrize("numbers", [(1, 4), (4, 2), (2, 1)])
def test_another_number_of_shards_makes_nothing_again(run, asked, numbers):
    first = run("row", shards=numbers[0]).read_bytes()
    assert len(asked) == 5
    assert run("row", shards=numbers[1]).read_bytes() == first and len(asked) == 5


def test_a_row_of_clips_alone_in_shards(run):
    whole = without_seconds(run("flow_propagation"))
    assert without_seconds(run("flow_propagation", shards=2)).equals(whole) and set(whole["kind"]) == {"clips"}


def test_one_shard_leaves_what_is_of_others(run, asked, world):
    run("row")
    asked.clear()
    shard = shard_of(task_name("clips", "clip_a"), 4)
    frame_path(world.root / "colorize/row/clips/clip_a", 0).unlink()
    run("row", shards=4, only=shard)
    assert asked == ["clip_a"] and len(list((world.root / "colorize/row/receipts").iterdir())) == 5


def test_what_is_of_no_item_is_removed_when_the_shards_are_gathered(run, asked, world):
    folder = run("row", shards=2).with_suffix("")
    (folder / "clips/gone").mkdir()
    (folder / "images/.half.part").mkdir()
    (folder / "receipts/clips-gone.json").write_text("{}")
    run("row", shards=2)
    assert sorted(path.name for path in (folder / "clips").iterdir()) == ["clip_a", "clip_b"]
    assert len(list((folder / "images").iterdir())) == 3 and len(list((folder / "receipts").iterdir())) == 5


def test_frames_that_are_gone_when_the_shards_are_gathered_are_an_error(run, asked, world):
    table = run("row", shards=2)
    table.unlink()
    frame_path(world.root / "colorize/row/clips/clip_a", 2).write_bytes(b"")
    with pytest.raises(MachineFault, match=r"1 items \(clip_a\) lack frames .* run again"):
        run.gather(table, 2, "row")
    assert not table.exists()


def test_a_shard_of_other_items_is_an_error(run, asked, world):
    table = run("row", shards=4)
    with pytest.raises(MachineFault, match="differ in 3 of these"):
        run.gather(table, 2, "row")


@pytest.mark.parametrize(
    ("shard", "shards", "said"),
    [
        (5, 4, "no shard 5; expected 0..3"),
        (1, 1, "no shard 1"),
        (0, 0, "there cannot be 0 shards"),
        (-1, 2, "no shard -1"),
    ],
)
def test_a_shard_that_there_is_not_is_an_error(world, asked, shard, shards, said):
    table = world.root / "shards/colorize/row/0.parquet"
    with pytest.raises(ValueError, match=said):
        colorize.main(row="row", options="{}", table=table, shard=shard, shards=shards, **world.inputs())
    assert not asked and not table.exists()


@pytest.mark.parametrize("shards", [1, 4])
def test_a_set_without_a_kept_item_is_an_empty_table(run, asked, world, shards):
    for kind in ("clips", "images"):
        lines = records(read_table(world.inputs()[kind], CLIPS))
        write_table([line | {"reason": "too_dark"} for line in lines], world.inputs()[kind], CLIPS)
    table = read_table(run("row", shards=shards), COLORIZED)
    assert table.empty and not asked


def test_a_skipped_row_is_skipped_in_shards_too(run, asked, monkeypatch):
    monkeypatch.setattr(colorize.load(), "skip", lambda: "no licence")
    table = read_table(run("row", shards=2), COLORIZED)
    assert table["reason"].tolist() == ["skipped"] * 5 and not asked


def test_jobs_that_overlap_are_not_at_work_together(run, asked, world):
    receipts = world.root / "colorize/row/receipts"
    with sole_writer(receipts, 1, 4), pytest.raises(StillWriting, match="still writing it"):
        run("row")
    with sole_writer(receipts, 0, 1), pytest.raises(StillWriting):
        run("row", shards=4)
    with sole_writer(receipts, 1, 4), pytest.raises(StillWriting):
        run("row", shards=2, only=0)
    with sole_writer(receipts, 1, 4):
        run("row", shards=2, only=1)
        run("row", shards=4, only=0)
    assert not [path for path in receipts.parent.iterdir() if path.name.endswith(".lock")]


def test_a_reference_is_looked_up(world, monkeypatch):
    """Nothing searches the table of references for an item."""
    inputs = world.inputs()
    source = colorize.read_inputs("clips", inputs["clips"], inputs["clip_references"], 1)
    assert [item.reference.name for item in source.items(("reference",))] == ["image_0", "image_0"]
    monkeypatch.setattr(type(source.references), "__getitem__", lambda *_: pytest.fail("it is searched"))
    assert source._reference_of["clip_b"] == "image_0"


@pytest.mark.parametrize("row", ["nn_match", "flow_propagation"])
def test_a_cluster_gives_the_same_results(run, cluster, capsys, row):
    table = run(row)
    expected, pictures = without_seconds(table), frames(table)
    shutil.rmtree(table.with_suffix(""))
    assert without_seconds(run(row, shards=2, scheduler=cluster)).equals(expected) and frames(table) == pictures
    assert f"tasks on the cluster {cluster}" in capsys.readouterr().out


def test_a_row_that_counts_from_a_folder_is_not_sent(run, cluster, capsys):
    table = run("mine", options={"command": "cp {frames}/*.png {output}"}, scheduler=cluster)
    assert read_table(table, COLORIZED)["reason"].isna().all()
    assert "colorize mine: not on the cluster" in capsys.readouterr().out


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_ends_the_job_once(world, capsys):
    table = world.root / "colorize/nn_match.parquet"
    with pytest.raises(SystemExit) as ended:
        recorded(colorize.main, "table")(row="nn_match", options="{}", table=table, device="cuda", **world.inputs())
    assert str(ended.value).startswith("error: device is 'cuda', but PyTorch sees no GPU here")
    assert not table.exists() and "Traceback" not in "".join(capsys.readouterr())


def test_a_device_of_another_name_ends_the_job_once(world):
    table = world.root / "colorize/nn_match.parquet"
    with pytest.raises(SystemExit, match="error: there is no device 'tpu'; expected one of cpu, cuda, auto"):
        recorded(colorize.main, "table")(row="nn_match", options="{}", table=table, device="tpu", **world.inputs())
    assert not table.exists()
