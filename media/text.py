"""Text that people write and read, on any system: files in UTF-8, with or without a byte order mark, lines ended either
way; and what is printed, whatever the terminal can show.
"""

import codecs
import json
import sys
from pathlib import Path

# Marks at the beginning of a file, longer ones first, and what Windows' programs call the encoding.
MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16 ('Unicode' in Windows' programs)",
    codecs.BOM_UTF16_BE: "UTF-16 ('Unicode' in Windows' programs)",
}


class WrongEncoding(ValueError):
    """A text file that is not UTF-8. The message names the file, what it seems to be and what to do."""


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file without its byte order mark, lines ended by \\n. Raises WrongEncoding and OSError."""
    path = Path(path)
    content = path.read_bytes()
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            raise _wrong(path, encoding)
    if b"\0" in content:
        raise _wrong(path, "UTF-16 without a mark, or no text: it has zero bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        seen = f"Latin-1 or Windows-1252: the byte 0x{content[error.start]:02x} in line {line} is no UTF-8"
        raise _wrong(path, seen) from None
    text = text.replace("\r\n", "\n")
    return text if "\n" in text else text.replace("\r", "\n")  # as old Macs ended lines


def print_any_letter() -> None:
    """Let what this process prints have letters that its terminal has not: `?` for them. Python does so on stderr."""
    if hasattr(sys.stdout, "reconfigure"):  # what stands in for it need not have that
        sys.stdout.reconfigure(errors="replace")


def read_json(path: str | Path):
    """What a JSON file says. Raises ValueError, naming the file, for one that is not JSON, and as `read_text` does."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON: {error}") from error


def _wrong(path: Path, seen: str) -> WrongEncoding:
    return WrongEncoding(
        f"{path} is not UTF-8; it seems to be {seen}. Save it as UTF-8 (in an editor: Save as, encoding UTF-8; or "
        f"iconv -f <its encoding> -t UTF-8)"
    )
