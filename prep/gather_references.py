"""Stage: the tables of a set's shards of references -> one table, in the order of the set's items.

Here the shards meet, so here is seen whether an item has too few references, and which pictures nobody needs any more.
"""

import warnings
from pathlib import Path

import pandas as pd
import tyro

from media.faults import MachineFault, ending_plainly
from media.image import frame_path
from media.tables import CLIPS, REFERENCES, folder_of, kept, read_table, tables_of, write_table
from media.whole import remove
from media.writer import alone


def settle(
    references: pd.DataFrame,
    items: pd.DataFrame,
    folder: Path,
    count: int,
    within: str,
    pictures: int,
    sheets: bool,
) -> None:
    """Check the references of all items of a set and keep the pictures that they need: see `main`."""
    if len(items):
        check_counts(references, items, count, within)
    keep_only(references, folder, pictures, sheets)


def check_counts(references: pd.DataFrame, items: pd.DataFrame, count: int, within: str) -> None:
    """Warn if some items have fewer than `count` references, or none; raise ValueError if no item has any."""
    counts = items["clip"].map(references["item"].value_counts()).fillna(0)
    few = items["clip"][counts < count]
    if not len(references):
        raise ValueError(
            f"none of {len(items)} items ({', '.join(few[:3])}) has a reference: searched within {within!r}, the "
            "gallery has none but their own pictures; add images of other sources, or search more classes or "
            "`everywhere` (references.within)"
        )
    if len(few):
        warnings.warn(
            f"{len(few)} of {len(items)} items ({', '.join(few[:3])}) have fewer than {count} references, "
            f"{(counts == 0).sum()} of them none: searched within {within!r}, the gallery has no more",
            stacklevel=2,
        )


def keep_only(references: pd.DataFrame, folder: Path, pictures: int, sheets: bool) -> None:
    """Remove what the references of a set do not need from the folder of their pictures.

    Raises MachineFault where a picture is lacking: of the first `pictures` of each item, and its contact sheet.
    """
    wanted = dict.fromkeys(references.loc[references["rank"] <= pictures, "reference"])
    files = {name: frame_path(folder / name, 0) for name in wanted}
    if sheets:
        files |= {f"{item}.jpg": folder / f"{item}.jpg" for item in references["item"].unique()}
    lost = [name for name, path in files.items() if not path.is_file() or not path.stat().st_size]
    if lost:
        raise MachineFault(
            f"{folder}: {len(lost)} pictures of references ({', '.join(lost[:3])}) are not there any more; remove the "
            "tables of the shards and run again: what is there is not made again"
        )
    for path in folder.iterdir() if folder.exists() else ():
        if path.name not in files:
            remove(path)
    if not files and folder.exists():
        folder.rmdir()


def main(
    *,
    queries: Path,
    shards: list[Path],
    table: Path,
    within: str = "everywhere",
    count: int = 5,
    pictures: int = 0,
    sheets: bool = False,
    shards_count: int | None = None,
) -> None:
    """Gather the references of one set.

    Args:
        queries: the table of its items, which gives the order.
        shards: the tables of its shards, or the folder that they lie in.
        table: the table to write; pictures in the folder of its name that no row needs are removed.
        within: where the references were sought (prep.references).
        count: references an item.
        pictures: of how many references an item there is a picture.
        sheets: whether there is a contact sheet of every item.
        shards_count: how many tables lie in the folder of the shards: 0.parquet and on.
    """
    items = kept(read_table(queries, CLIPS))
    rows = pd.concat([read_table(path, REFERENCES) for path in tables_of(shards, shards_count)])
    place = pd.Series(range(len(items)), index=items["clip"])
    rows = rows.assign(place=rows["item"].map(place)).sort_values(["place", "rank"]).drop(columns="place")
    settle(rows, items, folder_of(table), count, within, pictures, sheets)
    write_table(rows, table, REFERENCES)
    print(f"references {table.parent.name} {table.stem}: {len(rows)} of {rows['item'].nunique()} items")


if __name__ == "__main__":
    with ending_plainly():
        tyro.cli(alone(main))
