"""The forms that a document (media/document.py) is written in. A further one is a function and a line in FORMATS."""

import csv
import io
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from markupsafe import Markup
from tabulate import tabulate

from media.document import Cell, Column, Document, Row
from media.whole import written_whole


def write(document: Document, **paths: Path) -> None:
    """Write a document to files by the names of FORMATS: write(document, csv=..., markdown=...); each appears whole."""
    for form, path in paths.items():
        with written_whole(path) as temporary:
            temporary.write_text(FORMATS[form](document), encoding="utf-8")


def as_json(document: Document) -> str:
    """All of it; fields that have their default are left out."""
    return document.model_dump_json(indent=1, exclude_defaults=True) + "\n"


def as_csv(document: Document) -> str:
    """The values to six digits, for programs: without the paper's rows and what is for reading alone."""
    columns = [column for column in document.columns if column.only != "reading"]
    ends = [(column.name, end) for column in columns if column.interval for end in ("low", "high")]
    lines = [[column.name for column in columns] + [f"{name}_{end}" for name, end in ends]]
    for row in document.rows:
        if row.kind != "paper":
            values = [_of(row, column).value for column in columns]
            lines.append([*values, *(getattr(row.cells.get(name, Cell()), end) for name, end in ends)])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_six_digits(value) for value in line] for line in lines)
    return text.getvalue()


def _six_digits(value: int | float | str | None) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def as_markdown(document: Document) -> str:
    """Title, rounded table and notes."""
    columns = read_columns(document)
    lines = [[_in_markdown(words(row, column)) for column in columns] for row in document.rows]
    for line, row in zip(lines, document.rows, strict=True):
        if row.kind == "paper":
            line[0] = f"*{line[0]}*"
    table = tabulate(lines, [column.heading for column in columns], tablefmt="pipe", disable_numparse=True)
    return "\n".join([f"# {document.title}", "", table, "", *_notes(document), ""])


def _in_markdown(text: str) -> str:
    """A cell's text where nothing in it ends the cell or the line, or begins code."""
    return re.sub(r"([\\|`])", r"\\\1", " ".join(text.splitlines()))


def as_caption(document: Document) -> str:
    """Title, caption and notes of a figure, without its table."""
    return "\n".join([f"**{document.title}.** {document.caption}", "", *_notes(document), ""])


def _notes(document: Document) -> list[str]:
    return [f"- {note.text}" for note in document.notes]


def as_html(document: Document, links: Mapping[str, str] | None = None) -> Markup:
    """The table alone, a <tbody> for each row and those of the paper under it; cells have what they are sorted by.

    links: where the names of rows lead.
    """
    columns = read_columns(document)
    heading = Markup('<th scope="col"><button type="button">{}</button></th>')
    head = Markup("").join(heading.format(column.heading) for column in columns)
    bodies = Markup("\n").join(
        Markup("<tbody>{}</tbody>").format(Markup("").join(_html_row(row, columns, links or {}) for row in group))
        for group in groups(document)
    )
    return Markup('<table class="sortable">\n<thead><tr>{}</tr></thead>\n{}\n</table>').format(head, bodies)


def _for_sorting(value: int | float | str | None) -> int | float | str:
    """As JavaScript reads it; what is no number stands with what is absent."""
    if value is None or value != value:
        return ""
    return str(value).replace("inf", "Infinity") if value in (math.inf, -math.inf) else value


def groups(document: Document) -> list[list[Row]]:
    """Rows that stay together: each with those of the paper under it."""
    joined: list[list[Row]] = []
    for row in document.rows:
        if row.kind == "paper" and joined:
            joined[-1].append(row)
        else:
            joined.append([row])
    return joined


def _html_row(row: Row, columns: list[Column], links: Mapping[str, str]) -> Markup:
    cells = Markup("")
    for place, column in enumerate(columns):
        value, text = _of(row, column).value, Markup.escape(words(row, column))
        if place == 0 and row.kind == "paper":
            text = Markup("<em>{}</em>").format(text)
        elif place == 0 and value in links:
            text = Markup('<a href="{}" title="how its scores were made">{}</a>').format(links[value], text)
        number = Markup(' class="number"') if isinstance(value, int | float) else Markup("")
        tag = Markup('<th scope="row"{}{}>{}</th>' if place == 0 else "<td{}{}>{}</td>")
        cells += tag.format(Markup(' data-value="{}"').format(_for_sorting(value)), number, text)
    kind = Markup("") if row.kind == "result" else Markup(' class="{}"').format(row.kind)
    return Markup("<tr{}>{}</tr>").format(kind, cells)


def read_columns(document: Document) -> list[Column]:
    """The columns that are for reading."""
    return [column for column in document.columns if column.only != "data"]


def words(row: Row, column: Column) -> str:
    """A cell as it is read: its value, rounded, with its mark and its interval, where it has them."""
    cell = _of(row, column)
    if cell.text is not None:
        return cell.text
    if cell.value is None:
        return ""
    known = cell.low is not None or cell.high is not None
    between = f" [{_end(cell.low, column)}, {_end(cell.high, column)}]" if known else ""
    return f"{_rounded(cell.value, column)}{cell.mark}{between}"


def _end(value: float | None, column: Column) -> str:
    """An end of an interval, which may have one alone."""
    return "?" if value is None else _rounded(value, column)


def _rounded(value: int | float | str | None, column: Column) -> str:
    if isinstance(value, str):
        return value
    if column.decimals is not None:
        return f"{value:.{column.decimals}f}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _of(row: Row, column: Column) -> Cell:
    return row.cells.get(column.name, Cell())


FORMATS: dict[str, Callable[[Document], str]] = {
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
    "caption": as_caption,
    "html": as_html,
}
