"""Folders of results beside a folder of the ground truth: what fits, and what is said about what does not."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.scoring.folders import MisfitFolders, check, list_clips
from media.image import frame_path, write_png

CLIPS = {"bear": 3, "wolf": 4}


def fill(folder: Path, clips: dict[str, int] = CLIPS, size: tuple[int, int] = (8, 12)) -> Path:
    for clip, count in clips.items():
        for index in range(count):
            write_png(frame_path(folder / clip, index), np.full((*size, 3), 20 * index, np.uint8))
    return folder


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    return fill(tmp_path / "mine"), fill(tmp_path / "truth")


def problems(folders: tuple[Path, Path], **options) -> str:
    with pytest.raises(MisfitFolders) as error:
        check([folders[0]], folders[1], **options)
    return str(error.value)


def as_jpeg(path: Path, name: Path) -> None:
    Image.open(path).convert("RGB").save(name, "JPEG")
    if name != path:
        path.unlink()


def test_frames_belong_together_by_name(folders):
    clips = check([folders[0]], folders[1])
    assert [(clip.name, len(clip.frames)) for clip in clips] == [("bear", 3), ("wolf", 4)]
    assert clips[0].of(folders[0]) == [frame_path(folders[0] / "bear", index) for index in range(3)]


def test_truth_may_be_jpeg_as_davis_is(folders):
    for path in sorted(folders[1].glob("*/*.png")):
        as_jpeg(path, path.with_suffix(".jpg"))
    assert [len(clip.frames) for clip in check([folders[0]], folders[1])] == [3, 4]


def test_what_is_no_image_is_passed_over(folders):
    (folders[0] / "notes.txt").write_text("run 3")
    (folders[0] / "bear/Thumbs.db").write_bytes(b"\0")
    (folders[0] / "empty").mkdir()
    assert len(check([folders[0]], folders[1])) == 2


def test_hidden_folders_are_passed_over_and_suffixes_have_any_case(folders):
    shutil.copytree(folders[0] / "wolf", folders[0] / ".ipynb_checkpoints")
    (folders[0] / "bear/00001.png").rename(folders[0] / "bear/00001.PNG")
    (clip, _) = check([folders[0]], folders[1])
    assert [path.name for path in clip.of(folders[0])] == ["00000.png", "00001.PNG", "00002.png"]


def test_unequal_clips(folders):
    (folders[0] / "wolf").rename(folders[0] / "Wolf")
    said = problems(folders)
    assert f"{folders[0]} lacks wolf" in said and f"{folders[0]} has Wolf" in said


def test_missing_frames_are_counted_and_some_named(tmp_path):
    mine, truth = fill(tmp_path / "mine", {"bear": 2}), fill(tmp_path / "truth", {"bear": 9})
    said = problems((mine, truth))
    assert all(f"{mine}/bear/0000{index}.png" in said for index in (2, 3, 4)) and "4 more: missing" in said
    assert "00005" not in said


def test_frames_that_the_truth_lacks(folders):
    shutil.copy(folders[0] / "bear/00001.png", folders[0] / "bear/00003.png")
    assert f"{folders[0]}/bear/00003.png" in problems(folders)


def test_numbers_that_begin_at_one(folders):
    for index in (2, 1, 0):
        frame_path(folders[0] / "bear", index).rename(frame_path(folders[0] / "bear", index + 1))
    said = problems(folders)
    assert "bear/00000.png: missing" in said and "bear/00003.png" in said


@pytest.mark.parametrize("name", ["00001.jpg", "00001.png"])
def test_jpeg_by_its_name_or_behind_another(folders, name):
    as_jpeg(folders[0] / "bear/00001.png", folders[0] / "bear" / name)
    said = problems(folders)
    assert f"{folders[0]}/bear/{name}: expected PNG" in said and "missing" not in said


def test_wrong_sizes(folders):
    fill(folders[0], {"bear": 1}, size=(9, 12))
    said = problems(folders)
    assert f"{folders[0]}/bear/00000.png (12 x 9)" in said and "12 x 8" in said


def test_damaged_files(folders):
    (folders[0] / "bear/00001.png").write_bytes(b"no image")
    assert f"{folders[0]}/bear/00001.png: " in problems(folders)
    (folders[1] / "wolf/00002.png").write_bytes(b"no image")
    assert f"{folders[1]}/wolf/00002.png: ground truth" in problems(folders)


def test_every_problem_of_every_folder_is_said_at_once(folders, tmp_path):
    other = fill(tmp_path / "other", {"bear": 3})
    (folders[0] / "bear/00001.png").unlink()
    as_jpeg(folders[0] / "wolf/00000.png", folders[0] / "wolf/00000.jpg")
    with pytest.raises(MisfitFolders) as error:
        check([folders[0], other], folders[1])
    assert len(str(error.value).splitlines()) == 4  # the heading, two of the first folder, one of the other


def test_truth_of_several_sizes(folders):
    fill(folders[1], {"bear": 1}, size=(9, 12))
    assert "first frame, 12 x 9" in problems(folders)


def test_given_frames_have_to_leave_one(tmp_path):
    pictures = {"cat": 1, "dog": 1}
    folders = fill(tmp_path / "mine", pictures), fill(tmp_path / "truth", pictures)
    assert len(check([folders[0]], folders[1])) == 2
    assert "cat, dog: no frame" in problems(folders, first_counted=1)


def test_pictures_and_clips_are_not_mixed(tmp_path):
    both = {"cat": 1, "bear": 3}
    said = problems((fill(tmp_path / "mine", both), fill(tmp_path / "truth", both)))
    assert "clips with single pictures" in said


def test_the_wrong_level(folders):
    with pytest.raises(MisfitFolders, match=r"bear: .* the folder above"):
        list_clips(folders[0] / "bear")
    with pytest.raises(MisfitFolders, match=r"<clip>/00000\.png"):
        list_clips(folders[0].parent)
    with pytest.raises(MisfitFolders, match=r"nowhere: .* no such folder"):
        list_clips(folders[0] / "nowhere")


def test_a_frame_under_two_suffixes(folders):
    Image.open(folders[1] / "bear/00000.png").save(folders[1] / "bear/00000.jpg")
    assert "a frame lies there twice" in problems(folders)
