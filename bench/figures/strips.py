"""What the figures made of pictures share: the panels of rows, truth, input and reference, which items are shown, and
writing a folder of labelled strips with what they show, as a document.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from bench.metrics.colorfulness import colorfulness
from bench.metrics.psnr import psnr
from media.color import luminance_from_rgb, with_luminance
from media.document import Note, of_records
from media.faults import prepared
from media.formats import write
from media.image import frame_path, read_rgb, write_png
from media.names import in_backticks
from media.sheet import PAPER, WIDTH, Panel, grid
from media.tables import CLIPS, COLORIZED, REFERENCES, folder_of, kept, read_table, records
from media.whole import whole_folder

# Panels that are no row's result go by these names.
TRUTH, INPUT, REFERENCE = "ground_truth", "input", "reference"
FRAMES = (0, 5, 10, 15, 20, 24)  # of a clip of 25 frames
COLUMNS = ["figure", "file", "item", "row", "frame", "reason"]  # of shown.csv, before the numbers


@dataclass(frozen=True)
class Shown:
    """A panel and what it shows: a line of shown.csv."""

    row: str  # a row of the tables, or TRUTH, INPUT or REFERENCE
    frame: int
    picture: np.ndarray | None  # uint8 RGB (H, W, 3); None where there is none to show
    reason: str = ""  # why there is none
    numbers: dict[str, float] = field(default_factory=dict)  # columns of shown.csv
    lines: tuple[str, ...] = ()  # written under the picture

    def named(self) -> "Shown":
        """The same with its row written under it."""
        return replace(self, lines=(self.row, *self.lines))

    def panel(self) -> Panel:
        return Panel(self.picture, self.lines) if self.picture is not None else Panel(None, (self.row, self.reason))


@dataclass(frozen=True)
class Strip:
    """One file of a figure: lines of panels about one item."""

    item: str
    lines: Sequence[Sequence[Shown]]
    headings: Sequence[str] = ()  # over the columns
    labels: Sequence[str] = ()  # left of the lines
    width: int = WIDTH  # pixels of a panel


@dataclass(frozen=True)
class ShownItems:
    """The clips or images that rows have coloured, and what is shown of them.

    table: of the prepared items, results/<kind>/test.parquet. references: theirs, needed only where one is shown.
    datasets: whose items may be chosen; none named: all.
    """

    kind: str  # clips or images
    table: Path
    references: Path | None = None
    datasets: Sequence[str] = ()

    @cached_property
    def n_frames(self) -> dict[str, int]:
        """Frames of each item that was not rejected, by name in alphabetical order."""
        items = kept(read_table(self.table, CLIPS)).sort_values("clip")
        if self.datasets:
            items = items[items["dataset"].isin(self.datasets)]
        return dict(zip(items["clip"], items["n_frames"], strict=True))

    def truth(self, item: str, frame: int = 0) -> Shown:
        """A frame in its own colours."""
        rgb = _made(frame_path(folder_of(self.table) / item, frame))
        return with_numbers(Shown(TRUTH, frame, rgb), {"colorful": colorfulness(rgb)})

    def input(self, item: str, frame: int = 0) -> Shown:
        """What is coloured: a frame's luminance."""
        luminance = luminance_from_rgb(_made(frame_path(folder_of(self.table) / item, frame)))
        return Shown(INPUT, frame, with_luminance(luminance, np.zeros((*luminance.shape, 2), np.float32)))

    def reference(self, item: str) -> Shown:
        """The most similar picture of the gallery, whole, on paper of the item's shape."""
        rgb = self.given_reference(item)
        if rgb is None:
            return Shown(REFERENCE, 0, None, "no_reference: none was found for this item")
        return Shown(REFERENCE, 0, on_paper(rgb, _made(frame_path(folder_of(self.table) / item, 0)).shape))

    def given_reference(self, item: str) -> np.ndarray | None:
        """The most similar picture of the gallery, cropped as the rows are given it; None if there is none."""
        references = read_table(self.references, REFERENCES)
        best = references[(references["item"] == item) & (references["rank"] == 1)]
        return None if best.empty else self.picture_of(best["reference"].iloc[0])

    def picture_of(self, reference: str) -> np.ndarray:
        """A picture of the gallery that is a reference, cropped as the rows are given it."""
        return _made(frame_path(folder_of(self.references) / reference, 0))

    def result(self, colorized: Path, item: str, frame: int = 0) -> Shown:
        """A frame as a row has coloured it (`colorized`: its table), with its numbers; or why there is none."""
        row = colorized.stem
        line = results_of(colorized).get((self.kind, item))
        if line is None:
            return Shown(row, frame, None, f"not_coloured: the row does not colour {self.kind}")
        if line["reason"] is not None:
            return Shown(row, frame, None, f"{line['reason']}: {line['detail']}")
        rgb = _made(frame_path(folder_of(colorized) / self.kind / item, frame))
        truth = _made(frame_path(folder_of(self.table) / item, frame))
        return with_numbers(Shown(row, frame, rgb), {"psnr": psnr(rgb, truth), "colorful": colorfulness(rgb)})


def _made(path: Path) -> np.ndarray:
    """A picture that the pipeline made. Raises MachineFault if it is not there any more."""
    with prepared(path):
        return read_rgb(path)


@cache
def results_of(colorized: Path) -> dict[tuple[str, str], dict]:
    """The lines of a row's table by kind and item."""
    return {(line["kind"], line["item"]): line for line in records(read_table(colorized, COLORIZED))}


def on_paper(rgb: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A picture (H, W, 3) in the middle of the smallest sheet of paper that is as high to wide as `shape`."""
    height, width = rgb.shape[:2]
    sheet = (max(height, -(-width * shape[0] // shape[1])), max(width, -(-height * shape[1] // shape[0])))
    top, left = (sheet[0] - height) // 2, (sheet[1] - width) // 2
    paper = np.full((*sheet, 3), PAPER, np.uint8)
    paper[top : top + height, left : left + width] = rgb
    return paper


def with_numbers(shown: Shown, numbers: dict[str, float]) -> Shown:
    """The same with numbers, also written under the picture."""
    words = {"psnr": "{:.1f} dB", "colorful": "colourfulness {:.0f}", "round_trip": "round trip {:.0f} px"}
    line = ", ".join(words[name].format(value) for name, value in numbers.items())
    return replace(shown, numbers=numbers, lines=(*shown.lines, line))


def evenly(names: Iterable[str], count: int) -> list[str]:
    """At most `count` of the names, evenly over their alphabetical order, the first and the last among them."""
    names = sorted(names)
    places = np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int)
    return [names[place] for place in places]


def note_on_choice(items: ShownItems, shown: Sequence[str]) -> Note:
    """How the items were chosen, in words."""
    of = f" of {', '.join(items.datasets)}" if items.datasets else ""
    if not items.n_frames:
        every = read_table(items.table, CLIPS)
        own = every[every["dataset"].isin(items.datasets)] if items.datasets else every
        return Note(kind="nothing shown", text=f"Nothing is shown: {why_none(own, f'test {items.kind}{of}')}.")
    said = (
        f"Shown: {len(shown)} of {len(items.n_frames)} test {items.kind}{of}, evenly over their names in alphabetical "
        "order; none was chosen by eye or by a score."
    )
    return Note(kind="shown", text=said)


def nothing_shown(split: str, what_to_do: str) -> Note:
    """What a figure says instead of showing a set of clips that is not there."""
    said = f"Nothing is shown: the clips of the set `{split}` are not there. To see them here, {what_to_do}."
    return Note(kind="nothing shown", text=said)


def nothing_fit(clips: pd.DataFrame, split: str) -> Note:
    """What a figure says instead of showing a set of clips of which none was kept. clips: columns CLIPS."""
    return Note(kind="nothing shown", text=f"Nothing is shown: {why_none(clips, f'clips of the set `{split}`')}.")


def why_none(table: pd.DataFrame, what: str) -> str:
    """In words, that no item of a table (columns CLIPS) was fit, and of each reason the first that was rejected."""
    reasons = [
        f"{len(own)} {reason} (such as {in_code([own['source'].iloc[0]])}: {own['detail'].iloc[0]})"
        for reason, own in table.dropna(subset="reason").groupby("reason", sort=False)
    ]
    return f"none of {len(table)} {what} was fit: {'; '.join(reasons) or 'there are no such files'}"


def in_code(names: Iterable[str]) -> str:
    """Names in a note, as code."""
    return ", ".join(map(in_backticks, names))


NOTE_ON_NUMBERS = Note(
    kind="numbers",
    text="Under the pictures, and in shown.csv: PSNR in dB over RGB against the truth, whose luminance every result "
    "has, so that grey gets a high value too (100 is the cap, of identical pictures); and colourfulness (CIELAB), "
    "which is to be near that of the truth. An empty panel says why there is no picture.",
)


def clip_strip(items: ShownItems, item: str, colorized: Sequence[Path], frames: Sequence[int] = FRAMES) -> Strip:
    """Rows below each other over frames of a clip, the truth at the top; frames that it does not have are left out."""
    present = [frame for frame in frames if frame < items.n_frames[item]]
    lines = [[items.truth(item, frame) for frame in present]]
    lines += [[items.result(table, item, frame) for frame in present] for table in colorized]
    labels = [TRUTH, *(table.stem for table in colorized)]
    return Strip(item, lines, [f"frame {frame}" for frame in present], labels, width=240)


def folded(panels: Sequence[Shown], columns: int) -> list[list[Shown]]:
    """Panels in lines of at most so many."""
    return [list(panels[start : start + columns]) for start in range(0, len(panels), columns)]


@dataclass(frozen=True)
class Caption:
    """What stands under a figure."""

    title: str
    lead: str  # what is seen, behind the title
    notes: Sequence[Note] = ()


def write_gallery(folder: Path, strips: Iterable[Strip], caption: Caption) -> None:
    """Write a figure: <number>_<item>.png for each strip, and figure.json with a row for each panel and the caption,
    which shown.csv and caption.md are made of.

    The folder appears whole, and with nothing in it of an earlier run.
    """
    lines = []
    with whole_folder(folder) as temporary:
        for number, strip in enumerate(strips, start=1):
            file = f"{number:02d}_{strip.item}.png"
            panels = [[shown.panel() for shown in line] for line in strip.lines]
            write_png(temporary / file, grid(panels, strip.headings, strip.labels, strip.width))
            lines += [
                {"figure": folder.name, "file": file, "item": strip.item, "row": shown.row, "frame": shown.frame}
                | {"reason": shown.reason or None, **shown.numbers}
                for line in strip.lines
                for shown in line
            ]
        columns = dict.fromkeys([*COLUMNS, *(name for line in lines for name in line)])
        more = {"caption": caption.lead, "notes": tuple(caption.notes)}
        document = of_records(folder.name, caption.title, lines, columns, **more)
        write(
            document,
            json=temporary / "figure.json",
            csv=temporary / "shown.csv",
            caption=temporary / "caption.md",
        )
