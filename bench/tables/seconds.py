"""Stage: seconds a frame of every row, as its job measured them, beside those that the paper names."""

import platform
from collections.abc import Iterator
from json import loads
from pathlib import Path

import pandas as pd
import tyro

from bench.stand_ins import notes_on_trial
from bench.tables import columns
from media.document import Column, Document, Note
from media.formats import as_markdown, write
from media.provenance import recorded
from media.tables import COLORIZED, read_table

PAPER = Path(__file__).with_name("paper") / "seconds.csv"
COLUMNS = {
    "method": "string",
    "clip_seconds": "Float64",  # a frame, the median over clips; empty where the row colours none
    "image_seconds": "Float64",  # a photograph, the median
    "n_clips": "Int64",
    "n_frames": "Int64",  # of these clips
    "n_images": "Int64",
    "device": "string",
}
SHOWN = (
    Column(name="method", heading="method"),
    Column(name="clip_seconds", heading="s a frame (clips)", unit="s", direction="down", decimals=3),
    Column(name="image_seconds", heading="s a photograph", unit="s", direction="down", decimals=3),
    Column(name="n_clips", heading="clips", decimals=0),
    Column(name="n_frames", heading="frames", decimals=0),
    Column(name="n_images", heading="photographs", decimals=0),
    Column(name="device", heading="device"),
)
PAPERS = (
    "The paper names 0.61 s a frame for its model and 90 s for He [30], and neither a size nor a machine. Most of "
    "those 90 s go into the correspondences of Deep Image Analogy; the row he2018 has nearest neighbours instead. Its "
    "models are whole; the widths of those here stand under table1.md."
)


def main(
    *,
    colorized: list[Path],
    devices: str,
    clip_size: tuple[int, int],
    image_size: tuple[int, int],
    csv: Path,
    markdown: Path,
    json: Path,
    choices: Path | None = None,
) -> None:
    """Write the table and print it as it is read.

    Args:
        colorized: the tables of results of all rows, named after them, in their order.
        devices: where each row's networks run, JSON.
        clip_size: height and width of the clips.
        image_size: height and width of the photographs.
        csv: the values to write, for programs.
        markdown: the page to write, for reading.
        json: the same as a document (media/document.py).
        choices: what the run has chosen where the paper's choice may be another; None: not known.
    """
    results = pd.concat([read_table(path, COLORIZED) for path in colorized], keys=[path.stem for path in colorized])
    table = seconds([path.stem for path in colorized], results, loads(devices))
    made = document(table, clip_size, image_size)
    made = made.model_copy(update={"notes": (*notes_on_trial(choices), *made.notes)})
    write(made, csv=csv, markdown=markdown, json=json)
    print(as_markdown(made))


def seconds(rows: list[str], results: pd.DataFrame, devices: dict[str, str]) -> pd.DataFrame:
    """One line for each row, columns COLUMNS; a cell without a result is null.

    results: columns COLORIZED, the row as outer index; items without a result do not count.
    """
    lines = []
    for row in rows:
        own = results.loc[[row]] if row in results.index.get_level_values(0) else results.iloc[:0]
        own = own[own["reason"].isna() & (own["n_frames"] > 0)]
        clips, images = (own[own["kind"] == kind] for kind in ("clips", "images"))
        line = {"method": row, "device": devices.get(row, "cpu")}
        for kind, items in (("clip", clips), ("image", images)):
            line[f"n_{kind}s"] = len(items) or None
            line[f"{kind}_seconds"] = float((items["seconds"] / items["n_frames"]).median()) if len(items) else None
        lines.append(line | {"n_frames": int(clips["n_frames"].sum()) or None})
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype(COLUMNS)


def document(table: pd.DataFrame, clip_size: tuple[int, int], image_size: tuple[int, int]) -> Document:
    """The table (columns COLUMNS) with what was measured in words, and the paper's values."""
    rows = tuple(columns.rows(table, pd.read_csv(PAPER), ()))
    notes = tuple(notes_of(table, clip_size, image_size))
    return Document(name="seconds", title="Seconds a frame", columns=SHOWN, rows=rows, notes=notes)


def notes_of(table: pd.DataFrame, clip_size: tuple[int, int], image_size: tuple[int, int]) -> Iterator[Note]:
    """What the seconds are of, on which machine, and what they can be compared with."""
    clip, image = (f"{height} × {width}" for height, width in (clip_size, image_size))
    said = (
        f"Wall seconds that a row's job took for a frame of the test clips ({clip}) and for a test photograph "
        f"({image}): reading what it is given, colouring, and writing the result, on one core beside the device that "
        "is named; the median over items, because the first one also loads the networks. Preparation, flow, the search "
        "for references and training are not in it. Other jobs that ran at the time make all of them longer."
    )
    yield Note(kind="seconds", text=said)
    said = (
        f"This table was written on a machine with {processor()}; rows may have been coloured on others, or in an "
        "earlier run, which is not recorded."
    )
    yield Note(kind="machine", text=said)
    corrected = tuple(row for row in table["method"] if "+" in row)
    if corrected:
        said = "A row `<row>+<post-processor>` is the post-processor's work alone, on top of that of `<row>`."
        yield Note(kind="post-processor", text=said, rows=corrected)
    yield Note(kind="the paper's", text=PAPERS)


def processor() -> str:
    """The processor's name; of an unknown one the kind."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    named = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return f"{len(named)} × {named[0]}" if named else platform.processor() or platform.machine()


if __name__ == "__main__":
    tyro.cli(recorded(main, "csv", "markdown", "json"))
