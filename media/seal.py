"""Files that prove themselves: a last line with the SHA-256 of all that stands before it.

Readers of zip archives, such as NumPy's and torch's, pass over the line.
"""

import hashlib
import re
from pathlib import Path

LINE = re.compile(rb"\nsha256 ([0-9a-f]{64})\n")
LENGTH = len("\nsha256 ") + 64 + len("\n")


class Damaged(ValueError):
    """A file that is not as it was written. The message names it."""


def seal(path: Path) -> None:
    """Add the line to a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with path.open("ab") as file:
        file.write(f"\nsha256 {digest}\n".encode())


def unsealed(path: Path) -> bytes:
    """What stands before the line. Raises Damaged, or FileNotFoundError."""
    content = path.read_bytes()
    line = LINE.fullmatch(content[-LENGTH:])
    if not line:
        raise Damaged(f"{path}: is cut off or was not written by this program: its last line is no checksum")
    if hashlib.sha256(content[:-LENGTH]).hexdigest().encode() != line[1]:
        raise Damaged(f"{path}: was changed since it was written: its checksum is another")
    return content[:-LENGTH]
