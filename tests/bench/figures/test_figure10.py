"""Figure 10: the rows that see no colour of the clip, over frames of clips, under truth and reference."""

import pandas as pd

from bench.figures import figure10
from media.image import frame_path, read_rgb


def test_a_strip_shows_truth_reference_and_rows(world, coloured, tmp_path, place_on):
    figure10.main(
        colorized=[coloured("welsh2002"), coloured("grey")], clips=world.root / "clips/test.parquet", clips_of=[],
        clip_references=world.root / "references/clips/test.parquet",
        backbone="efficientnet_lite0", flow="dis", count=1, folder=tmp_path / "figure10",
    )  # fmt: skip
    shown = pd.read_csv(tmp_path / "figure10/shown.csv")
    assert list(shown["row"]) == ["ground_truth", "reference", "welsh2002", "grey"]
    assert set(shown["item"]) == {"clip_a"}
    sheet = read_rgb(tmp_path / "figure10/01_clip_a.png")
    pictures = [
        world.clips["clip_a"][0],
        world.images["image_0"][0],
        *(read_rgb(frame_path(world.root / f"colorize/{row}/clips/clip_a", 0)) for row in ("welsh2002", "grey")),
    ]
    tops, lefts = zip(*(place_on(sheet, rgb, 240) for rgb in pictures), strict=True)
    assert list(tops) == sorted(set(tops)) and len(set(lefts)) == 1
    caption = (tmp_path / "figure10/caption.md").read_text()
    assert "Rows: welsh2002, grey;" in caption and "1 of 2 test clips" in caption
