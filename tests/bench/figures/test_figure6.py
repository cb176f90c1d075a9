"""Figure 6: the rows beside input, reference and truth, in lines of six."""

import pandas as pd

from bench.figures import figure6
from media.image import frame_path, read_rgb


def test_a_strip_has_every_row_in_lines_of_six(world, coloured, tmp_path, place_on):
    tables = [coloured(row) for row in ("grey", "copy_first", "welsh2002")]
    again = coloured("again", precomputed=str(world.root / "{kind}/test"))
    figure6.main(
        colorized=[*tables, again], images=world.root / "images/test.parquet",
        image_references=world.root / "references/images/test.parquet",
        backbone="vgg19", flow="dis", count=1, folder=tmp_path / "figure6",
    )  # fmt: skip
    shown = pd.read_csv(tmp_path / "figure6/shown.csv").set_index("row")
    assert list(shown.index) == ["input", "reference", "ground_truth", "grey", "copy_first", "welsh2002", "again"]
    assert "does not colour images" in shown.loc["copy_first", "reason"] and shown["reason"].notna().sum() == 1
    assert shown.loc["again", "psnr"] == 100
    sheet = read_rgb(tmp_path / "figure6/01_image_0.png")
    welsh = read_rgb(frame_path(world.root / "colorize/welsh2002/images/image_0", 0))
    assert place_on(sheet, welsh, 300) == (12, 12 + 5 * 312)
    assert place_on(sheet[250:], world.images["image_0"][0], 300)[1] == 12
    caption = (tmp_path / "figure6/caption.md").read_text()
    assert "grey, copy_first, welsh2002, again" in caption and "VGG19, the paper's own choice" in caption
