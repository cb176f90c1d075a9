"""What things may be called: what people name in the configuration, and what is named after others' files; and how
such names are written where they are read.
"""

import hashlib
import os
import re
from urllib.parse import quote

# Rows, trainings, sets and datasets: their names are those of files, and words on command lines.
LONGEST_WORD = 80
NAME = rf"^[A-Za-z0-9_][A-Za-z0-9_.+-]{{0,{LONGEST_WORD - 1}}}$"
EXPECTED_NAME = (
    f"letters from a to z, digits and _ . + -, beginning with a letter, a digit or _, {LONGEST_WORD} characters at most"
)
NO_NAME = f"the name {{name}} cannot be that of a file; expected {EXPECTED_NAME}: call it {{suggested}}"

# Bytes of an item's name. Other names are made of it, such as `.<name>_shot12_stride5.json.part`; a file system takes
# 255.
LONGEST_ITEM = 160
MARK = 12  # digits of the hash that tells shortened names apart


def is_name(word: str) -> bool:
    """Whether something may be called so."""
    return re.fullmatch(NAME, word) is not None


def suggested(word: str) -> str:
    """A name that is allowed, as near as can be to one that is not."""
    near = re.sub(r"[^A-Za-z0-9_.+-]+", "_", word).strip("_").lstrip(".+-")[:LONGEST_WORD]
    return near or "a_name"


def item_name(text: str, identity: str) -> str:
    """What an item is called after a file: the text itself where it is fit for a folder's name.

    What is too long is cut, what cannot be printed (a new line, half a character, a turn of direction) replaced; a hash
    of `identity`, which is the file's alone, then keeps the name unique.
    """
    printable = "".join(letter if letter.isprintable() and letter != "/" else "_" for letter in text)
    if printable == text and len(text.encode()) <= LONGEST_ITEM:
        return text
    return marked(printable, identity)


def marked(text: str, identity: str) -> str:
    """The text, as much of it as there is room for, with a hash of `identity`."""
    mark = hashlib.sha256(os.fsencode(identity)).hexdigest()[:MARK]
    short = text.encode()[: LONGEST_ITEM - MARK - 1].decode(errors="ignore")
    return f"{short}_{mark}"


def in_utf8(name: str) -> str:
    """A file's name as text can hold it: bytes that are no UTF-8 as \\xNN."""
    return os.fsencode(name).decode(errors="backslashreplace")


def address(path: str) -> str:
    """A path with forward slashes, or an anchor, as it stands in a page's links: `#`, `?`, `%` and quotes encoded."""
    return quote(path)


def in_backticks(name: str) -> str:
    """A name in Markdown, where nothing in it is obeyed: between as many backticks as it takes."""
    fence = "`" * (1 + max(map(len, re.findall("`+", name)), default=0))
    return f"{fence} {name} {fence}" if len(fence) > 1 else f"`{name}`"
