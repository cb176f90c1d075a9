"""A server on loopback whose answers can go wrong as those of the net do."""

import re
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """Files by path, and answers that come before them: `site.first["/a"] = [status(500)]`."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.first: dict[str, list[Callable]] = {}
        self.asked: list[tuple[str, str | None]] = []  # path, and the range
        self.ranges = True
        self.tags: dict[str, str] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, self))
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=partial(self.server.serve_forever, poll_interval=0.01))

    def __enter__(self) -> "Site":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, site: Site, *arguments):
        self.site = site
        super().__init__(*arguments)

    def do_GET(self):
        self.site.asked.append((self.path, self.headers.get("Range")))
        if waiting := self.site.first.get(self.path):
            waiting.pop(0)(self)
        elif self.path in self.site.files:
            whole(self)
        else:
            status(404)(self)

    def log_message(self, *_):
        pass

    def say(self, code: int, length: int, **headers: str):
        self.send_response(code)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


def whole(handler: Handler, most: int | None = None, pause: float = 0):
    """The file, or the rest that is asked for; `most` bytes of it, then the connection ends; slow with a pause."""
    site, data = handler.site, handler.site.files[handler.path]
    tag = site.tags.get(handler.path, "")
    asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range") or "")
    start = int(asked[1]) if asked and site.ranges and handler.headers.get("If-Range", tag) == tag else 0
    named = {"ETag": tag} if tag else {}
    if start and start >= len(data):
        return handler.say(416, 0, Content_Range=f"bytes */{len(data)}")
    if start:
        named["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
    handler.say(206 if start else 200, len(data) - start, **named)
    sent = data[start:][:most]
    for at in range(0, len(sent), 100 if pause else max(1, len(sent))):
        handler.wfile.write(sent[at : at + 100] if pause else sent)
        time.sleep(pause)
    if most is not None:
        handler.close_connection = True


def broken_off(most: int) -> Callable:
    return lambda handler: whole(handler, most)


def slow(pause: float) -> Callable:
    return lambda handler: whole(handler, pause=pause)


def status(code: int, **headers: str) -> Callable:
    return lambda handler: handler.say(code, 0, **headers)


def redirect(address: str) -> Callable:
    return status(302, Location=address)


def page(html: bytes, kind: str = "text/html; charset=utf-8") -> Callable:
    def answer(handler: Handler):
        handler.say(200, len(html), Content_Type=kind)
        handler.wfile.write(html)

    return answer
