"""Stage: the tables of scores of a row's shards -> its one table, with the distances of the whole set of its images."""

from itertools import chain
from pathlib import Path

import tyro

from bench.scoring.read_scores import left_out
from bench.scoring.score import distances, features_of_image, in_order
from media.faults import MachineFault
from media.jobs import remove_receipts, task_name
from media.provenance import recorded
from media.receipts import receipt_path
from media.tables import COLORIZED, SCORES, folder_of, merged_rows, read_table, tables_of, write_rows
from media.writer import sole_writer


def main(*, row: str, shards: list[Path], colorized: Path, table: Path, count: int | None = None) -> dict:
    """Gather the scores of one row. Returns for the sidecar what could not be measured, and why.

    Args:
        row: name of the row in `methods:`.
        shards: the tables of its shards, which bench.scoring.score has written.
        colorized: its whole table of results, which gives the order.
        table: the table to write; receipts and features in the folder of its name that no item has are removed.
        count: how many tables lie in the folder of the shards: 0.parquet and on.
    """
    shards = tables_of(shards, count)
    results = in_order(read_table(colorized, COLORIZED))
    order = list(zip(results["kind"], results["item"], strict=True))
    receipts, features = folder_of(table) / "receipts", folder_of(table) / "features"
    images = [item for kind, item in order if kind == "images"]
    check_features(images, features, shards)
    of_sets = distances(images, features)
    lines = chain(merged_rows(shards, SCORES, order), (line | {"row": row} for line in of_sets))
    write_rows(lines, table, SCORES)
    receipts.mkdir(parents=True, exist_ok=True)
    with sole_writer(receipts):
        remove_receipts(receipts, [receipt_path(receipts, task_name(*item)) for item in order])
    return {"left_out": left_out(shards)}


def check_features(images: list[str], features: Path, shards: list[Path]) -> None:
    """Raise MachineFault if the features of some images, which their scoring left, are no longer there, or empty."""
    files = {image: features_of_image(image, features) for image in images}
    if lost := [image for image, file in files.items() if not file.is_file() or not file.stat().st_size]:
        raise MachineFault(
            f"{features}: {len(lost)} images ({', '.join(lost[:3])}) lack features that they were scored with; remove "
            f"the tables {shards[0].parent}/*.parquet and run again: only what is not there is made again"
        )


if __name__ == "__main__":
    tyro.cli(recorded(main, "table"))
