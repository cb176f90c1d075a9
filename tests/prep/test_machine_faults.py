"""In preparation: what the machine does to a source is never the source's reason; what it did to a frame is undone."""

import errno
import json
import os

import numpy as np
import pytest

from media.faults import MachineFault
from media.image import frame_path, write_png
from media.tables import CLIPS, FLOW, read_table, write_table
from prep import clips, flow, gather, images, sources
from prep.datasets.selection import Source
from prep.judging.verdicts import row_of

FILTERS = {"min_mean_l": 15, "min_mean_chroma": 6, "min_chroma_spread": 0.5, "min_side": 32, "duplicates": "off"}


@pytest.fixture
def media(tmp_path, moving, picture):
    """Two frame folders and three photographs, listed; prepare(kind) runs the job of their shard."""
    for name in ("a", "b"):
        for index, frame in enumerate(moving(ord(name), 5)):
            write_png(frame_path(tmp_path / "folders" / name, index), frame)
    for index in range(3):
        write_png(tmp_path / f"photos/{index}.png", picture(index))
    registry = tmp_path / "datasets.tsv"
    registry.write_text(
        f"name\tkind\troot\nfolders\tframes\t{tmp_path / 'folders'}\nphotos\timages\t{tmp_path / 'photos'}\n"
    )
    for kind, dataset in (("clips", "folders"), ("images", "photos")):
        selections = json.dumps([{"dataset": dataset, "files": "*"}])
        table = tmp_path / f"sources/{kind}.parquet"
        sources.main(datasets=registry, selections=selections, kind=kind, table=table, length=5)

    def prepare(kind: str, **changes):
        table = tmp_path / f"shards/{kind}.parquet"
        table.unlink(missing_ok=True)
        {"clips": clips, "images": images}[kind].main(
            sources=tmp_path / f"sources/{kind}.parquet", shard=0, shards=1, size=(36, 64),
            filters=json.dumps(FILTERS), frames=tmp_path / kind, table=table,
        )  # fmt: skip
        return read_table(table, CLIPS).set_index("clip")

    return prepare


@pytest.mark.parametrize(("kind", "lost"), [("clips", "folders/b"), ("images", "photos/2.png")])
def test_a_listed_source_that_is_gone_ends_the_job(media, tmp_path, kind, lost):
    """Twice: nothing that was written at the first time says that it is done."""
    path = tmp_path / lost
    path.rename(tmp_path / "elsewhere")
    for _ in range(2):
        with pytest.raises(MachineFault, match=rf"{path}.*cannot be read"):
            media(kind)
        assert not (tmp_path / f"shards/{kind}.parquet").exists()
    (tmp_path / "elsewhere").rename(path)
    table = media(kind)
    assert table["reason"].isna().all() and len(table) == (2 if kind == "clips" else 3)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_source_that_cannot_be_opened_is_not_rejected(media, monkeypatch, number):
    def unreadable(name, source):
        raise OSError(number, "the system says no", str(source.path))

    monkeypatch.setattr("prep.judging.verdicts.item_row", unreadable)
    for kind in ("clips", "images"):
        with pytest.raises(MachineFault, match="the table of its set lists"):
            media(kind)


@pytest.mark.parametrize("kind", ["clips", "images"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), MemoryError()])
def test_a_full_disk_is_no_reason(media, tmp_path, monkeypatch, kind, error):
    def full(*_):
        raise error

    with monkeypatch.context() as patched, pytest.raises(type(error)):
        patched.setattr("prep.judging.verdicts.write_png", full)
        media(kind)
    assert not [path for path in (tmp_path / kind).rglob("*") if path.is_file()]
    assert not list((tmp_path / "shards" / kind).iterdir())
    assert media(kind)["reason"].isna().all()


def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert row_of("pipe", Source("d", "images", tmp_path / "pipe.png", "pipe.png", None))["source_sha256"] is None


@pytest.mark.parametrize("change", ["empty", "cut", "replaced", "gone"])
@pytest.mark.parametrize(("kind", "frame"), [("clips", "b_shot0_stride1/00003.png"), ("images", "1/00000.png")])
def test_a_damaged_frame_is_made_again(media, tmp_path, capsys, kind, frame, change):
    before = media(kind)
    path = tmp_path / kind / frame
    whole = path.read_bytes()
    others = {
        other: other.stat().st_mtime_ns for other in (tmp_path / kind).rglob("*.png") if other.parent != path.parent
    }
    if change == "gone":
        path.unlink()
    elif change == "replaced":
        write_png(path, np.zeros((36, 64, 3), np.uint8))
    else:
        path.write_bytes(whole[: len(whole) // 2] if change == "cut" else b"")
    capsys.readouterr()
    assert media(kind).equals(before)
    said = capsys.readouterr()
    assert path.read_bytes() == whole and frame in said.err
    assert {other: other.stat().st_mtime_ns for other in others} == others


@pytest.fixture
def flows(media, tmp_path):
    """Estimates the flow of the clips, of one shard; gives its table by clip."""
    write_table(media("clips").reset_index(), tmp_path / "clips.parquet", CLIPS)

    def run():
        flow.main(
            clips=tmp_path / "clips.parquet", shard=0, shards=1, estimator="dis", weights=tmp_path,
            flows=tmp_path / "flow", table=tmp_path / "shards/flow.parquet",
        )  # fmt: skip
        return read_table(tmp_path / "shards/flow.parquet", FLOW).set_index("clip")

    return run


def test_a_damaged_flow_is_estimated_again(flows, tmp_path):
    before = flows()
    path = frame_path(tmp_path / "flow/a_shot0_stride1/backward", 2)
    whole = path.read_bytes()
    path.write_bytes(b"")
    assert flows().equals(before) and path.read_bytes() == whole


def test_flow_of_a_frame_that_is_gone_ends_the_job(flows, tmp_path):
    frame_path(tmp_path / "clips/b_shot0_stride1", 3).unlink()
    with pytest.raises(MachineFault, match=r"b_shot0_stride1.00003\.png"):
        flows()
    assert not (tmp_path / "shards/flow.parquet").exists() and not (tmp_path / "flow/b_shot0_stride1").exists()


@pytest.mark.parametrize("damage", ["empty", "gone"])
def test_gathering_notices_what_is_lost(media, tmp_path, damage):
    media("images")
    path = tmp_path / "images/1/00000.png"
    given = {"sources": tmp_path / "sources/images.parquet", "shards": [tmp_path / "shards/images.parquet"]}
    given |= {"claimed": [], "duplicates": "off", "table": tmp_path / "images.parquet"}
    gather.items(**given)
    path.write_bytes(b"") if damage == "empty" else path.unlink()
    with pytest.raises(FileNotFoundError, match=r"1 items \(1\) lack files"):
        gather.items(**given)
