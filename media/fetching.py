"""Others' files fetched over HTTP: gone on with where they broke off, held to their hash, there whole or not at all.

Pooch tries again; the downloader it is given here asks for the missing rest. What has come so far, and where it came
from, lies beside the file in the folder `.<name>.fetch`, which goes when the file is whole.
"""

import errno
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pooch

from media.bar import Bar
from media.faults import machine_fault
from media.whole import named_after, sync, write_whole
from media.writer import StillWriting, sole_writer

if TYPE_CHECKING:
    import requests

RETRIES = 4
TIMEOUT = (10, 60)  # seconds to connect, and without a byte
CHUNK = 1 << 18  # bytes
TURN = 0.1  # seconds between two looks whether another process has finished
MOST = 64 * 10**9  # bytes of a file, where nothing else is known of it
PAGE = (b"<!doctype html", b"<html")
# Of the answers 4xx these are worth another try: a time-out, too early, too many requests.
PASSING = {408, 425, 429}


class CannotFetch(RuntimeError):
    """A file cannot be fetched. The message says which, why, and what to do instead."""


@dataclass(frozen=True)
class Download:
    """A file at an address. `sha256` may be its first digits only; a file of more bytes than `most` is another one."""

    address: str
    sha256: str = ""
    md5: str = ""
    most: int = MOST


def fetch(download: Download, path: str | Path) -> None:
    """Have the file of a download at `path`; one that is there already is only held to the hash.

    Another process that fetches the same is waited for. Raises CannotFetch, or MachineFault where the disk does not
    take the file; what has come so far stays then, and the next call goes on with it.
    """
    path = Path(path)
    with turn(path):
        if path.exists():
            if wrong := misfit(download, path):
                raise CannotFetch(f"{path} is there already, but {wrong}; move it away and run again")
            return
        try:
            _fetch(download, path)
        except OSError as error:
            raise machine_fault(error, f"{download.address} cannot be written to {path.parent}") from error


def _fetch(download: Download, path: Path) -> None:
    import requests

    if not download.address.startswith(("http://", "https://")):
        raise CannotFetch(f"{download.address or 'no address'}: expected one that begins with http:// or https://")
    beside = named_after(path, ".{}.fetch")
    beside.mkdir(parents=True, exist_ok=True)
    resuming = Resuming(download, beside, path.name)
    named = {"registry": {path.name: None}, "urls": {path.name: download.address}}
    try:
        whole = pooch.create(beside, "", **named, retry_if_failed=RETRIES).fetch(path.name, downloader=resuming)
        os.replace(whole, path)
    except requests.RequestException as error:
        kept = f" {size:,} bytes have come and are gone on with." if (size := resuming.begun()) else ""
        raise CannotFetch(
            f"{download.address} cannot be fetched: {_reason(error)}.{kept} Is this machine online? Run the same "
            f"command again, or fetch the address elsewhere and put the file at {path}"
        ) from error
    finally:
        if not resuming.begun():
            shutil.rmtree(beside)


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Hold the right to write a path; wait, with a word, while another process holds it."""
    said = False
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(sole_writer(path))
                break
            except StillWriting:
                if not said:
                    print(f"{path}: another process fetches it; waiting for it", flush=True)
                said = True
                time.sleep(TURN)
        yield


def misfit(download: Download, path: Path) -> str:
    """What is wrong with the hash of a file, in words; empty if it fits or none is published."""
    for algorithm, published in (("sha256", download.sha256), ("md5", download.md5)):
        if published and not (digest := pooch.file_hash(str(path), alg=algorithm)).startswith(published.lower()):
            return f"its {algorithm} is {digest}, published is {published}"
    return ""


class Resuming:
    """A downloader for pooch that asks for the rest of what is there in part."""

    def __init__(self, download: Download, folder: Path, name: str):
        self.download = download
        self.name = name  # to be called by
        self.part = folder / "part"
        self.note = folder / "note.json"

    def __call__(self, url: str, output_file: str, _: object) -> None:
        """Write the whole file to `output_file`. Raises requests' errors for what may pass, else CannotFetch."""
        import requests
        import urllib3

        begun = self.begun()
        try:
            with requests.get(url, headers=self._headers(begun), stream=True, timeout=TIMEOUT) as answer:
                begun = self._take(answer, begun)
        except urllib3.exceptions.HTTPError as error:  # while the body is read
            raise requests.ConnectionError(error) from error
        if wrong := misfit(self.download, self.part):
            self._forget()
            if begun:  # the rest was of another file, or the part was damaged
                raise requests.ConnectionError(f"{wrong}; it is fetched from its start")
            raise CannotFetch(
                f"{url}: {wrong}, so it is not the published file and was not kept. Look at its page, or at what "
                "stands between here and there (a proxy), and run again"
            )
        sync(self.part)
        os.replace(self.part, output_file)
        self._forget()

    def begun(self) -> int:
        """Bytes that are there of this very address; what is of another one is removed."""
        if self._noted().get("address") != self.download.address:
            self._forget()
        return self.part.stat().st_size if self.part.exists() else 0

    def _noted(self) -> dict:
        """What is known of the part; nothing where there is no note, or a damaged one."""
        try:
            noted = json.loads(self.note.read_bytes())
        except (OSError, ValueError):
            return {}
        return noted if isinstance(noted, dict) and set(noted) == {"address", "state", "length"} else {}

    def _forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _headers(self, begun: int) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity", "User-Agent": "huebench"}
        if begun:
            headers["Range"] = f"bytes={begun}-"
            if state := self._noted()["state"]:
                headers["If-Range"] = state  # the server sends all of it if it is not this state any more
        return headers

    def _take(self, answer: "requests.Response", begun: int) -> int:
        """Write what comes, behind the bytes that are there if it is their rest; gives how many of these were kept."""
        if answer.status_code == 416 and answer.headers.get("Content-Range") == f"bytes */{begun}":
            return begun  # all of it is there
        self._check(answer)
        if answer.status_code == 206:
            self._check_rest(answer, begun)
        else:
            begun = 0
        length = answer.headers.get("Content-Length", "")
        total = begun + int(length) if length.isdecimal() else None
        self._check_room(total, begun)
        if not begun:
            noted = {"address": self.download.address, "state": _state_of(answer), "length": total}
            write_whole(self.note, json.dumps(noted).encode())
        shown = {"initial": begun, "unit": "B", "unit_scale": True, "desc": self.name}
        with open(self.part, "ab" if begun else "wb") as file, Bar(total=total, **shown) as bar:
            while chunk := answer.raw.read1(CHUNK):
                if file.tell() == 0:
                    self._refuse_page(chunk, answer.headers.get("Content-Type", ""))
                if file.tell() + len(chunk) > self.download.most:
                    self._refuse_length(file.tell() + len(chunk))
                file.write(chunk)
                bar.update(len(chunk))
        return begun

    def _check(self, answer: "requests.Response") -> None:
        """Refuse what is no file; what may pass is an error of requests."""
        status = answer.status_code
        if 400 <= status < 500 and status not in (PASSING | {416}):
            raise CannotFetch(
                f"{self.download.address}: the server says {status} {answer.reason}; the file is not there any more, "
                f"or not for everybody. Look at its page in a browser, and put {self.name} into its place yourself"
            )
        if status == 416:
            self._forget()
        answer.raise_for_status()

    def _check_rest(self, answer: "requests.Response", begun: int) -> None:
        """Have what does not begin where the part ends fetched from the start."""
        import requests

        said = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        length = self._noted().get("length")
        if not said or int(said[1]) != begun or (length and said[2] not in ("*", str(length))):
            self._forget()
            raise requests.ConnectionError("the server sent another part than was asked for")

    def _check_room(self, total: int | None, begun: int) -> None:
        if total is None:
            return
        if total > self.download.most:
            self._refuse_length(total)
        free = shutil.disk_usage(self.part.parent).free
        if total - begun > free:
            raise OSError(errno.ENOSPC, f"{total - begun:,} bytes are to come and {free:,} are free", str(self.part))

    def _refuse_page(self, start: bytes, kind: str) -> None:
        """Raise CannotFetch for the beginning of a web page, with its title; of anything else say nothing."""
        if not start.lstrip().lower().startswith(b"<" if "html" in kind.lower() else PAGE):
            return
        title = re.search(rb"<title[^>]*>(.*?)</title>", start, re.IGNORECASE | re.DOTALL)
        called = " ".join(title.group(1).decode(errors="replace").split())[:100] if title else "without a title"
        self._forget()
        raise CannotFetch(
            f"{self.download.address} answers with a web page ({called}), not with {self.name}: open it in a browser, "
            "confirm or log in there, and put the file into its place yourself"
        )

    def _refuse_length(self, length: int) -> None:
        self._forget()
        raise CannotFetch(
            f"{self.download.address} has {length:,} bytes or more, {self.name} at most {self.download.most:,}: it is "
            "another file"
        )


def _state_of(answer: "requests.Response") -> str:
    """What the server calls this state of the file, fit for If-Range: no weak tag."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")


def _reason(error: BaseException) -> str:
    """The first cause of an error of requests, which wraps it several times."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return " ".join((getattr(error, "strerror", None) or str(error)).split())
