"""What figures of pictures share: panels hold what they claim, nobody chooses the items, folders are whole."""

import numpy as np
import pandas as pd
import pytest

from bench.figures.strips import (
    FRAMES,
    INPUT,
    REFERENCE,
    TRUTH,
    Caption,
    ShownItems,
    Strip,
    clip_strip,
    evenly,
    folded,
    note_on_choice,
    on_paper,
    write_gallery,
)
from bench.metrics.psnr import psnr
from media.color import luminance_from_rgb
from media.document import Note
from media.image import cover_crop, frame_path, read_rgb, write_png
from media.tables import CLIPS, read_table, write_table


@pytest.fixture
def clips(world):
    return ShownItems("clips", world.root / "clips/test.parquet", world.root / "references/clips/test.parquet")


@pytest.fixture
def images(world):
    return ShownItems("images", world.root / "images/test.parquet", world.root / "references/images/test.parquet")


def test_rejected_items_are_not_shown(clips):
    assert clips.n_frames == {"clip_a": 5, "clip_b": 4}


def test_items_of_other_datasets_are_not_shown(clips, world):
    table = read_table(clips.table, CLIPS).assign(dataset=["davis", "videvo", "videvo"])
    write_table(table, clips.table, CLIPS)
    items = ShownItems("clips", clips.table, datasets=["videvo"])
    assert list(items.n_frames) == ["clip_b"]
    assert "Shown: 1 of 1 test clips of videvo, evenly" in note_on_choice(items, ["clip_b"]).text


def test_what_is_shown_of_an_item(clips, world):
    truth, grey = clips.truth("clip_a", 3), clips.input("clip_a", 3)
    assert (truth.row, grey.row, clips.reference("clip_a").row) == (TRUTH, INPUT, REFERENCE)
    np.testing.assert_array_equal(truth.picture, world.clips["clip_a"][3])
    assert (grey.picture == grey.picture[..., :1]).all()
    assert np.abs(luminance_from_rgb(grey.picture) - luminance_from_rgb(truth.picture)).max() < 0.5
    np.testing.assert_array_equal(clips.reference("clip_a").picture, world.images["image_0"][0])


def test_a_reference_is_shown_whole_as_the_rows_are_given_it(images, world):
    given = cover_crop(world.images["image_0"][0], (30, 64))
    write_png(frame_path(world.root / "references/images/test/image_0", 0), given)
    np.testing.assert_array_equal(images.given_reference("image_1"), given)
    shown = images.reference("image_1").picture
    assert shown.shape == (48, 64, 3)
    np.testing.assert_array_equal(shown[9:39], given)
    assert (shown[:9] == 255).all() and (shown[39:] == 255).all()


@pytest.mark.parametrize(("shape", "target"), [((30, 64), (48, 64)), ((64, 30), (48, 64)), ((5, 7), (216, 384))])
def test_paper_has_the_wanted_shape_and_the_whole_picture(picture, shape, target):
    rgb = picture(0, *shape)
    sheet = on_paper(rgb, target)
    assert sheet.shape[0] / sheet.shape[1] == pytest.approx(target[0] / target[1], rel=0.15)
    assert (sheet != 255).any(axis=-1).sum() == (rgb != 255).any(axis=-1).sum()


def test_a_result_is_the_rows_frame_with_its_numbers(clips, colored, world):
    table = colored("copy_first")
    shown = clips.result(table, "clip_a", 2)
    rgb = read_rgb(frame_path(world.root / "colorize/copy_first/clips/clip_a", 2))
    np.testing.assert_array_equal(shown.picture, rgb)
    assert shown.numbers["psnr"] == psnr(rgb, world.clips["clip_a"][2]) and shown.row == "copy_first"
    assert shown.lines == (f"{shown.numbers['psnr']:.1f} dB, colourfulness {shown.numbers['colorful']:.0f}",)


def test_what_a_row_has_no_result_for_says_why(images, clips, colored, world):
    not_its_kind = images.result(colored("copy_first"), "image_0")
    assert not_its_kind.picture is None and "does not colour images" in not_its_kind.reason
    failed = clips.result(colored("elsewhere", precomputed=str(world.root / "nowhere/{kind}")), "clip_a")
    assert failed.picture is None and failed.reason.startswith("method_raised: ") and "nowhere" in failed.reason


def test_items_are_chosen_evenly_over_their_names():
    names = [f"item_{index:02d}" for index in range(20)]
    assert evenly(reversed(names), 6) == [names[index] for index in (0, 4, 8, 11, 15, 19)]
    assert evenly(names[:2], 6) == names[:2] and evenly(names, 1) == names[:1] and evenly([], 3) == []


def test_panels_are_folded_into_lines():
    assert folded([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]


def test_a_folder_holds_the_strips_their_panels_and_what_they_are(clips, colored, world, tmp_path, place_on):
    table = colored("welsh2002")
    folder = tmp_path / "figure"
    folder.mkdir()
    (folder / "07_of_an_earlier_run.png").touch()
    strips = [clip_strip(clips, item, [table], frames=(0, 3, 4)) for item in clips.n_frames]
    notes = [Note(kind="one", text="first"), Note(kind="two", text="second")]
    write_gallery(folder, strips, Caption("A figure", "Of two clips.", notes))
    assert sorted(path.name for path in folder.iterdir()) == [
        "01_clip_a.png", "02_clip_b.png", "caption.md", "figure.json", "shown.csv",
    ]  # fmt: skip
    assert (folder / "caption.md").read_text() == "**A figure.** Of two clips.\n\n- first\n- second\n"
    shown = pd.read_csv(folder / "shown.csv")
    assert list(shown) == ["figure", "file", "item", "row", "frame", "reason", "colorful", "psnr"]
    second = shown[shown["file"] == "02_clip_b.png"]  # it has four frames
    assert list(zip(second["row"], second["frame"], strict=True)) == [
        (TRUTH, 0), (TRUTH, 3), ("welsh2002", 0), ("welsh2002", 3),
    ]  # fmt: skip
    sheet = read_rgb(folder / "02_clip_b.png")
    rows = [world.root / "clips/test/clip_b", world.root / "colorize/welsh2002/clips/clip_b"]
    places = [[place_on(sheet, read_rgb(frame_path(row, frame)), 240) for frame in (0, 3)] for row in rows]
    (upper, left), (_, right) = places[0]
    assert places[0] == [(upper, left), (upper, right)] and left < right
    assert [place[1] for place in places[1]] == [left, right] and places[1][0][0] == places[1][1][0] > upper + 180


def test_the_frames_of_a_clip_of_25_and_of_a_shorter_one(clips):
    assert FRAMES[-1] == 24
    assert clip_strip(clips, "clip_a", []).headings == ["frame 0"]


def test_a_failed_strip_leaves_the_folder_as_it_was(clips, tmp_path):
    folder = tmp_path / "figure"
    write_gallery(folder, [Strip("clip_a", [[clips.truth("clip_a")]])], Caption("first", ""))
    with pytest.raises(ValueError, match="without any picture"):
        write_gallery(folder, [Strip("clip_a", [])], Caption("second", ""))
    assert (folder / "caption.md").read_text().startswith("**first.**")


def test_a_figure_of_no_items_is_an_empty_table(clips, tmp_path):
    write_gallery(tmp_path / "figure", [], Caption("none", ""))
    assert list(pd.read_csv(tmp_path / "figure/shown.csv")) == ["figure", "file", "item", "row", "frame", "reason"]
    assert "Shown: 1 of 2 test clips, evenly" in note_on_choice(clips, ["clip_a"]).text
