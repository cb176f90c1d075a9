"""Receipts: what says that a task is done, and proves that its files are still as the task left them.

A receipt, `<receipts>/<task>.json`, holds a key over all that the task follows from, its rows, and the size and SHA-256
of each of its files. A receipt that is damaged, of another key, or whose files are not those any more counts for
nothing: the task is done again.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from media.faults import of_the_machine, prepared
from media.regular import check_regular
from media.whole import LONGEST_NAME, remove, write_whole

# The files, or folders of files, that a row stands for; None for a failure, which is tried again.
Outputs = Callable[[dict], Iterable[Path] | None]


def receipt_path(receipts: Path, name: str) -> Path:
    """Where the receipt of a task lies, whatever the length of its name."""
    file = f"{name}.json"
    if len(os.fsencode(file)) > LONGEST_NAME - len("..part"):
        file = f"{hashlib.sha256(os.fsencode(name)).hexdigest()}.json"
    return receipts / file


def write_receipt(path: Path, key: str, rows: list[dict], outputs: Outputs) -> bool:
    """Say that a task is done, if it is; its files are there, whole. Returns whether it is. Raises OSError."""
    if any(outputs(row) is None for row in rows):
        return False
    said = {"key": key, "rows": rows, "files": {}}
    for file in files_of_rows(rows, outputs):
        said["files"][_named(file, path)] = [file.stat().st_size, sha256_of(file)]
    write_whole(path, _coded(said | {"sha256": _digest(said)}))
    return True


def read_receipt(path: Path, key: str, outputs: Outputs) -> list[dict] | None:
    """The rows of a finished task; None if it has to be done, with a line on stderr if that is not to be expected."""
    try:
        check_regular(path)
        said = json.loads(path.read_bytes())
        whole = said.pop("sha256") == _digest(said)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError, OSError) as error:
        if of_the_machine(error):
            raise
        whole = False
    if not whole:
        _tell(f"warning: {path}: this receipt is damaged")
        remove(path)
        return None
    if said["key"] != key:
        return None
    if wrong := _first_wrong(path, said, outputs):
        _tell(wrong)
        return None
    return said["rows"]


def rows_of_receipt(path: Path) -> list[dict]:
    """The rows of a receipt that was written, or found good, just now. Raises MachineFault if it is gone."""
    with prepared(path):
        return json.loads(path.read_bytes())["rows"]


def made_folder(receipts: Path) -> None:
    """Make the folder of receipts; what else lies under its name is none of ours and is removed."""
    if os.path.lexists(receipts) and not receipts.is_dir():
        print(f"warning: {receipts} is no folder of receipts; its pieces are made again", file=sys.stderr)
        receipts.unlink()
    receipts.mkdir(parents=True, exist_ok=True)


def files_of_rows(rows: list[dict], outputs: Outputs) -> list[Path]:
    """Every file that some rows stand for, once; hidden ones are not ours."""
    paths = dict.fromkeys(path for row in rows for path in outputs(row))
    files = {file: None for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])}
    return [file for file in files if file.name[0] != "." and file.is_file()]


def sha256_of(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_wrong(path: Path, said: dict, outputs: Outputs) -> str:
    """What is wrong with the first file that is not as the receipt says; empty if all are.

    A file of the right size that was last touched before the receipt was written is not read: that would cost as much
    as half the tasks themselves.
    """
    there = {_named(file, path): file for file in files_of_rows(said["rows"], outputs)}
    if others := said["files"].keys() ^ there.keys():
        first = min(others)
        return f"{os.path.normpath(path.parent / first)} is {'not there' if first in said['files'] else 'of no task'}"
    written = path.stat().st_ctime_ns
    for name, (size, sha256) in said["files"].items():
        info = there[name].stat()
        if info.st_size != size:
            return f"warning: {there[name]} has {info.st_size} bytes, there were {size}"
        if info.st_ctime_ns >= written and sha256_of(there[name]) != sha256:
            return f"warning: {there[name]} has other bytes than were written"
    return ""


def _named(file: Path, receipt: Path) -> str:
    return os.path.relpath(file, receipt.parent)  # so that all may be moved


def _coded(said) -> bytes:
    return json.dumps(said, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")


def _digest(said) -> str:
    return hashlib.sha256(_coded(said)).hexdigest()


def _tell(what: str) -> None:
    print(f"{what}; this piece is made again", file=sys.stderr)
