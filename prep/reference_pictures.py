"""The pictures that a search leaves beside its table: references cropped as rows are given them, and contact sheets.

Several shards of a set may find the same reference. Each writes its picture whole and moves it into the one folder of
the set, so it does not matter which comes last.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from media.faults import listed
from media.image import cover_crop, frame_path, read_rgb, write_jpeg, write_png
from media.jobs import Task, key_of, stamp
from media.sheet import Panel, contact_sheet
from media.tables import records
from media.whole import named_after, remove
from prep.datasets.imagenet import class_name
from prep.queries import ShardWork, grey_picture, prepared_frame


def write_pictures(references: pd.DataFrame, size: tuple[int, int], work: ShardWork) -> None:
    """Write each reference once, cropped to `size` (height, width), as `<pictures>/<reference>/00000.png`."""
    once, unfinished = references.drop_duplicates("reference"), work.receipts / "unfinished"
    tasks = [
        Task(name, key_of(work.version, path, stamp(Path(path)), size), (name, path, size, unfinished, work.pictures))
        for name, path in zip(once["reference"], once["path"], strict=True)
    ]
    work.rows(write_picture, tasks, partial(picture_of, folder=work.pictures), "pictures")
    remove(unfinished)


def write_picture(reference: str, path: str, size: tuple[int, int], unfinished: Path, folder: Path) -> list[dict]:
    """Write the picture of one reference; returns its name."""
    whole, picture = named_after(unfinished / reference, "{}.png"), frame_path(folder / reference, 0)
    write_png(whole, cover_crop(gallery_image(path), size))
    picture.parent.mkdir(parents=True, exist_ok=True)
    os.replace(whole, picture)
    return [{"reference": reference}]


def picture_of(row: dict, folder: Path) -> list[Path]:
    """The picture of a reference."""
    return [frame_path(folder / row["reference"], 0)]


def draw_sheets(references: pd.DataFrame, items: pd.DataFrame, frames_dir: Path, work: ShardWork) -> None:
    """Draw a contact sheet of every item that has references, `<pictures>/<item>.jpg`."""
    pixels, tasks = items.set_index("clip")["sha256"], []
    for item, group in references.groupby("item"):
        rows = records(group.sort_values("rank"))
        key = key_of(work.version, pixels[item], rows, [stamp(Path(row["path"])) for row in rows])
        tasks.append(Task(item, key, (item, rows, frames_dir, work.pictures)))
    work.rows(draw_sheet, tasks, partial(sheet_of, folder=work.pictures), "sheets")


def draw_sheet(item: str, rows: list[dict], frames_dir: Path, folder: Path) -> list[dict]:
    """Draw the contact sheet of one item; returns its name. rows: those of REFERENCES."""
    write_jpeg(folder / f"{item}.jpg", contact_sheet(list(panels_of(item, rows, frames_dir))))
    return [{"item": item}]


def sheet_of(row: dict, folder: Path) -> list[Path]:
    """The contact sheet of an item."""
    return [folder / f"{row['item']}.jpg"]


def panels_of(item: str, rows: list[dict], frames_dir: Path) -> Iterator[Panel]:
    """The pictures of an item's contact sheet: its first frame, that frame in grey, and its references."""
    rgb = prepared_frame(frames_dir / item, 0)
    predicted = rows[0]["item_class"]
    yield Panel(rgb, ("item, first frame", item))
    yield Panel(
        grey_picture(rgb), ("as it is searched", "" if predicted is None else f"predicted: {class_name(predicted)}")
    )
    for row in rows:
        named = "" if row["label"] is None else class_name(row["label"])
        said = (f"{row['rank']}.  similarity {row['similarity']:.3f}", row["reference"], named)
        yield Panel(gallery_image(row["path"]), said)


def gallery_image(path: str) -> np.ndarray:
    """An image of the gallery, uint8 RGB. Raises MachineFault if it is not there any more."""
    with listed(path, "the table of the gallery"):
        return read_rgb(path)
