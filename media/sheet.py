"""Sheets of labelled pictures to look at: a contact sheet is one row of them, a figure several, with headings."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from itertools import groupby
from textwrap import wrap
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from media.image import cover_crop

WIDTH = 300  # pixels of a panel
LABEL_WIDTH = 260  # pixels of the longest label that is not shortened
GAP = 12
FONT_SIZE = 17
LINE = 24
INK, PAPER, EMPTY = (20, 20, 20), (255, 255, 255), (225, 225, 225)
# Of the machine, after matplotlib's: the first that has a letter draws it.
FONTS = ("DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "wqy-zenhei.ttc")


class Panel(NamedTuple):
    """A picture, uint8 RGB (H, W, 3), and the lines under it; without a picture, a box with the lines in it."""

    picture: np.ndarray | None
    lines: tuple[str, ...] = ()


def contact_sheet(panels: Sequence[Panel]) -> np.ndarray:
    """The panels in a row, uint8 RGB: each cover-cropped to the shape of the first, its lines shortened to fit."""
    return grid([panels])


def grid(
    rows: Sequence[Sequence[Panel]], headings: Sequence[str] = (), labels: Sequence[str] = (), width: int = WIDTH
) -> np.ndarray:
    """Rows of panels below each other, uint8 RGB, with headings over the columns and labels left of the rows.

    Every panel is `width` pixels wide and cover-cropped to the shape of the first picture there is; text is shortened
    to fit. Raises ValueError where no panel has a picture.
    """
    first = next((panel.picture for row in rows for panel in row if panel.picture is not None), None)
    if first is None:
        raise ValueError("a sheet without any picture: expected at least one panel that has one")
    size = (round(width * first.shape[0] / first.shape[1]), width)
    left = GAP + (GAP + min(LABEL_WIDTH, round(max(map(length_of, labels)))) if labels else 0)
    top = GAP + (LINE if headings else 0)
    tops = [top]  # of each row, and where the next would begin
    for row in rows:
        lines = max(len(panel.lines) if panel.picture is not None else 0 for panel in row)
        tops.append(tops[-1] + size[0] + lines * LINE + GAP)
    sheet = Image.new("RGB", (left + max(map(len, rows)) * (width + GAP), tops[-1]), PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, heading in enumerate(headings):
        write_line(pen, (left + column * (width + GAP), GAP - 4), shortened(heading, width))
    for label, upper in zip(labels, tops, strict=False):
        write_line(pen, (GAP, upper + size[0] / 2 - FONT_SIZE), shortened(label, LABEL_WIDTH))
    for row, upper in zip(rows, tops, strict=False):
        for column, panel in enumerate(row):
            draw_panel(sheet, panel, (left + column * (width + GAP), upper), size)
    return np.asarray(sheet)


def draw_panel(sheet: Image.Image, panel: Panel, at: tuple[int, int], size: tuple[int, int]) -> None:
    """Draw a panel whose picture is to be of a size (height, width), its upper left corner at (x, y)."""
    (left, top), (height, width) = at, size
    pen = ImageDraw.Draw(sheet)
    if panel.picture is None:
        pen.rectangle((left, top, left + width - 1, top + height - 1), EMPTY)
        letters = int(width / length_of("n"))
        written = [part for line in panel.lines for part in wrap(line, letters)][: height // LINE]
        left, top, width = left + 6, top + 4, width - 12
    else:
        sheet.paste(Image.fromarray(cover_crop(panel.picture, size)), at)
        written, top = panel.lines, top + height + 4
    for number, line in enumerate(written):
        write_line(pen, (left, top + number * LINE), shortened(line, width))


def write_line(pen: ImageDraw.ImageDraw, at: tuple[float, float], line: str) -> None:
    """Draw a line of text, every letter in the first font that has it."""
    left, top = at
    for font, letters in groupby(line, font_with):
        run = "".join(letters)
        pen.text((left, top + FONT_SIZE), run, INK, font, anchor="ls")
        left += font.getlength(run)


def length_of(line: str) -> float:
    """How long a line of text is, in pixels."""
    return sum(font.getlength("".join(letters)) for font, letters in groupby(line, font_with))


def shortened(line: str, width: float) -> str:
    """The line, its middle left out where it is longer than `width`: names differ at both ends."""
    kept = len(line)
    short = line
    while length_of(short) > width and kept > 1:
        kept -= 1
        short = f"{line[: kept - kept // 2]}…{line[len(line) - kept // 2 :]}"
    return short


@cache
def font_with(letter: str) -> ImageFont.FreeTypeFont:
    """The first font that has the letter; the first of all, which draws a box for it, if none has."""
    missing = "\U0010ffff"  # in no font: what is drawn for it is drawn for every missing letter
    for font in fonts():
        if letter.isspace() or bytes(font.getmask(letter)) != bytes(font.getmask(missing)):
            return font
    return fonts()[0]


@cache
def fonts() -> list[ImageFont.FreeTypeFont]:
    """The fonts there are; Pillow's own, which has Latin letters only, at the end."""
    there = []
    for name in (matplotlibs("DejaVuSans.ttf"), *FONTS):
        with suppress(OSError):
            there.append(ImageFont.truetype(name, FONT_SIZE))
    return [*there, ImageFont.load_default(FONT_SIZE)]


def matplotlibs(name: str) -> str:
    """Where matplotlib keeps a font; the name alone where it is not installed."""
    try:
        return str(distribution("matplotlib").locate_file(f"matplotlib/mpl-data/fonts/ttf/{name}"))
    except PackageNotFoundError:
        return name
