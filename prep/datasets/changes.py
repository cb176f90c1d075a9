"""What a selection of files comes to, as one hash that changes when a file is added, replaced or removed."""

import hashlib
import json

from prep.datasets.registry import Dataset, media_folder
from prep.datasets.selection import select_all
from prep.datasets.usable import look_at


def state_of(dataset: Dataset, files: str, select_all=select_all) -> str:
    """SHA-256 over names, sizes and times of the files that a glob selects, wherever the dataset lies.

    Nothing is opened: 300,000 files take seconds. The files of an installed package count without their times, which
    are those of its installation. select_all: that of prep.datasets.selection, or one that remembers what it gave.
    Raises DatasetError as that does.
    """
    folder, kind = str(media_folder(dataset)), dataset.layout.sources
    members, lost = select_all(dataset, files)
    timed = not dataset.root.startswith("package:")
    digest = hashlib.sha256(json.dumps(sorted(lost.items())).encode())
    for member, path in members:
        why, seen = look_at(f"{folder}/{path}", kind)
        digest.update(repr((member.name, why, seen if timed else [file[:2] for file in seen])).encode())
    return digest.hexdigest()
