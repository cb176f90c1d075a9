"""Tables out of Markdown: groups of rows, numbers to sort by, notes that cannot bring tags in."""

import pandas as pd
import pytest

from bench.report.tables import from_frame, read_markdown


def test_rows_of_the_paper_stay_with_theirs(results):
    table = read_markdown(results / "table1.md")
    assert (table.title, table.headings) == ("Table 1", ["method", "psnr", "flicker"])
    assert [[row[0].plain for row in group] for group in table.groups] == [["red", "paper: Red"], ["grey"]]


def test_cells_keep_marks_and_intervals_and_sort_by_their_value(results):
    first = read_markdown(results / "table1.md").groups[0][0]
    assert (first[1].text, first[1].number) == ("25.00† [20.00, 30.00]", 25.0)
    assert (first[2].text, first[2].number) == ("", None)


def test_notes_are_markdown_without_tags(results):
    note, _ = read_markdown(results / "table1.md").notes
    assert note == "A note with <code>code</code> and &lt;b&gt;no tags&lt;/b&gt;."


@pytest.mark.parametrize(("text", "number"), [("−1.5", -1.5), ("-2e-05", -2e-05), ("*3.1*", 3.1), ("3 of 4", 3.0)])
def test_numbers(tmp_path, text, number):
    (tmp_path / "t.md").write_text(f"| a |\n|---|\n| {text} |\n")
    assert read_markdown(tmp_path / "t.md").groups[0][0][0].number == number


def test_a_name_that_begins_with_a_number_is_no_number(tmp_path):
    (tmp_path / "t.md").write_text("| a |\n|---|\n| 0x_clip |\n| ours_2 |\n")
    assert [group[0][0].number for group in read_markdown(tmp_path / "t.md").groups] == [None, None]


def test_a_file_without_a_table_is_an_error_that_names_it(tmp_path):
    (tmp_path / "empty.md").write_text("# Nothing\n")
    with pytest.raises(ValueError, match=r"empty\.md: expected a table"):
        read_markdown(tmp_path / "empty.md")


def test_values_of_a_csv_are_shown_escaped_and_empty_where_missing():
    table = from_frame("name", "Title", pd.DataFrame({"item": ["<a>", None], "psnr": [31.23456, None]}))
    (first,), (second,) = table.groups
    assert [cell.text for cell in first] == ["&lt;a&gt;", "31.23"] and [cell.text for cell in second] == ["", ""]
    assert first[1].number == 31.23456
