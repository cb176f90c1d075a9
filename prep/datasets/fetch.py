"""Command: put a dataset into its place, or say what a person has to do for it."""

import os
from pathlib import Path
from typing import Annotated

import tyro

from media.faults import machine_fault
from media.fetching import CannotFetch, Download, fetch, turn
from media.unpacking import BadArchive, Limits, unpack
from media.whole import whole_folder
from prep.datasets.downloads import Offer, offer_of
from prep.datasets.lists import DatasetError
from prep.datasets.registry import Dataset, find_dataset, read_registry, root_folder
from prep.datasets.selection import Selection, select_sources


def main(dataset: Annotated[str, tyro.conf.Positional], *, datasets: Path = Path("config/datasets.tsv")) -> None:
    """Fetch a dataset into the folder that the registry names, or say what a person has to do for it.

    Its licence stands before its download. A download that broke off goes on when the command is run again.

    Args:
        dataset: its name in the registry.
        datasets: the registry of datasets; downloads.tsv beside it says where they can be had.
    """
    registry = read_registry(datasets)
    entry = find_dataset(registry, dataset)
    print(f"{entry.name}: licence: {entry.licence or 'none is stated in the registry'}", flush=True)
    if not entry.root.startswith("package:"):
        obtain(entry, offer_of(entry))
    folder = root_folder(entry)
    sources = select_sources(registry, Selection(dataset=dataset, files="**/*"), kinds=(entry.kind,))
    print(f"{entry.name}: {len(sources)} sources in {folder}")


def obtain(dataset: Dataset, offer: Offer | None) -> None:
    """Have the dataset in its folder. What is there stays as it is. Raises DatasetError where a person is needed."""
    root = Path(dataset.root).expanduser()
    if is_there(root):
        print(f"{root} is there already; nothing is fetched (move it away to fetch it anew)")
    elif offer is None:
        raise DatasetError(
            f"nothing is known of where {dataset.name} can be had; put its files into {root}, or add a line to "
            f"{dataset.registry.with_name('downloads.tsv')} (docs/datasets.md)"
        )
    elif offer.by_hand:
        print("\n".join(f"  {number}. {step}" for number, step in enumerate(offer.steps(root), 1)))
        raise DatasetError(f"{dataset.name} ({offer.size}) has to be fetched by a person, as said above")
    else:
        print(f"{offer.address}: {offer.size}", flush=True)
        with turn(root):
            take(offer, root)


def take(offer: Offer, root: Path) -> None:
    """Fetch an archive and make a folder of it, whole; the archive does not stay.

    Raises DatasetError, or MachineFault where the disk does not take it.
    """
    root = root.resolve()  # a link to a roomy disk stays a link
    if is_there(root):
        return  # another process has made it in the meantime
    archive = root.with_name(offer.address.rpartition("/")[2])
    try:
        fetch(Download(offer.address, offer.sha256, offer.md5, offer.most_bytes), archive)
        print(f"unpacking {archive}", flush=True)
        with whole_folder(root) as folder:
            count = unpack(archive, folder, Limits(offer.most_bytes, offer.most_files), offer.inside)
    except (CannotFetch, BadArchive) as error:
        raise DatasetError(f"{error} (known from: {offer.source})") from error
    except OSError as error:
        raise machine_fault(error, f"{archive} cannot be unpacked into {root}") from error
    archive.unlink()
    print(f"{root}: {count} files")


def is_there(root: Path) -> bool:
    """Whether anything lies in a folder."""
    return root.is_dir() and bool(next(os.scandir(root), None))


if __name__ == "__main__":
    tyro.cli(main)
