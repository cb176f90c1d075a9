"""Sections: what is copied beside the page, captions, and what is said to be a stand-in."""

import shutil

import pytest

from bench.report.sections import gallery_section, stand_ins, training_section


def no_record(path):
    return None


def test_a_figure_is_copied_with_its_caption_and_what_it_shows(results, tmp_path):
    section = gallery_section(results / "figure4", no_record, tmp_path)
    assert (section.title, section.notes) == ("Figure 4, <made> small", ["In two.", "What is shown."])
    (picture,) = section.pictures
    assert picture == {"file": "figures/figure4/01_ramp.png", "alt": "ramp: red", "width": 1500, "height": 300}
    assert (tmp_path / picture["file"]).exists() and (tmp_path / section.csv).exists()


def test_a_folder_that_is_no_figure_is_an_error_that_says_what_is_missing(results, tmp_path):
    shutil.copytree(results / "figure4", tmp_path / "figure4")
    (tmp_path / "figure4/shown.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"figure4: expected shown\.csv"):
        gallery_section(tmp_path / "figure4", no_record, tmp_path / "out")


def test_the_table_of_a_training_has_the_steps_that_were_validated(results):
    table = training_section(results / "train/ours/metrics.jsonl", no_record).table
    assert table.headings == ["step", "total", "validation"]
    assert [[cell.number for cell in group[0]] for group in table.groups] == [[4, 0.25, 3.5]]


def test_only_what_is_not_the_papers_choice_is_a_stand_in():
    assert stand_ins("vgg19", "vgg19", "inception", "ptlflow:flownet2", "ptlflow:flownet2") == []
    found = stand_ins("vgg19", "efficientnet_lite0", "efficientnet_lite0", "dis", "ptlflow:flownet2")
    assert [words.split(":")[0] for words in found] == [
        "Top-1 and Top-5",
        "flow that rows are given",
        "Fréchet distance",
    ]
    assert all("stand-in" in words for words in found)
