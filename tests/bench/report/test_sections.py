"""Sections: what is written beside the page, captions, tables and notes."""

import shutil

import pytest

from bench.report.sections import gallery_section, table_section, training_section
from media.document import read


def no_record(path):
    return None


def test_a_figure_is_copied_with_its_caption_and_what_it_shows(results, tmp_path):
    section = gallery_section(results / "figure4", no_record, tmp_path)
    assert (section.title, section.notes) == ("Figure 4, <made> small", ["In two.", "What is shown."])
    assert section.table == read(results / "figure4/figure.json")
    (picture,) = section.pictures
    assert picture == {"file": "figures/figure4/01_ramp.png", "alt": "ramp: red", "width": 1500, "height": 300}
    assert (tmp_path / picture["file"]).exists() and (tmp_path / section.csv).exists()


def test_a_folder_that_is_no_figure_is_an_error_that_says_what_is_missing(results, tmp_path):
    shutil.copytree(results / "figure4", tmp_path / "figure4")
    (tmp_path / "figure4/figure.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"figure4: expected figure\.json"):
        gallery_section(tmp_path / "figure4", no_record, tmp_path / "out")


def test_the_table_of_a_training_has_the_steps_that_were_validated(results):
    table = training_section(results / "train/ours/metrics.jsonl", no_record).table
    assert [column.heading for column in table.columns] == ["step", "total", "validation"]
    (row,) = table.rows
    assert [cell.value for cell in row.cells.values()] == [4, 0.25, 3.5]


def test_a_table_has_its_values_as_csv_in_the_report(results, tmp_path):
    section = table_section(results / "table1.json", no_record, tmp_path)
    assert (section.name, section.csv) == ("table1", "tables/table1.csv")
    assert (tmp_path / section.csv).read_text().splitlines()[:2] == [
        "method,psnr,flicker,psnr_low,psnr_high", "red,25,,20,30",
    ]  # fmt: skip


def test_notes_are_markdown_without_tags(results, tmp_path):
    note, _ = table_section(results / "table1.json", no_record, tmp_path).notes
    assert note == "A note with <code>code</code> and &lt;b&gt;no tags&lt;/b&gt;."
