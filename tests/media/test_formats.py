"""The forms of a document: CSV for programs, Markdown and HTML for reading, all of the same cells."""

import json
import math
import re
from pathlib import Path

import pandas as pd
import pytest

from media.document import Cell, Column, Document, Note, Part, Row, read
from media.formats import FORMATS, as_caption, as_csv, as_html, as_markdown, groups, words, write

TABLE = Document(
    name="table1",
    title="Table 1",
    columns=(
        Column(name="method", heading="method"),
        Column(name="psnr", heading="PSNR", unit="dB", direction="up", decimals=2, interval=True),
        Column(name="ratio", heading="over truth", decimals=1, only="reading"),
        Column(name="steps", heading="steps", decimals=0),
        Column(name="network", heading="network", only="data"),
    ),
    rows=(
        Row(
            cells={
                "method": Cell(value="red"),
                "psnr": Cell(value=25.0, low=20.0, high=30.123456789, mark="†"),
                "steps": Cell(value=1234567),
                "network": Cell(value="a, b"),
            }
        ),
        Row(cells={"method": Cell(value="Red", text="paper: Red"), "psnr": Cell(value=31.0)}, kind="paper"),
        Row(cells={"method": Cell(value="0x_<i>"), "ratio": Cell(value=-2e-05), "psnr": Cell(value=1234567.0)}),
        Row(cells={"method": Cell(value="all"), "psnr": Cell(text="(none)")}, kind="mean"),
    ),
    notes=(Note(kind="code", text="A note with `code` and <b>no tags</b>."),),
)


def test_the_csv_has_values_to_six_digits_and_the_ends_of_intervals_behind_them():
    assert as_csv(TABLE) == (
        "method,psnr,steps,network,psnr_low,psnr_high\n"
        'red,25,1234567,"a, b",20,30.1235\n'
        "0x_<i>,1.23457e+06,,,,\n"
        "all,,,,,\n"
    )


def test_the_csv_is_what_pandas_writes():
    names = ["method", "psnr", "steps", "network", "psnr_low", "psnr_high"]
    lines = [
        ["red", 25.0, 1234567, "a, b", 20.0, 30.123456789],
        ["0x_<i>", 1234567.0, None, None, None, None],
        ["all", None, None, None, None, None],
    ]
    table = pd.DataFrame(lines, columns=names).astype({"steps": "Int64", "psnr": "Float64"})
    assert table.to_csv(index=False, float_format="%.6g") == as_csv(TABLE)


def test_markdown_is_rounded_with_marks_and_intervals_and_the_papers_rows_in_italics():
    lines = as_markdown(TABLE).splitlines()
    assert lines[0] == "# Table 1" and lines[-1] == "- A note with `code` and <b>no tags</b>."
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    assert cells[0] == ["method", "PSNR", "over truth", "steps"]
    assert cells[2:] == [
        ["red", "25.00† [20.00, 30.12]", "", "1234567"],
        ["*paper: Red*", "31.00", "", ""],
        ["0x_<i>", "1234567.00", "-0.0", ""],
        ["all", "(none)", "", ""],
    ]


def test_a_caption_has_no_table():
    figure = Document(name="figure4", title="Figure 4", caption="In two.", columns=TABLE.columns, rows=TABLE.rows)
    assert as_caption(figure) == "**Figure 4.** In two.\n\n"
    assert as_caption(figure.model_copy(update={"notes": TABLE.notes})).endswith("\n\n- " + TABLE.notes[0].text + "\n")


def test_rows_of_the_paper_stay_with_theirs():
    assert [[row.cells["method"].value for row in group] for group in groups(TABLE)] == [
        ["red", "Red"], ["0x_<i>"], ["all"],
    ]  # fmt: skip


def test_html_shows_what_markdown_shows_and_sorts_by_the_value():
    html = str(as_html(TABLE, links={"red": "#made-red", "Red": "#no"}))
    assert html.count("<tbody>") == 3 and html.count("<button") == 4
    assert '<th scope="row" data-value="red"><a href="#made-red" title="how its scores were made">red</a></th>' in html
    assert '<td data-value="25.0" class="number">25.00† [20.00, 30.12]</td>' in html
    assert '<tr class="paper"><th scope="row" data-value="Red"><em>paper: Red</em></th>' in html
    assert '<tr class="mean">' in html and '<td data-value="">(none)</td>' in html
    # A name that begins with a number is none, and a tag in it is shown.
    assert '<th scope="row" data-value="0x_&lt;i&gt;">0x_&lt;i&gt;</th>' in html and "<i>" not in html


def test_values_without_places_are_read_to_four_digits():
    column = Column(name="a", heading="a")
    assert [words(Row(cells={"a": Cell(value=value)}), column) for value in (31.23456, 7, "x")] == ["31.23", "7", "x"]
    assert words(Row(cells={}), column) == ""


def test_every_file_appears_whole(tmp_path):
    write(TABLE, **{form: tmp_path / f"table.{form}" for form in FORMATS})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"table.{form}" for form in FORMATS)


def test_the_page_has_every_field():
    page = (Path(__file__).parents[2] / "docs/output-layout.md").read_text()
    section = page.partition("## Documents")[2].partition("\n## ")[0]
    fields = {field for part in Part.__subclasses__() for field in part.model_fields}
    assert fields <= set(re.findall(r"`(\w+)`", section))


def one_cell(**cell):
    column = Column(name="a", heading="a", decimals=2, interval=True)
    return Document(name="t", title="T", columns=(column,), rows=(Row(cells={"a": Cell(**cell)}),))


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_is_no_number_is_said_as_such_in_every_form_and_read_again(tmp_path, value):
    document = one_cell(value=value)
    write(document, json=tmp_path / "t.json")
    json.loads((tmp_path / "t.json").read_text(), parse_constant=pytest.fail)
    again = read(tmp_path / "t.json").rows[0].cells["a"].value
    assert again == value or (math.isnan(again) and math.isnan(value))
    assert f"| {value:.2f} " in as_markdown(document)
    assert as_csv(document).splitlines()[1] == f"{value:.6g},,"
    sorted_by = {"inf": "Infinity", "-inf": "-Infinity", "nan": ""}[str(value)]
    assert f'data-value="{sorted_by}"' in as_html(document)


@pytest.mark.parametrize(("ends", "said"), [({"low": 1.0}, "[1.00, ?]"), ({"high": 3.0}, "[?, 3.00]")])
def test_an_interval_may_have_one_end(ends, said):
    document = one_cell(value=2.0, **ends)
    assert words(document.rows[0], document.columns[0]) == f"2.00 {said}"
    assert said in as_html(document) and as_csv(document).startswith("a,a_low,a_high\n2,")


def test_a_cell_does_not_end_its_table():
    line = as_markdown(one_cell(value="a|b\nc`d\\e"))
    assert "| a\\|b c\\`d\\\\e |" in line
