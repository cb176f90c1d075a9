"""Contact sheets: an item as it is, as it is searched, and its references in a row, each with a caption, to look at."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from media.image import cover_crop

WIDTH = 300  # pixels of a panel
GAP = 12
FONT_SIZE = 17
LINE = 24
INK, PAPER = (20, 20, 20), (255, 255, 255)
# Of the machine, after matplotlib's: the first that has a letter draws it.
FONTS = ("DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "wqy-zenhei.ttc")


class Panel(NamedTuple):
    """A picture, uint8 RGB (H, W, 3), and the lines under it."""

    picture: np.ndarray
    lines: tuple[str, ...]


def contact_sheet(panels: Sequence[Panel]) -> np.ndarray:
    """The panels in a row, uint8 RGB: each cover-cropped to the shape of the first, its lines shortened to fit."""
    height = round(WIDTH * panels[0].picture.shape[0] / panels[0].picture.shape[1])
    lines = max(len(panel.lines) for panel in panels)
    size = (len(panels) * (WIDTH + GAP) + GAP, height + 2 * GAP + lines * LINE)
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    for index, panel in enumerate(panels):
        left = GAP + index * (WIDTH + GAP)
        sheet.paste(Image.fromarray(cover_crop(panel.picture, (height, WIDTH))), (left, GAP))
        for number, line in enumerate(panel.lines):
            write_line(pen, (left, GAP + height + 4 + number * LINE), shortened(line, WIDTH))
    return np.asarray(sheet)


def class_name(label: int) -> str:
    """An ImageNet class index with the first of the class's names: `517 crane`."""
    names = class_names()
    if not 0 <= label < len(names):
        raise ValueError(f"{label} is no ImageNet class index; expected 0 to {len(names) - 1}")
    return f"{label} {names[label]}"


@cache
def class_names() -> list[str]:
    """The first name of each of the 1000 classes, by index: WordNet's lemmas, from the files that timm ships."""
    folder = Path(str(distribution("timm").locate_file("timm/data/_info")))
    lemmas = dict(
        line.split("\t") for line in (folder / "imagenet_synset_to_lemma.txt").read_text("utf-8").splitlines()
    )
    return [lemmas[synset].split(",")[0] for synset in (folder / "imagenet_synsets.txt").read_text("utf-8").split()]


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
    found = []
    for name in (matplotlibs("DejaVuSans.ttf"), *FONTS):
        with suppress(OSError):
            found.append(ImageFont.truetype(name, FONT_SIZE))
    return [*found, ImageFont.load_default(FONT_SIZE)]


def matplotlibs(name: str) -> str:
    """Where matplotlib keeps a font; the name alone where it is not installed."""
    try:
        return str(distribution("matplotlib").locate_file(f"matplotlib/mpl-data/fonts/ttf/{name}"))
    except PackageNotFoundError:
        return name
