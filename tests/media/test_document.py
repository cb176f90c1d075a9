"""Documents: typed cells that come back from JSON as they were, and files that are none."""

import math

import numpy as np
import pandas as pd
import pytest

from media.document import Cell, Column, Document, Note, Row, cells_of, of_records, read
from media.formats import write

TABLE = Document(
    name="table",
    title="A table",
    columns=(Column(name="method", heading="method"), Column(name="top1", heading="Top-1", decimals=1, interval=True)),
    rows=(Row(cells={"method": Cell(value="ours"), "top1": Cell(value=50.0, low=0.1 + 0.2, mark="†")}),),
    notes=(Note(kind="why", text="“Because”", rows=("ours",)),),
)


def test_what_is_written_is_read_again_with_every_digit(tmp_path):
    write(TABLE, json=tmp_path / "table.json")
    assert read(tmp_path / "table.json") == TABLE
    top1 = read(tmp_path / "table.json").rows[0].cells["top1"]
    assert isinstance(top1.value, float) and top1.low == 0.1 + 0.2


def test_whole_numbers_stay_whole_and_fractions_stay_fractions(tmp_path):
    counted = of_records("counts", "Counts", [{"n": np.int64(3), "mean": np.float64(3)}], ["n", "mean"])
    write(counted, json=tmp_path / "counts.json")
    cells = read(tmp_path / "counts.json").rows[0].cells
    assert (type(cells["n"].value), type(cells["mean"].value)) == (int, float)


@pytest.mark.parametrize("absent", [None, math.nan, pd.NA, np.float64("nan")])
def test_what_is_absent_is_no_cell(absent):
    assert cells_of({"a": absent, "b": 1}) == {"b": Cell(value=1)}


def test_ends_of_an_interval_belong_to_their_value():
    cells = cells_of({"a": 2.0, "a_low": 1.0, "a_high": 3.0, "too_low": 7, "b": 1}, marks={"b": "†"})
    assert cells == {"a": Cell(value=2.0, low=1.0, high=3.0), "too_low": Cell(value=7), "b": Cell(value=1, mark="†")}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "JSON"),
        ('{"name": "a", "titel": "A"}', "titel"),
        ('{"name": "a", "title": "A", "rows": [{"cells": {"b": {"value": [1]}}}]}', "value"),
        ('{"name": "a", "title": "A", "rows": [{"cells": {}, "kind": "ours"}]}', "'result', 'mean' or 'paper'"),
    ],
)
def test_what_is_no_document_is_an_error_that_names_file_and_field(tmp_path, text, named):
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"broken\.json: expected a document .*delete it and run again") as error:
        read(path)
    assert named in str(error.value)
