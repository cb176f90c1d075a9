"""A document: what a table or a figure says, as typed cells, with its caption and notes. Stages write it as JSON, and
everything for reading is made of it (media/formats.py); docs/output-layout.md has its fields.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

Direction = Literal["up", "down", "near ground truth", ""]


class Part(BaseModel):
    """What all parts of a document have in common: they do not change, and no unknown field is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class Cell(Part):
    """A value; what it does not have is null or empty.

    low, high: the ends of its interval. mark: a sign that a note explains. text: what is read instead of the value.
    """

    value: int | float | str | None = None
    low: float | None = None
    high: float | None = None
    mark: str = ""
    text: str | None = None

    @field_validator("value", mode="before")
    @classmethod
    def _is_no_number(cls, value: Any) -> Any:
        """JSON has no infinity and no NaN: they are written as these words."""
        return float(value) if value in ("Infinity", "-Infinity", "NaN") else value


class Column(Part):
    """What the cells of a name are.

    decimals: places that are read; null: as it is, a fraction to four digits. direction: which values are better.
    interval: cells may have one, which the CSV has as <name>_low and <name>_high behind all columns.
    only: the column stands in the `data` (CSV) alone, or is for `reading` alone.
    """

    name: str
    heading: str
    unit: str = ""
    direction: Direction = ""
    decimals: int | None = None
    interval: bool = False
    only: Literal["data", "reading"] | None = None


class Row(Part):
    """Cells by the name of their column; an absent one is empty.

    kind: `mean` of rows above; `paper`: the paper's own values, of the row above them and not in the CSV.
    """

    cells: dict[str, Cell]
    kind: Literal["result", "mean", "paper"] = "result"


class Note(Part):
    """One remark. kind: what it is about, in a word; rows: of which rows it says something, where it names some."""

    kind: str
    text: str  # Markdown within a line
    rows: tuple[str, ...] = ()


class Document(Part):
    """A table or figure. name: of its file; caption: what stands behind the title of a figure."""

    name: str
    title: str
    caption: str = ""
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    notes: tuple[Note, ...] = ()


def read(path: Path) -> Document:
    """A document written as JSON. Raises ValueError, naming the file, what is wrong in it and what to do."""
    try:
        return Document.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(
            f"{path}: expected a document (docs/output-layout.md); delete it and run again: {error}"
        ) from None


def of_records(name: str, title: str, records: Iterable[Mapping[str, Any]], columns: Iterable[str], **more) -> Document:
    """A document of values as they are, under the names of their columns. more: its caption and notes."""
    return Document(
        name=name,
        title=title,
        columns=tuple(Column(name=column, heading=column) for column in columns),
        rows=tuple(Row(cells=cells_of(line)) for line in records),
        **more,
    )


def cells_of(values: Mapping[str, Any], marks: Mapping[str, str] | None = None) -> dict[str, Cell]:
    """The cells of a line of a table, without the empty ones; <name>_low and <name>_high are the interval of <name>.

    marks: those of some, by name.
    """
    plain = {name: _plain(value) for name, value in values.items()}
    ends = {f"{name}_{end}" for name in plain for end in ("low", "high")}
    return {
        name: Cell(
            value=value, low=plain.get(f"{name}_low"), high=plain.get(f"{name}_high"), mark=(marks or {}).get(name, "")
        )
        for name, value in plain.items()
        if value is not None and name not in ends
    }


def _plain(value: Any) -> int | float | str | None:
    """A value as JSON has it: without numpy's types, absent ones None."""
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
