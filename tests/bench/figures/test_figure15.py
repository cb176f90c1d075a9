"""Figure 15: legacy clips have strips without numbers, and a film in colour is called a stand-in."""

import pandas as pd

from bench.figures import figure15, figure16
from media.document import read
from media.image import frame_path, read_rgb
from media.tables import CLIPS, read_table, records, write_table


def draw(world, colored, choices, tmp_path, spreads):
    """The folder of the figure of the world's clips, whose chroma spreads are given."""
    clips = world.root / "clips/test.parquet"
    lines = records(read_table(clips, CLIPS))
    for line, spread in zip(lines, spreads, strict=False):
        line |= {"chroma_spread": spread, "source": f"{line['clip']}.avi"}
    write_table(lines, clips, CLIPS)
    figure15.main(
        clips=clips, clip_references=world.root / "references/clips/test.parquet",
        colorized=[colored("welsh2002")], choices=choices(), folder=tmp_path / "figure15",
    )  # fmt: skip
    return tmp_path / "figure15"


def test_a_strip_shows_input_reference_and_result(world, colored, choices, tmp_path, place_on):
    folder = draw(world, colored, choices, tmp_path, [0, 0])
    sheet = read_rgb(folder / "01_clip_a.png")
    result = read_rgb(frame_path(world.root / "colorize/welsh2002/clips/clip_a", 0))
    (upper, right), (lower, left) = place_on(sheet, world.images["image_0"][0], 240), place_on(sheet, result, 240)
    assert upper < lower and left < right
    assert place_on(sheet, world.clips["clip_a"][0], 240) is None  # its own colours are nowhere
    shown = pd.read_csv(folder / "shown.csv")
    assert list(shown) == ["figure", "file", "item", "row", "frame", "reason"]
    assert list(shown[shown["item"] == "clip_b"]["row"]) == ["input", "reference", "welsh2002"]


def test_films_in_colour_are_called_stand_ins(world, colored, choices, tmp_path):
    def called(spreads):
        notes = read(draw(world, colored, choices, tmp_path, spreads) / "figure.json").notes
        return [note.text for note in notes if note.kind == "stand-in"]

    (said,) = called([0.1, 20])
    assert "clip_b.avi" in said and "clip_a.avi" not in said
    assert called([0.1, 0.2]) == []


def test_without_clips_it_says_what_to_do(choices, tmp_path):
    figure15.main(choices=choices(), folder=tmp_path / "figure15", absent="put clips into data/legacy and run again")
    (said,) = read(tmp_path / "figure15/figure.json").notes
    assert said.kind == "nothing shown" and "put clips into data/legacy and run again" in said.text
    assert list(pd.read_csv(tmp_path / "figure15/shown.csv")["file"]) == []


def test_of_a_set_in_which_nothing_was_fit_it_says_why(world, choices, tmp_path):
    clips = tmp_path / "legacy.parquet"
    rejected = {"clip": "readme", "source": "readme.txt", "reason": "not_a_video", "detail": "in no container"}
    write_table([rejected], clips, CLIPS)
    figure15.main(clips=clips, choices=choices(), folder=tmp_path / "figure15")
    figure16.main(clips=clips, choices=choices(), folder=tmp_path / "figure16")
    for number in (15, 16):
        (said,) = read(tmp_path / f"figure{number}/figure.json").notes
        assert said.kind == "nothing shown"
        assert "`legacy` was fit: 1 not_a_video (such as `readme.txt`: in no container)" in said.text
