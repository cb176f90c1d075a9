"""The sections of the report: what the template shows of each table, chart and figure, and the files they link to."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup

from bench.report import charts
from bench.report.origins import Origin
from media.document import Document, Note, of_records, read
from media.formats import write
from media.image import upright_size

MARKDOWN = MarkdownIt("commonmark", {"html": False})
NOTE_ON_TRAINING = Note(
    kind="training",
    text="Losses by step, on a logarithmic scale. The validation error has the axis on the right, lower is better; it "
    "is measured on what is neither trained on nor scored. The table has the steps at which it was measured.",
)

Made = Callable[[Path], Origin | None]


@dataclass(frozen=True)
class Section:
    """A table, a chart, or pictures; what it does not have is empty."""

    name: str
    title: str
    origin: Origin | None
    table: Document
    notes: list[Markup] = field(default_factory=list)
    csv: str = ""  # file in the report's folder
    chart: dict | None = None
    pictures: list[dict] = field(default_factory=list)  # file, alt, width, height


def sections_of(
    tables: list[Path], figure7: Path, curves: list[Path], figures: list[Path], made: Made, folder: Path
) -> dict[str, list[Section]]:
    """The sections by the part of the page that they stand in, with what they link to written into its folder."""
    return {
        "tables": [table_section(path, made, folder) for path in tables],
        "charts": [figure7_section(figure7, made, folder), *(training_section(path, made) for path in curves)],
        "figures": [gallery_section(path, made, folder) for path in figures],
    }


def table_section(path: Path, made: Made, folder: Path) -> Section:
    """A table (JSON, media/document.py) for reading, with its values as CSV in the folder."""
    table = read(path)
    return Section(table.name, table.title, made(path), table, in_html(table.notes), csv_of(table, folder))


def figure7_section(path: Path, made: Made, folder: Path) -> Section:
    """The curves of Figure 7 (JSON, media/document.py), with all of their values as a table."""
    table = read(path)
    chart = charts.figure7(table)
    return Section(table.name, table.title, made(path), table, in_html(table.notes), csv_of(table, folder), chart)


def training_section(path: Path, made: Made) -> Section:
    """The curves of a training, <name>/metrics.jsonl, with the steps that were validated as a table."""
    title = f"Training {path.parent.name}"
    values = charts.read_metrics(path)
    if charts.VALIDATION in values:
        values = values[values[charts.VALIDATION].notna()]
    chart = charts.training(path)
    table = of_records(chart["name"], title, values.to_dict("records"), values.columns)
    return Section(chart["name"], title, made(path), table, in_html([NOTE_ON_TRAINING]), chart=chart)


def gallery_section(source: Path, made: Made, folder: Path) -> Section:
    """A folder of pictures with its figure.json, copied.

    Raises FileNotFoundError, naming what is missing.
    """
    if not (source / "figure.json").exists():
        raise FileNotFoundError(f"{source}: expected figure.json beside its pictures; delete the folder and run again")
    table = read(source / "figure.json")
    target = folder / "figures" / source.name
    shutil.copytree(source, target)
    drawn = sorted(path for path in target.iterdir() if path.suffix in (".png", ".svg"))
    pictures = [picture_of(path, table, folder) for path in drawn]
    notes = [inline(table.caption), *in_html(table.notes)]
    csv = (target / "shown.csv").relative_to(folder).as_posix()
    return Section(source.name, table.title, made(source), table, notes, csv, pictures=pictures)


def picture_of(path: Path, table: Document, folder: Path) -> dict:
    """A picture with its size (a drawing has none), and in words what stands on it."""
    own = [row.cells for row in table.rows if row.cells["file"].value == path.name]
    words = [", ".join(dict.fromkeys(str(cells[column].value) for cells in own)) for column in ("item", "row") if own]
    height, width = upright_size(path) if path.suffix == ".png" else (None, None)
    file = path.relative_to(folder).as_posix()
    return {"file": file, "alt": ": ".join(words) or path.stem, "width": width, "height": height}


def csv_of(table: Document, folder: Path) -> str:
    """Write the values of a table into the report, for programs; returns the file's path there."""
    write(table, csv=folder / "tables" / f"{table.name}.csv")
    return f"tables/{table.name}.csv"


def in_html(notes: Iterable[Note]) -> list[Markup]:
    return [inline(note.text) for note in notes]


def inline(text: str) -> Markup:
    """Markdown within a line as HTML; tags in it are shown, not obeyed."""
    return Markup(MARKDOWN.renderInline(text))
