"""Figures 11 to 14: every line is what the row made of that reference; a clip that is not there is said, not missed."""

import json

import numpy as np
import pandas as pd
import pytest

from bench.figures import figure11_to_14
from bench.run import colorize
from media.document import read
from media.image import frame_path, read_rgb
from media.tables import REFERENCES, read_table, records, write_table


@pytest.fixture
def draw(world, choices, tmp_path):
    """Draws the figure of a test clip by its place, coloured by `welsh2002` with the ranks 1 to 3; the folder.

    The references are image_0 and image_2 (image_0 with red and blue exchanged), and none of rank 3.
    """
    table = world.root / "references/clips/test.parquet"
    path = str(frame_path(world.root / "images/test/image_2", 0))
    second = [
        {"item": item, "rank": 2, "reference": "image_2", "path": path, "similarity": 0.5} for item in world.clips
    ]
    write_table([*records(read_table(table, REFERENCES)), *second], table, REFERENCES)
    colored = [world.root / f"shown/test/{rank}/welsh2002.parquet" for rank in (1, 2, 3)]
    for rank, out in enumerate(colored, start=1):
        inputs = world.inputs() | {"images": None}
        colorize.main(row="welsh2002", options=json.dumps({}), table=out, rank=rank, **inputs)

    def call(position: int):
        folder = tmp_path / "figure12"
        figure11_to_14.main(
            clips=world.root / "clips/test.parquet", clip_references=table, colorized=colored,
            choices=choices(), position=position, folder=folder,
        )  # fmt: skip
        return folder

    return call


def test_every_reference_has_a_line_with_its_colours(draw, world, place_on):
    folder = draw(2)
    shown = pd.read_csv(folder / "shown.csv")
    assert set(shown["item"]) == {"clip_b"} and set(shown["file"]) == {"01_clip_b.png"}
    sheet = read_rgb(folder / "01_clip_b.png")
    references = [world.images[name][0] for name in ("image_0", "image_2")]
    results = [read_rgb(frame_path(world.root / f"shown/test/{rank}/welsh2002/clips/clip_b", 0)) for rank in (1, 2)]
    assert np.abs(results[0].astype(int) - results[1]).mean() > 10
    for reference, result in zip(references, results, strict=True):
        (top, left), (beside, right) = place_on(sheet, reference, 240), place_on(sheet, result, 240)
        assert top == beside and left < right
    assert place_on(sheet, world.clips["clip_b"][0], 240) is not None


def test_numbers_are_those_of_the_reference(draw):
    shown = pd.read_csv(draw(1) / "shown.csv")
    assert "psnr" not in shown and "colorful" not in shown
    second = shown[(shown["row"] == "reference") & (shown["rank"] == 2)]
    assert second["similarity"].item() == 0.5


def test_a_reference_that_is_not_there_has_a_reason(draw):
    shown = pd.read_csv(draw(1) / "shown.csv").set_index(["row", "rank"])["reason"]
    assert "none of rank 3" in shown["reference", 3] and "no_reference" in shown["welsh2002", 3]
    assert shown.drop(index=3, level="rank").isna().all()


def test_a_clip_that_is_not_there_is_said(draw):
    folder = draw(4)
    assert sorted(path.name for path in folder.iterdir()) == ["caption.md", "figure.json", "shown.csv"]
    assert pd.read_csv(folder / "shown.csv").empty
    figure = read(folder / "figure.json")
    (said,) = figure.notes
    assert "Figure 12" in figure.title and said.kind == "nothing shown" and "clip 4, and there are 2" in said.text
