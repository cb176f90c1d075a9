"""Files and folders that appear whole or not at all: what a killed or failing job was writing never looks finished."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it into place only if the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    yield temporary
    os.replace(temporary, path)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give an empty temporary folder beside `folder`; it takes its place only if the block ends without an error."""
    temporary = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    yield temporary
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(temporary, folder)
