"""What a training is recognised by and goes on from: the hash of its data, and a state that is not damaged."""

import os
import shutil
import signal
from pathlib import Path

import pytest
import torch

from colorize.training import resume
from colorize.training.curves import Curves
from colorize.training.pairs import PreparedSet, TrainingData
from colorize.training.resume import Interrupted, Stoppable, Timetable, data_hash, load_state, save_state
from media.faults import MachineFault
from media.seal import seal
from media.stopping import Stopped
from media.tables import CLIPS, FLOW, REFERENCES, read_table, write_table


def opened(world) -> TrainingData:
    """The data that the fixture `data` wrote, or a copy of it."""
    clips = PreparedSet(world / "clips.parquet", world / "references.parquet", world / "flow.parquet")
    photos = PreparedSet(world / "photos.parquet", world / "references.parquet")
    return TrainingData(clips, photos, PreparedSet(world / "validation.parquet"))


def test_the_same_data_elsewhere_has_the_same_hash(data, tmp_path):
    elsewhere = shutil.copytree(tmp_path, tmp_path.with_name("elsewhere"))
    moved = read_table(elsewhere / "references.parquet", REFERENCES)
    moved["path"] = moved["path"].str.replace(str(tmp_path), str(elsewhere))
    write_table(moved, elsewhere / "references.parquet", REFERENCES)
    assert data_hash(opened(elsewhere)) == data_hash(data)


@pytest.mark.parametrize(
    ("table", "columns", "changes"),
    [
        ("clips", CLIPS, {"sha256": "other pixels"}),
        ("photos", CLIPS, {"sha256": "other pixels"}),
        ("validation", CLIPS, {"sha256": "other pixels"}),
        ("references", REFERENCES, {"reference": "c"}),
        ("flow", FLOW, {"estimator": "another"}),
        ("flow", FLOW, {"visible": 0.5}),
    ],
)
def test_other_data_have_another_hash(data, tmp_path, table, columns, changes):
    before = data_hash(data)
    path = tmp_path / f"{table}.parquet"
    write_table(read_table(path, columns).assign(**changes), path, columns)
    assert data_hash(opened(tmp_path)) != before


def test_validation_clips_count(data):
    before = data_hash(data)
    data.validation_clips = data.clips
    assert data_hash(data) != before


IDENTITY = {"config_hash": "a"}


def saved(path) -> bytes:
    save_state(path, {"identity": IDENTITY, "modules": [{"w": torch.arange(100.0)}], "lines": ["{}"]})
    return path.read_bytes()


def test_a_state_comes_back(tmp_path):
    saved(tmp_path / "state.pt")
    assert load_state(tmp_path / "state.pt", IDENTITY)["modules"][0]["w"].tolist() == list(range(100))
    assert load_state(tmp_path / "none.pt", IDENTITY) is None


@pytest.mark.parametrize("damage", ["empty", "half", "zeros", "flipped", "text", "pickle", "list", "unsealed"])
def test_a_damaged_state_is_named_and_the_training_begins_anew(tmp_path, capsys, damage):
    path = tmp_path / "state.pt"
    whole = saved(path)
    middle = len(whole) // 2
    content = {
        "empty": b"",
        "half": whole[:middle],
        "zeros": bytes(len(whole)),
        "flipped": whole[:middle] + bytes([whole[middle] ^ 16]) + whole[middle + 1 :],
        "text": b"<!DOCTYPE html>",
    }
    path.write_bytes(content.get(damage, whole))
    if damage in ("text", "pickle", "list", "unsealed"):
        others = {"pickle": {"identity": Path("x")}, "list": [1], "unsealed": {"identity": IDENTITY}}
        if damage in others:
            torch.save(others[damage], path)
        if damage != "unsealed":
            seal(path)
    assert load_state(path, IDENTITY) is None
    (said,) = capsys.readouterr().out.splitlines()
    assert said.startswith(f"{path}: ") and said.endswith("; this training starts from the beginning")


MADE = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "loop": lambda path: path.symlink_to(path.name),
    "dangling": lambda path: path.symlink_to("gone.pt"),
    "link to a folder": lambda path: path.symlink_to("."),
    "device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_a_state_that_is_no_file_is_named_and_written_anew(tmp_path, capsys, make):
    path = tmp_path / "state.pt"
    make(path)
    assert load_state(path, IDENTITY) is None
    (said,) = capsys.readouterr().out.splitlines()
    assert said.startswith(f"{path}: is a ") and said.endswith("; this training starts from the beginning")
    saved(path)
    assert load_state(path, IDENTITY) and not path.is_symlink()


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_curves_do_not_wait_for_a_pipe(tmp_path, make):
    make(tmp_path / "metrics.jsonl")
    (tmp_path / "tensorboard").touch()
    with Curves(tmp_path, ['{"step": 0, "validation": 1.0}']) as curves:
        curves.write(1, {"l1": 2.0})
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2
    assert (tmp_path / "tensorboard").is_dir()


def test_a_folder_of_something_in_the_place_of_the_state_is_spared(tmp_path):
    path = tmp_path / "state.pt"
    path.mkdir()
    (path / "diary.txt").touch()
    with pytest.raises(MachineFault, match=r"state\.pt: .*not empty.*move it away"):
        load_state(path, IDENTITY)
    assert (path / "diary.txt").exists()


def test_a_state_on_a_disk_that_is_gone_is_not_given_up(tmp_path):
    (tmp_path / "state.pt").symlink_to(tmp_path / "unmounted" / "state.pt")
    with pytest.raises(MachineFault, match=r"state\.pt"):
        load_state(tmp_path / "state.pt", IDENTITY)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_kept_and_the_second_one_ends_at_once(number):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as raised, Stoppable() as stoppable:
        assert stoppable.asked is None
        signal.raise_signal(number)
        assert stoppable.asked == number
        signal.raise_signal(number)
    assert raised.value.code == 128 + number and signal.getsignal(number) == before
    assert Interrupted(number, 7).words.startswith(f"stopped by {number.name}: the state after step 7 is saved")


def test_one_of_several_processes_does_not_mind_a_second_signal():
    """torchrun repeats what a job manager has sent to all."""
    with Stoppable(several=True) as stoppable:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert stoppable.asked == signal.SIGTERM


def test_a_state_is_due_after_a_minute_and_then_every_so_often(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(resume.time, "monotonic", lambda: now)
    timetable, due = Timetable(minutes=10), []
    for now in range(1000, 3000, 10):
        if timetable.due():
            due.append(now - 1000)
    assert due == [60, 660, 1260, 1860]
    assert not Timetable(minutes=0.5).due()
