"""The tables of the report, out of the Markdown that stages write for reading: rounded, marked, with notes.

The same numbers in full stand in the CSV beside it, which the page links to.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markdown_it import MarkdownIt
from markupsafe import Markup

# Rows of the paper stand under the row that they belong to, and move with it.
PAPER = "*paper"
NUMBER = re.compile(r"[-+−]?\d+(\.\d+)?(e[-+]?\d+)?(?!\w)")
MARKDOWN = MarkdownIt("commonmark", {"html": False})


@dataclass(frozen=True)
class Cell:
    """A value as it is shown, and what it is sorted by: its number, None where it has none, and its plain text."""

    text: Markup
    number: float | None
    plain: str = ""


@dataclass(frozen=True)
class Table:
    """Groups of rows that stay together: a row and those of the paper under it. The first cell names a row."""

    name: str
    title: str
    headings: list[str]
    groups: list[list[list[Cell]]]
    notes: list[Markup]


def read_markdown(path: Path) -> Table:
    """A title (# ...), one table of pipes and a list of notes; each may be missing but the table.

    Raises ValueError for a file without a table.
    """
    lines = path.read_text().splitlines()
    rows = [split_row(line) for line in lines if line.startswith("|")]
    if len(rows) < 2:
        raise ValueError(f"{path}: expected a table, lines of | cells |; found none. Delete it and run again")
    titles = [line.removeprefix("# ") for line in lines if line.startswith("# ")]
    title = titles[0] if titles else path.stem.replace("_", " ").capitalize()
    notes = [inline(line.removeprefix("- ")) for line in lines if line.startswith("- ")]
    return Table(path.stem, title, rows[0], grouped(rows[2:]), notes)


def split_row(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def grouped(rows: list[list[str]]) -> list[list[list[Cell]]]:
    """The rows of the paper joined to the row before them."""
    groups: list[list[list[Cell]]] = []
    for row in rows:
        cells = [cell(text) for text in row]
        if row[0].startswith(PAPER) and groups:
            groups[-1].append(cells)
        else:
            groups.append([cells])
    return groups


def cell(text: str) -> Cell:
    found = NUMBER.match(text.replace("*", ""))
    return Cell(inline(text), float(found[0].replace("−", "-")) if found else None, text.strip("*"))


def inline(text: str) -> Markup:
    """Markdown within a line as HTML; tags in it are shown, not obeyed."""
    return Markup(MARKDOWN.renderInline(text))


def from_frame(name: str, title: str, table: pd.DataFrame) -> Table:
    """A table of values as they are, to four digits."""
    groups = [[[value_cell(value) for value in line]] for line in table.itertuples(index=False)]
    return Table(name, title, list(table.columns), groups, [])


def value_cell(value) -> Cell:
    if pd.isna(value):
        return Cell(Markup(""), None)
    if isinstance(value, str):
        return Cell(Markup.escape(value), None, value)
    return Cell(Markup(f"{value:.4g}" if isinstance(value, float) else str(value)), float(value))
