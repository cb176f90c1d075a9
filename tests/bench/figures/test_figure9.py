"""Figure 9: the rows that are given the first frame, over frames of clips."""

import pandas as pd

from bench.figures import figure9
from media.image import frame_path, read_rgb


def test_a_strip_shows_truth_and_rows_over_frames(world, coloured, tmp_path, place_on):
    figure9.main(
        colorized=[coloured("copy_first"), coloured("welsh2002")], clips=world.root / "clips/test.parquet", clips_of=[],
        backbone="efficientnet_lite0", flow="dis", count=3, folder=tmp_path / "figure9",
    )  # fmt: skip
    shown = pd.read_csv(tmp_path / "figure9/shown.csv")
    assert set(shown["item"]) == {"clip_a", "clip_b"}
    first = shown[shown["item"] == "clip_a"].set_index(["row", "frame"])
    assert list(first.index) == [("ground_truth", 0), ("copy_first", 0), ("welsh2002", 0)]
    assert first.loc[("copy_first", 0), "psnr"] > 45  # the given frame, but for rounding
    sheet = read_rgb(tmp_path / "figure9/01_clip_a.png")
    truth = place_on(sheet, world.clips["clip_a"][0], 240)
    row = place_on(sheet, read_rgb(frame_path(world.root / "colorize/welsh2002/clips/clip_a", 0)), 240)
    assert row == (truth[0] + 2 * (180 + 24 + 12), truth[1])  # the third line
    caption = (tmp_path / "figure9/caption.md").read_text()
    assert "Rows: copy_first, welsh2002;" in caption and "DIS, a stand-in for the paper's FlowNet2" in caption
