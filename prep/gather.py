"""Stage: the tables of a set's shards -> one table of its clips, its images or their flow, in the order of the sources.

Here the shards meet, so here duplicates are found: an item that repeats one before it in its set, or one of a set that
has the first claim (what is scored must not be learned from), is rejected and its frames are removed. Of a dataset that
is counted so many items are kept, the first of its draw; the rest of the fit ones are surplus.
"""

from collections import Counter
from pathlib import Path
from typing import Literal

import pandas as pd
import tyro
from pydantic import PositiveInt, TypeAdapter

from media.faults import ending_plainly
from media.tables import CLIPS, FLOW, SOURCES, folder_of, kept, read_table, records, shortfalls, write_table
from media.whole import remove_all_but
from media.writer import alone
from prep.flow import flow_intact
from prep.judging.fingerprint import near_pairs
from prep.judging.quality import Verdict
from prep.judging.verdicts import intact, rejected, summary
from prep.sources import WholeSource, takes_of

Duplicates = Literal["off", "exact", "near"]


def without_duplicates(rows: list[dict], claimed: list[dict], duplicates: Duplicates) -> list[dict]:
    """The rows, each that repeats an earlier kept one or a claimed one rejected as `duplicate`, which it names.

    rows and claimed: rows of CLIPS; `claimed` are the kept items of other sets. Exact: equal pixels, or, of a claimed
    one, the same source file, whatever was taken from it. Near: as well nearly equal fingerprints of two sources.
    """
    return chosen(rows, claimed, duplicates, {}, set())


def chosen(
    rows: list[dict], claimed: list[dict], duplicates: Duplicates, counts: dict[str, int], whole: set[tuple]
) -> list[dict]:
    """The same, and rejected as `surplus` what is fit when its dataset has given as many items as it is to give.

    A surplus item makes no other one a duplicate. counts: of each counted dataset. whole: (dataset, source, stride) of
    what is taken as it is, which is kept though it repeats another.
    """
    everything = claimed + rows
    repeated = _Repeated(everything, len(claimed), duplicates)
    given: Counter[str] = Counter()
    for index, row in enumerate(rows, start=len(claimed)):
        if not row["n_frames"]:
            continue
        if given[row["dataset"]] == counts.get(row["dataset"]):
            detail = f"{row['dataset']} has given the {given[row['dataset']]} items that are wanted of it"
            everything[index] = rejected(row, Verdict("surplus", detail))
            continue
        as_it_is = (row["dataset"], row["source"], row.get("stride")) in whole
        if detail := "" if as_it_is else repeated.detail(index):
            everything[index] = rejected(row, Verdict("duplicate", detail))
        else:
            repeated.keep(row)
            given[row["dataset"]] += 1
    return everything[len(claimed) :]


class _Repeated:
    """What repeats something before it, as the rows are gone through in their order."""

    def __init__(self, everything: list[dict], claims: int, duplicates: Duplicates):
        """everything: `claims` claimed items, then those of the set, where a row that is rejected is replaced."""
        self.everything, self.off = everything, duplicates == "off"
        self.near = _near(everything) if duplicates == "near" else {}
        claimed = everything[:claims]
        self.claimed_files, self.pixels = _first_of(claimed, "source_sha256"), _first_of(claimed, "sha256")

    def detail(self, index: int) -> str:
        """What a row repeats, in words; empty where it does not."""
        row = self.everything[index]
        if self.off:
            return ""
        if original := self.claimed_files.get(row["source_sha256"]):
            return f"it is made of the same file as {original} of another set"
        if original := self.pixels.get(row["sha256"]):
            return f"its {row['n_frames']} frames are those of {original}"
        original = _nearest(row, self.near.get(index, []), self.everything)
        return f"it shows nearly the same as {original}" if original else ""

    def keep(self, row: dict) -> None:
        """A row that is kept, which others may repeat."""
        self.pixels.setdefault(row["sha256"], row["clip"])


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
    counts: str = "{}",
) -> None:
    """Gather the clips or images of one set.

    Args:
        sources: the table of its sources, which gives the order.
        shards: the tables of its shards.
        claimed: tables of the sets whose items must not be repeated here.
        duplicates: off, exact or near.
        table: the table to write; frames in the folder of its name that no row keeps are removed.
        counts: JSON, so many items are kept of each of these datasets, the first in the order of the sources.
    """
    order = read_table(sources, SOURCES)
    position = {(row.dataset, row.file): row.position for row in order.itertuples(index=False)}
    rows = sorted(read_rows(shards, CLIPS), key=lambda row: position[row["dataset"], row["source"]])
    names = Counter(row["clip"] for row in rows)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ValueError(f"{table}: two sources make an item called {', '.join(twice)}; rename one of the files")
    others = [row for row in read_rows(claimed, CLIPS) if row["n_frames"]]
    wanted = TypeAdapter(dict[str, PositiveInt]).validate_json(counts)
    rows = chosen(rows, others, duplicates, wanted, taken_whole(order))
    check_there([row["clip"] for row in rows if not intact(row, folder_of(table))], table, shards)
    remove_all_but({row["clip"] for row in rows if row["n_frames"]}, folder_of(table))
    written = write_table(rows, table, CLIPS)
    print(f"{table.parent.name} {table.stem}: {summary(rows)}")
    for said in shortfalls(written, wanted):
        print(f"warning: {said}")


def taken_whole(sources: pd.DataFrame) -> set[tuple[str, str, int]]:
    """Dataset, file and stride of what is taken as it is. sources: columns SOURCES."""
    return {
        (row.dataset, row.file, stride)
        for row in sources.dropna(subset="takes").itertuples(index=False)
        for stride, own in takes_of(row.takes).items()
        if isinstance(own, WholeSource)
    }


def flow(*, clips: Path, shards: list[Path], table: Path) -> None:
    """Gather the flow of the clips of one set.

    Args:
        clips: the table of its clips, which gives the order.
        shards: the tables of its shards.
        table: the table to write; flows in the folder of its name that no row has are removed.
    """
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
