"""Stage: the tables of a row's shards -> the one table of what it has coloured, in the order of its items."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import tyro

from bench.methods.contract.method import KINDS
from bench.run.colorize import results_of
from media.faults import MachineFault
from media.jobs import remove_receipts, task_name
from media.provenance import recorded, sidecar_of
from media.receipts import receipt_path
from media.tables import CLIPS, COLORIZED, folder_of, kept, merged_rows, read_table, tables_of, write_rows
from media.whole import remove_all_but
from media.writer import sole_writer


def main(
    *,
    shards: list[Path],
    table: Path,
    clips: Path | None = None,
    images: Path | None = None,
    count: int | None = None,
) -> dict:
    """Gather what a row has coloured. Returns for the sidecar what the shards' have about the method.

    Args:
        shards: the tables of its shards, which bench.run.colorize has written.
        table: the table to write; frames and receipts in the folder of its name that no row has are removed.
        clips: table of the clips, which gives the order; none: none were coloured.
        images: table of the images; likewise.
        count: how many tables lie in the folder of the shards: 0.parquet and on.
    """
    shards = tables_of(shards, count)
    given = [(kind, items) for kind, items in (("clips", clips), ("images", images)) if items]
    order = [(kind, item) for kind, items in given for item in kept(read_table(items, CLIPS))["clip"]]
    made: list[tuple[str, str]] = []
    rows = merged_rows(shards, COLORIZED, order)
    written = write_rows(those_there(rows, folder_of(table), shards, made), table, COLORIZED)
    remove_others(made, folder_of(table))
    print(f"{table.parent.name} {table.stem}: {written} items of {len(shards)} shards")
    return said_by(shards)


def those_there(rows: Iterable[dict], folder: Path, shards: list[Path], made: list[tuple[str, str]]) -> Iterator[dict]:
    """The rows; `made` gets the items that have frames. Raises MachineFault if some are no longer there."""
    lost = []
    for row in rows:
        if row["n_frames"]:
            made.append((row["kind"], row["item"]))
            lost += [] if are_there(row, folder) else [row["item"]]
        yield row
    if lost:
        raise MachineFault(
            f"{folder}: {len(lost)} items ({', '.join(lost[:3])}) lack frames that they were coloured with; remove the "
            f"tables {shards[0].parent}/*.parquet and run again: only what is not there is made again"
        )


def are_there(row: dict, folder: Path) -> bool:
    """Whether the frames of a row of COLORIZED are there, and none of them empty."""
    sizes = [path.stat().st_size for of_item in results_of(row, folder) for path in of_item.glob("*.png")]
    return len(sizes) == row["n_frames"] and all(sizes)


def remove_others(made: list[tuple[str, str]], folder: Path) -> None:
    """Remove from the folder of a row what is of no item that was coloured."""
    receipts = folder / "receipts"
    receipts.mkdir(parents=True, exist_ok=True)
    with sole_writer(receipts):
        remove_receipts(receipts, [receipt_path(receipts, task_name(kind, item)) for kind, item in made])
        for kind in KINDS:
            if (folder / kind).is_dir():
                remove_all_but({item for of_kind, item in made if of_kind == kind}, folder / kind)


def said_by(shards: list[Path]) -> dict:
    """What the sidecars of the shards say of the method, which is the same for all."""
    sidecars = [sidecar_of(path) for path in shards]
    records = [json.loads(sidecar.read_text()) for sidecar in sidecars if sidecar.exists()]
    return {name: records[0][name] for name in ("method", "record", "networks") if records and name in records[0]}


if __name__ == "__main__":
    tyro.cli(recorded(main, "table"))
