"""The clips and photographs of the report: which tiles each has, why one is missing, and how each row scored there."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.report.atlas import FRAMES_A_SECOND, grid_for, write_atlas, write_strip
from bench.scoring.measure import TRUTH, module_of
from bench.scoring.statistics import per_item
from media.color import luminance_from_rgb, with_luminance
from media.image import cover_crop, read_frames, read_rgb
from media.names import address
from media.tables import CLIPS, COLORIZED, REFERENCES, folder_of, kept, read_table

INPUT, REFERENCE = "input", "reference"
TITLES = {INPUT: "input (grey)", REFERENCE: "reference", TRUTH: "ground truth"}
GREY = "grey"  # the row that leaves the input as it is: its tile is the input's
# By what clips and photographs can be ordered, where they have scores of it: its heading.
ORDERS = {
    "clips": {
        "psnr": "PSNR",
        "psnr_ab": "PSNR of ab",
        "flicker_ratio": "flicker / ground truth",
        "lpips": "LPIPS",
        "ssim": "SSIM",
        "cdc": "CDC",
        "warp_error": "warping error",
        "delta_cf_per_image": "difference in colourfulness",
    },
    "images": {
        "psnr": "PSNR",
        "psnr_ab": "PSNR of ab",
        "lpips": "LPIPS",
        "ssim": "SSIM",
        "delta_cf_per_image": "difference in colourfulness",
    },
}
FLICKER, FLICKER_RATIO = "flicker_rms", "flicker_ratio"


@dataclass(frozen=True)
class Tile:
    """What one place of an item shows: frames in `folder`, a picture, or in words why there is none."""

    name: str
    title: str
    folder: Path | None = None
    picture: Path | None = None
    reason: str | None = None
    grey: bool = False

    @property
    def shown(self) -> bool:
        return self.reason is None

    def frames(self, n_frames: int, size: tuple[int, int]) -> Iterator[np.ndarray]:
        """Its frames, uint8 RGB of `size`; a picture stands still."""
        if self.picture:
            still = cover_crop(read_rgb(self.picture), size)
            yield from (still for _ in range(n_frames))
            return
        for rgb in read_frames(self.folder, n_frames):
            yield grey_of(rgb) if self.grey else rgb


@dataclass(frozen=True)
class ItemFolders:
    """Where the items of one kind lie."""

    kind: str  # clips or images
    items: Path  # their table
    references: Path | None
    colorized: dict[str, Path]  # the tables of results, by row

    def read(self) -> list["Item"]:
        """The kept items, in the order of their table, with their tiles."""
        references = first_references(self.references) if self.references else {}
        done = {row: read_table(path, COLORIZED) for row, path in self.colorized.items()}
        done = {row: table[table["kind"] == self.kind].set_index("item") for row, table in done.items()}
        return [
            Item(self.kind, line.clip, int(line.n_frames), tuple(self._tiles(line.clip, references, done)))
            for line in kept(read_table(self.items, CLIPS)).itertuples()
        ]

    def _tiles(self, item: str, references: dict[str, Path], done: dict[str, pd.DataFrame]) -> Iterator[Tile]:
        truth = folder_of(self.items) / item
        yield Tile(INPUT, TITLES[INPUT], truth, grey=True)
        if self.references and item in references:
            yield Tile(REFERENCE, TITLES[REFERENCE], picture=references[item])
        elif self.references:
            yield Tile(REFERENCE, TITLES[REFERENCE], reason="no reference was found")
        yield Tile(TRUTH, TITLES[TRUTH], truth)
        for row, table in done.items():
            if row not in (TRUTH, GREY) and len(table):
                yield self._tile_of_row(row, item, table)

    def _tile_of_row(self, row: str, item: str, table: pd.DataFrame) -> Tile:
        if item not in table.index:
            return Tile(row, row, reason="not coloured: the item is missing in the row's table")
        line = table.loc[item]
        if pd.notna(line["reason"]):
            detail = "" if pd.isna(line["detail"]) else f": {line['detail']}"
            return Tile(row, row, reason=f"{line['reason']}{detail}")
        return Tile(row, row, folder_of(self.colorized[row]) / self.kind / item)


def grey_of(rgb: np.ndarray) -> np.ndarray:
    """A frame's luminance alone, uint8 RGB: what methods are given."""
    return with_luminance(luminance_from_rgb(rgb), np.zeros((*rgb.shape[:2], 2), np.float32))


def first_references(table: Path) -> dict[str, Path]:
    """The file of the most similar reference of each item."""
    references = read_table(table, REFERENCES)
    return {line.item: Path(line.path) for line in references[references["rank"] == 1].itertuples()}


@dataclass(frozen=True)
class Item:
    """A clip or a photograph with its tiles, in the order in which they are shown."""

    kind: str
    name: str
    n_frames: int
    tiles: tuple[Tile, ...]

    def moments(self) -> Iterator[list[np.ndarray]]:
        """For each frame the tiles that have pictures."""
        size = next(read_frames(self._truth.folder, 1)).shape[:2]
        shown = [tile.frames(self.n_frames, size) for tile in self.tiles if tile.shown]
        yield from map(list, zip(*shown, strict=True))

    @property
    def _truth(self) -> Tile:
        return next(tile for tile in self.tiles if tile.name == TRUTH)

    def as_data(self) -> dict:
        """For the page: each tile with its place among those that are shown."""
        shown = [tile for tile in self.tiles if tile.shown]
        tiles = [
            {
                "name": tile.name,
                "title": tile.title,
                "reason": tile.reason,
                "place": shown.index(tile) if tile.shown else None,
            }
            for tile in self.tiles
        ]
        return {"name": self.name, "frames": self.n_frames, "tiles": tiles}


def write_clip(item: Item, folder: Path) -> dict:
    """Write a clip's atlas and its poster; returns what the page needs to know."""
    first = next(item.moments())
    grid = grid_for(len(first), first[0].shape[:2])
    write_atlas(folder / f"{item.name}.mp4", item.moments(), grid)
    shown = [tile for tile in item.tiles if tile.shown]
    poster = [first[shown.index(tile)] for tile in shown if tile.name in (INPUT, TRUTH)]
    size = write_strip(folder / f"{item.name}.webp", poster)
    return item.as_data() | {
        "video": address(f"clips/{item.name}.mp4"),
        "poster": address(f"clips/{item.name}.webp"),
        "poster_size": [2 * size[1], size[0]],
        "rate": FRAMES_A_SECOND,
        "grid": asdict(grid),
    }


def write_image(item: Item, folder: Path) -> dict:
    """Write a photograph's strip; returns what the page needs to know."""
    height, width = write_strip(folder / f"{item.name}.webp", next(item.moments()))
    return item.as_data() | {"strip": address(f"images/{item.name}.webp"), "height": height, "width": width}


def orders(scores: pd.DataFrame, kind: str) -> list[dict]:
    """By what items of a kind can be ordered: name, title, unit, direction (up or down: better) and the value of each
    row and item. scores has the columns SCORES; the values are means over an item's frames."""
    own = scores[scores["kind"] == kind]
    values = {metric: values_by_row(own, metric) for metric in ORDERS[kind] if metric != FLICKER_RATIO}
    if kind == "clips":
        values[FLICKER_RATIO] = ratios_to_truth(values_by_row(own, FLICKER))
    return [
        {
            "name": metric,
            "title": title,
            "unit": "" if metric == FLICKER_RATIO or module_of(metric).UNIT == "none" else module_of(metric).UNIT,
            "direction": "down" if metric == FLICKER_RATIO else module_of(metric).DIRECTION,
            "values": values[metric],
        }
        for metric, title in ORDERS[kind].items()
        if values[metric]
    ]


def values_by_row(scores: pd.DataFrame, metric: str) -> dict[str, dict[str, float]]:
    """{row: {item: mean over its frames}}; a row without values is not there."""
    by_row = {row: per_item(own, metric) for row, own in scores.groupby("row")}
    return {
        row: {item: float(value) for (_, item), value in table.iloc[:, 0].items()}
        for row, table in by_row.items()
        if len(table)
    }


def ratios_to_truth(flicker: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Flicker of each row and clip over that of the ground truth; clips that do not flicker are left out."""
    truth = flicker.get(TRUTH, {})
    return {
        row: {item: value / truth[item] for item, value in values.items() if truth.get(item)}
        for row, values in flicker.items()
        if truth
    }
