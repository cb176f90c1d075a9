"""The figures made of pictures, as the whole pipeline leaves them."""

import pandas as pd
import pytest
from tiny_world import LENGTH

from media.document import read
from media.formats import as_caption
from media.image import frame_path, list_images, read_rgb
from media.tables import CLIPS, kept, read_table

FIGURES = {
    "figure4": ["nearest_neighbours", "ours", "ours_aligned", "ours_shipped"],
    "figure5": ["without_smooth", "without_perc", "without_context", "without_adv", "ours"],
    "figure6": ["welsh2002", "nn_match", "ours", "ours_aligned", "ours_shipped"],
    "figure9": ["copy_first", "nn_match", "flow_propagation", "fusion", "ours_first_frame"],
    "figure10": ["welsh2002", "ours", "ours_aligned", "ours_shipped"],
}


@pytest.fixture(params=FIGURES)
def folder(run, request):
    return run / "results" / request.param


def test_a_folder_has_the_pictures_that_its_table_lists_and_no_others(folder):
    shown = pd.read_csv(folder / "shown.csv")
    assert {path.name for path in list_images(folder)} == set(shown["file"])
    found = {path.name for path in folder.iterdir()} - {".snakemake_timestamp"}
    assert found == {*shown["file"], "figure.json", "shown.csv", "caption.md"}
    assert set(shown["figure"]) == {folder.name} and shown["reason"].isna().all()


def test_every_row_is_shown_for_every_item(folder):
    shown = pd.read_csv(folder / "shown.csv")
    for _, strip in shown.groupby("item"):
        assert set(FIGURES[folder.name]) <= set(strip["row"])


def test_captions_say_how_items_were_chosen_and_what_stands_in_for_what(folder):
    figure = read(folder / "figure.json")
    assert figure.title.startswith(f"Figure {folder.name.removeprefix('figure')} of the paper")
    notes = {note.kind: note.text for note in figure.notes}
    assert "chosen by eye" in notes["shown"] and "EfficientNet-Lite0, a stand-in" in notes["choices"]
    assert folder.name == "figure4" or "DIS, a stand-in" in notes["choices"]
    assert (folder / "caption.md").read_text() == as_caption(figure)


@pytest.mark.parametrize("figure", ["figure5", "figure6"])
def test_panels_of_photographs_are_the_rows_results(run, figure, place_on):
    shown = pd.read_csv(run / "results" / figure / "shown.csv")
    for line in shown[shown["psnr"].notna()].itertuples():
        rgb = read_rgb(frame_path(run / f"results/colorize/{line.row}/images/{line.item}", 0))
        assert place_on(read_rgb(run / "results" / figure / line.file), rgb, 300) is not None


@pytest.mark.parametrize("figure", ["figure9", "figure10"])
def test_panels_of_clips_are_the_rows_frames(run, figure, place_on):
    shown = pd.read_csv(run / "results" / figure / "shown.csv")
    assert set(shown["frame"]) == {0, 5} and LENGTH == 6
    clips = kept(read_table(run / "results/clips/test.parquet", CLIPS))["clip"]
    assert set(shown["item"]) == set(clips)
    for line in shown[shown["psnr"].notna()].itertuples():
        rgb = read_rgb(frame_path(run / f"results/colorize/{line.row}/clips/{line.item}", line.frame))
        assert place_on(read_rgb(run / "results" / figure / line.file), rgb, 240) is not None
