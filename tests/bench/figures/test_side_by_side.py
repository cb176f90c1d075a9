"""Figures 5, 6, 9 and 10: each shows its rows beside what it ought to show, where it ought to."""

import pandas as pd
import pytest

from bench.figures import side_by_side
from media.document import Document, Note, read
from media.image import frame_path, read_rgb
from media.tables import CLIPS, read_table, records, write_table


@pytest.fixture
def draw(world, choices, tmp_path):
    """draw(figure, tables, count, **chosen): the folder of a figure, its table of panels, and its document."""

    def call(figure: str, colorized: list, count: int, **chosen):
        kind = side_by_side.FIGURES[figure].kind
        folder = tmp_path / f"figure{figure}"
        side_by_side.main(
            figure=figure, colorized=colorized, test_set=world.root / kind / "test.parquet", items_of=[],
            references=world.root / "references" / kind / "test.parquet",
            choices=choices(**chosen), count=count, folder=folder,
        )  # fmt: skip
        return folder, pd.read_csv(folder / "shown.csv"), read(folder / "figure.json")

    return call


def note(document: Document, kind: str) -> Note:
    """The one note of a kind."""
    (found,) = [note for note in document.notes if note.kind == kind]
    return found


def test_figure5_is_one_line_with_the_full_model_at_the_end(world, colored, draw, place_on):
    folder, shown, document = draw("5", [colored("grey"), colored("welsh2002")], 6)
    assert list(shown["row"]) == ["input", "reference", "grey", "welsh2002"] * 3
    sheet = read_rgb(folder / "02_image_1.png")
    full = read_rgb(frame_path(world.root / "colorize/welsh2002/images/image_1", 0))
    assert place_on(sheet, full, 300) == (36, 12 + 3 * 312)
    assert "(grey), and the full model (welsh2002)" in document.caption
    assert "3 of 3 test images" in note(document, "shown").text
    assert "VGG19" in note(document, "choices").text and "stand-in" in note(document, "choices").text


def test_figure6_has_every_row_in_lines_of_six(world, colored, draw, place_on):
    tables = [colored(row) for row in ("grey", "copy_first", "welsh2002")]
    again = colored("again", precomputed=str(world.root / "{kind}/test"))
    folder, shown, document = draw("6", [*tables, again], 1, backbone="vgg19")
    shown = shown.set_index("row")
    assert list(shown.index) == ["input", "reference", "ground_truth", "grey", "copy_first", "welsh2002", "again"]
    assert "does not colour images" in shown.loc["copy_first", "reason"] and shown["reason"].notna().sum() == 1
    assert shown.loc["again", "psnr"] == 100
    sheet = read_rgb(folder / "01_image_0.png")
    welsh = read_rgb(frame_path(world.root / "colorize/welsh2002/images/image_0", 0))
    assert place_on(sheet, welsh, 300) == (12, 12 + 5 * 312)
    assert place_on(sheet[250:], world.images["image_0"][0], 300)[1] == 12
    assert note(document, "rows").rows == ("grey", "copy_first", "welsh2002", "again")
    assert "VGG19, the paper's own choice" in note(document, "choices").text


def test_figure9_shows_truth_and_rows_over_frames(world, colored, draw, place_on):
    folder, shown, document = draw("9", [colored("copy_first"), colored("welsh2002")], 3)
    assert set(shown["item"]) == {"clip_a", "clip_b"}
    first = shown[shown["item"] == "clip_a"].set_index(["row", "frame"])
    assert list(first.index) == [("ground_truth", 0), ("copy_first", 0), ("welsh2002", 0)]
    assert first.loc[("copy_first", 0), "psnr"] > 45  # the given frame, but for rounding
    sheet = read_rgb(folder / "01_clip_a.png")
    truth = place_on(sheet, world.clips["clip_a"][0], 240)
    row = place_on(sheet, read_rgb(frame_path(world.root / "colorize/welsh2002/clips/clip_a", 0)), 240)
    assert row == (truth[0] + 2 * (180 + 24 + 12), truth[1])  # the third line
    assert note(document, "rows").rows == ("copy_first", "welsh2002")
    assert "DIS, a stand-in" in note(document, "choices").text


def test_figure10_shows_truth_reference_and_rows(world, colored, draw, place_on):
    folder, shown, document = draw("10", [colored("welsh2002"), colored("grey")], 1)
    assert list(shown["row"]) == ["ground_truth", "reference", "welsh2002", "grey"]
    assert set(shown["item"]) == {"clip_a"}
    sheet = read_rgb(folder / "01_clip_a.png")
    pictures = [
        world.clips["clip_a"][0],
        world.images["image_0"][0],
        *(read_rgb(frame_path(world.root / f"colorize/{row}/clips/clip_a", 0)) for row in ("welsh2002", "grey")),
    ]
    tops, lefts = zip(*(place_on(sheet, rgb, 240) for rgb in pictures), strict=True)
    assert list(tops) == sorted(set(tops)) and len(set(lefts)) == 1
    assert note(document, "rows").rows == ("welsh2002", "grey") and "1 of 2 test clips" in note(document, "shown").text


@pytest.mark.parametrize("figure", side_by_side.FIGURES)
def test_captions_have_the_title_of_their_figure_and_leave_nothing_unfilled(draw, colored, figure):
    folder, _, document = draw(figure, [colored("grey")], 1)
    assert document.title.startswith(f"Figure {figure} of the paper: ")
    assert note(document, "the paper's")
    caption = (folder / "caption.md").read_text()
    assert caption.startswith(f"**{document.title}.** {document.caption}") and "{" not in caption


@pytest.mark.parametrize("figure", ["9", "10"])
def test_of_a_set_in_which_nothing_was_fit_it_says_why(world, colored, draw, figure):
    table, clips = colored("grey"), world.root / "clips/test.parquet"
    lines = records(read_table(clips, CLIPS))
    why = {"reason": "too_dark", "detail": "lightness 3", "source": "night.mkv"}
    write_table([line | why for line in lines], clips, CLIPS)
    _, shown, document = draw(figure, [table], 3)
    assert shown.empty
    said = note(document, "nothing shown").text
    assert said == "Nothing is shown: none of 3 test clips was fit: 3 too_dark (such as `night.mkv`: lightness 3)."
