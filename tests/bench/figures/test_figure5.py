"""Figure 5: the ablations and the full model beside input and reference."""

import pandas as pd

from bench.figures import figure5
from media.image import frame_path, read_rgb


def test_a_strip_is_one_line_with_the_full_model_at_the_end(world, coloured, tmp_path, place_on):
    figure5.main(
        colorized=[coloured("grey"), coloured("welsh2002")], images=world.root / "images/test.parquet",
        image_references=world.root / "references/images/test.parquet",
        backbone="efficientnet_lite0", flow="dis", count=6, folder=tmp_path / "figure5",
    )  # fmt: skip
    shown = pd.read_csv(tmp_path / "figure5/shown.csv")
    assert list(shown["row"]) == ["input", "reference", "grey", "welsh2002"] * 3
    sheet = read_rgb(tmp_path / "figure5/02_image_1.png")
    full = read_rgb(frame_path(world.root / "colorize/welsh2002/images/image_1", 0))
    assert place_on(sheet, full, 300) == (36, 12 + 3 * 312)
    caption = (tmp_path / "figure5/caption.md").read_text()
    assert "one of its losses (grey), and the full model (welsh2002)" in caption
    assert "a stand-in for the paper's VGG19" in caption and "3 of 3 test images" in caption
