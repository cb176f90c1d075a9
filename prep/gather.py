"""Stage: the tables of a set's shards -> one table of its clips, its images or their flow, in the order of the sources.

Here the shards meet, so here duplicates are found: an item that repeats one before it in its set, or one of a set that
has the first claim (what is scored must not be learned from), is rejected and its frames are removed.
"""

from collections import Counter
from pathlib import Path
from typing import Literal

import pandas as pd
import tyro

from media.faults import ending_plainly
from media.tables import CLIPS, FLOW, SOURCES, folder_of, kept, read_table, records, tables_of, write_table
from media.whole import remove_all_but
from media.writer import alone
from prep.flow import flow_intact
from prep.judging.fingerprint import near_pairs
from prep.judging.quality import Verdict
from prep.judging.verdicts import intact, rejected, summary

Duplicates = Literal["off", "exact", "near"]


def without_duplicates(rows: list[dict], claimed: list[dict], duplicates: Duplicates) -> list[dict]:
    """The rows, each that repeats an earlier kept one or a claimed one rejected as `duplicate`, which it names.

    rows and claimed: rows of CLIPS; `claimed` are the kept items of other sets. Exact: equal pixels, or, of a claimed
    one, the same source file, whatever was taken from it. Near: as well nearly equal fingerprints of two sources.
    """
    if duplicates == "off":
        return rows
    everything = claimed + rows
    near = _near(everything) if duplicates == "near" else {}
    claimed_files, claimed_pixels = _first_of(claimed, "source_sha256"), _first_of(claimed, "sha256")
    own_pixels: dict[str, str] = {}
    for index, row in enumerate(rows, start=len(claimed)):
        if not row["n_frames"]:
            continue
        if original := claimed_files.get(row["source_sha256"]):
            detail = f"it is made of the same file as {original} of another set"
        elif original := claimed_pixels.get(row["sha256"]) or own_pixels.get(row["sha256"]):
            detail = f"its {row['n_frames']} frames are those of {original}"
        elif original := _nearest(row, near.get(index, []), everything):
            detail = f"it shows nearly the same as {original}"
        else:
            own_pixels[row["sha256"]] = row["clip"]
            continue
        everything[index] = rejected(row, Verdict("duplicate", detail))
    return everything[len(claimed) :]


def _near(rows: list[dict]) -> dict[int, list[int]]:
    """For the index of a kept row, those of the kept rows before it whose fingerprints are nearly equal."""
    usable = [index for index, row in enumerate(rows) if row["n_frames"]]
    near: dict[int, list[int]] = {}
    for first, second in near_pairs([rows[index]["fingerprint"] for index in usable]):
        near.setdefault(usable[second], []).append(usable[first])
    return near


def _first_of(rows: list[dict], column: str) -> dict[str, str]:
    """Value of the column -> name of the first item that has it."""
    return {row[column]: row["clip"] for row in reversed(rows) if row[column]}


def _nearest(row: dict, candidates: list[int], everything: list[dict]) -> str | None:
    """The first of the candidates that is kept and of another source: shots of one film may look alike."""
    source = (row["dataset"], row["source"])
    for other in (everything[index] for index in candidates):
        if other["n_frames"] and (other["dataset"], other["source"]) != source:
            return other["clip"]
    return None


def read_rows(paths: list[Path], columns: dict[str, str]) -> list[dict]:
    """The rows of several tables, nulls as None."""
    tables = [read_table(path, columns) for path in paths]
    if not tables:
        return []
    return records(pd.concat(tables))


def items(
    *,
    sources: Path,
    shards: list[Path],
    claimed: list[Path],
    duplicates: Duplicates,
    table: Path,
    count: int | None = None,
) -> None:
    """Gather the clips or images of one set.

    Args:
        sources: the table of its sources, which gives the order.
        shards: the tables of its shards, or the folder that they lie in.
        claimed: tables of the sets whose items must not be repeated here.
        duplicates: off, exact or near.
        table: the table to write; frames in the folder of its name that no row keeps are removed.
        count: how many tables lie in the folder of the shards: 0.parquet and on.
    """
    shards = tables_of(shards, count)
    order = read_table(sources, SOURCES)
    position = {(row.dataset, row.file): row.position for row in order.itertuples(index=False)}
    rows = sorted(read_rows(shards, CLIPS), key=lambda row: position[row["dataset"], row["source"]])
    names = Counter(row["clip"] for row in rows)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ValueError(f"{table}: two sources make an item called {', '.join(twice)}; rename one of the files")
    others = [row for row in read_rows(claimed, CLIPS) if row["n_frames"]]
    rows = without_duplicates(rows, others, duplicates)
    check_there([row["clip"] for row in rows if not intact(row, folder_of(table))], table, shards)
    remove_all_but({row["clip"] for row in rows if row["n_frames"]}, folder_of(table))
    write_table(rows, table, CLIPS)
    print(f"{table.parent.name} {table.stem}: {summary(rows)}")


def flow(*, clips: Path, shards: list[Path], table: Path, count: int | None = None) -> None:
    """Gather the flow of the clips of one set.

    Args:
        clips: the table of its clips, which gives the order.
        shards: the tables of its shards, or the folder that they lie in.
        table: the table to write; flows in the folder of its name that no row has are removed.
        count: how many tables lie in the folder of the shards: 0.parquet and on.
    """
    shards = tables_of(shards, count)
    order = kept(read_table(clips, CLIPS))["clip"].tolist()
    rows = {row["clip"]: row for row in read_rows(shards, FLOW)}
    check_there([clip for clip in order if not flow_intact(rows[clip], folder_of(table))], table, shards)
    remove_all_but(set(order), folder_of(table))
    write_table([rows[clip] for clip in order], table, FLOW)
    print(f"flow {table.parent.name} {table.stem}: {len(order)} clips")


def check_there(lost: list[str], table: Path, shards: list[Path]) -> None:
    """Raises FileNotFoundError if what the shards have made is no longer there."""
    if lost:
        raise FileNotFoundError(
            f"{folder_of(table)}: {len(lost)} items ({', '.join(lost[:3])}) lack files that they were prepared with; "
            f"remove the tables {shards[0].parent}/*.parquet and run again: what is there is not made again"
        )


if __name__ == "__main__":
    with ending_plainly():
        tyro.extras.subcommand_cli_from_dict({"items": alone(items), "flow": alone(flow)})
