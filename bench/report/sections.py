"""The sections of the report: what the template shows of each table, chart and figure, and the files they link to."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from bench.report import charts
from bench.report.origins import Origin
from bench.report.tables import Table, from_frame, inline, read_markdown
from bench.stand_ins import flow_name, network_name
from media.image import upright_size

Made = Callable[[Path], Origin | None]


@dataclass(frozen=True)
class Section:
    """A table, a chart, or pictures; what it does not have is empty."""

    name: str
    title: str
    origin: Origin | None
    notes: list[Markup] = field(default_factory=list)
    table: Table | None = None
    csv: str = ""  # file in the report's folder
    chart: dict | None = None
    pictures: list[dict] = field(default_factory=list)  # file, alt, width, height


def table_section(csv: Path, markdown: Path, made: Made, folder: Path) -> Section:
    """A table for reading, with its CSV copied into the folder."""
    table = read_markdown(markdown)
    return Section(table.name, table.title, made(csv), table.notes, table, copied(csv, folder))


def figure7_section(csv: Path, markdown: Path, made: Made, folder: Path) -> Section:
    """The curves of Figure 7, with all of their values as a table."""
    values = pd.read_csv(csv)
    told = read_markdown(markdown)
    table = from_frame("figure7-values", told.title, values)
    return Section("figure7", told.title, made(csv), told.notes, table, copied(csv, folder), charts.figure7(values))


def training_section(path: Path, made: Made) -> Section:
    """The curves of a training, <name>/metrics.jsonl, with the steps that were validated as a table."""
    name = path.parent.name
    values = charts.read_metrics(path)
    if charts.VALIDATION in values:
        values = values[values[charts.VALIDATION].notna()]
    note = (
        "Losses by step, on a logarithmic scale. The validation error has the axis on the right, lower is better; it "
        "is measured on what is neither trained on nor scored. The table has the steps at which it was measured."
    )
    table = from_frame(f"train-{name}-values", f"Training {name}", values)
    chart = charts.training(path)
    return Section(chart["name"], f"Training {name}", made(path), [inline(note)], table, chart=chart)


def gallery_section(source: Path, made: Made, folder: Path) -> Section:
    """A folder of pictures with its caption.md and shown.csv, copied.

    Raises FileNotFoundError, naming what is missing.
    """
    for needed in ("caption.md", "shown.csv"):
        if not (source / needed).exists():
            raise FileNotFoundError(f"{source}: expected {needed} beside its pictures; delete the folder and run again")
    title, notes = read_caption(source / "caption.md")
    target = folder / "figures" / source.name
    shutil.copytree(source, target)
    shown = pd.read_csv(source / "shown.csv")
    drawn = sorted(path for path in target.iterdir() if path.suffix in (".png", ".svg"))
    pictures = [picture_of(path, shown, folder) for path in drawn]
    table = from_frame(f"{source.name}-shown", f"What {source.name} shows", shown)
    csv = (target / "shown.csv").relative_to(folder).as_posix()
    return Section(source.name, title, made(source), notes, table, csv, pictures=pictures)


def read_caption(path: Path) -> tuple[str, list[Markup]]:
    """The title of a figure, which its caption begins with in bold, and what else it says, line by line."""
    lines = [line.removeprefix("- ") for line in path.read_text().splitlines() if line.strip()]
    title, _, lead = lines[0].removeprefix("**").partition("**")
    return title.rstrip("."), [inline(line) for line in (lead.strip(), *lines[1:]) if line]


def picture_of(path: Path, shown: pd.DataFrame, folder: Path) -> dict:
    """A picture with its size (a drawing has none), and in words what stands on it."""
    own = shown[shown["file"] == path.name]
    words = [", ".join(own[column].astype(str).unique()) for column in ("item", "row") if len(own)]
    height, width = upright_size(path) if path.suffix == ".png" else (None, None)
    file = path.relative_to(folder).as_posix()
    return {"file": file, "alt": ": ".join(words) or path.stem, "width": width, "height": height}


def copied(file: Path, folder: Path) -> str:
    """Copy a table for programs into the report; returns its path there."""
    (folder / "tables").mkdir(exist_ok=True)
    shutil.copyfile(file, folder / "tables" / file.name)
    return f"tables/{file.name}"


def stand_ins(backbone: str, classifier: str, fid_features: str, flow: str, scoring_flow: str) -> list[str]:
    """In words, what of the run stands in for the paper's choice; empty where nothing does."""
    choices = {
        "features for matching, references and losses": network_name(backbone),
        "Top-1 and Top-5": network_name(classifier),
        "flow that rows are given": flow_name(flow),
        "flow that flicker is measured with": flow_name(scoring_flow),
    }
    found = [f"{what}: {name}" for what, name in choices.items() if "stand-in" in name]
    if fid_features != "inception":
        found.append(f"Fréchet distance: {network_name(fid_features).split(',')[0]}, a stand-in for Inception")
    return found
