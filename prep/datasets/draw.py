"""Command: write what a dataset's split comes to as a list file, so that a draw can be published and fixed for good."""

from pathlib import Path
from typing import Annotated

import tyro

from media.text import print_any_letter
from prep.datasets.globs import Glob, list_files
from prep.datasets.lists import Member, write_list
from prep.datasets.registry import DRAW, Dataset, find_dataset, read_registry, root_folder
from prep.datasets.selection import Selection, Source, select_sources


def member_of(source: Source) -> Member:
    """The line of a list for a source: the number of frames of a folder, the SHA-256 of a file."""
    if source.kind == "frames":
        return Member(source.file, frames=len(list_files(source.path, Glob("*"))))
    return Member(source.file, sha256=source.sha256)


def origin_of(dataset: Dataset, count: int) -> str:
    """How the members were chosen, for the list's header."""
    drawn = DRAW.fullmatch(dataset.split)
    if drawn is None:
        return f"{dataset.name}: {count}, {'those of ' + dataset.split if dataset.split else 'all there are'}."
    part, number, seed = drawn.groups()
    which = f"the first {number}" if part == "draw" else f"all but the first {number}"
    return (
        f"{dataset.name}: {count}, drawn with the seed {seed}: {which} of all names in the order of the SHA-256 of\n"
        f"'{seed}/<name>' (split {dataset.split})."
    )


def main(
    dataset: Annotated[str, tyro.conf.Positional], *, out: Path, datasets: Path = Path("config/datasets.tsv")
) -> None:
    """Write the members of a dataset as a list file for the column `split`.

    Args:
        dataset: its name in the registry.
        out: the list to write.
        datasets: the registry of datasets.
    """
    registry = read_registry(datasets)
    entry = find_dataset(registry, dataset)
    sources = select_sources(registry, Selection(dataset=dataset, files="**/*"), kinds=(entry.kind,))
    write_list([member_of(source) for source in sources], out, origin_of(entry, len(sources)))
    print(f"{out}: {len(sources)} members of {dataset}, from {root_folder(entry)}")


if __name__ == "__main__":
    print_any_letter()
    tyro.cli(main)
