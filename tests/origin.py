"""A web server whose replies a test sets, and that records the requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SHORT = "public, max-age=1, stale-while-revalidate=1, stale-if-error=2"


@dataclass
class Origin:
    """The replies of the server; they can change at any moment. `down` hangs up instead."""

    address: tuple[str, int] = ("127.0.0.1", 0)
    status: int = 200
    body: bytes = b""  # empty: the target of the request
    cache_control: str = SHORT
    more: list[tuple[str, str]] = field(default_factory=list)  # header fields
    modified: float = 1_600_000_000.0
    down: bool = False
    slow: float = 0.0
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    connections: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def targets(self) -> list[str]:
        """Return the targets of all requests so far, in order."""
        return [target for _, target, _ in self.seen]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        origin = self.server.origin
        target = self.requestline.split(" ")[1]  # `path` has lost one of two slashes
        fields = {name.lower(): value for name, value in self.headers.items()}
        origin.seen.append((self.command, target, fields))
        if origin.slow:
            origin.released.wait(origin.slow)
        if origin.down:
            self.close_connection = True
            return
        coding = fields.get("accept-encoding", "")
        self._answer(origin, origin.body or target.encode("latin-1"), coding)

    do_HEAD = do_POST = do_OPTIONS = do_GET  # noqa: N815

    def _answer(self, origin: Origin, body: bytes, coding: str) -> None:
        tag = f'"{hash(body):x}{"-" * bool(coding)}{coding}"'
        same = origin.status == 200 and self.headers.get("If-None-Match") == tag
        self.send_response(304 if same else origin.status)
        self.send_header("Cache-Control", origin.cache_control)
        self.send_header("Vary", "Accept-Encoding")
        for name, value in origin.more:
            self.send_header(name, value)
        if origin.status == 200:
            self.send_header("ETag", tag)
            self.send_header("Last-Modified", formatdate(origin.modified, usegmt=True))
        if not same:
            self.send_header("Content-Type", "application/atom+xml; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        if coding and not same:
            self.send_header("Content-Encoding", coding)
        self.end_headers()
        if self.command != "HEAD" and not same:
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    origin: Origin

    def process_request(self, request: Any, client_address: Any) -> None:
        self.origin.connections += 1
        super().process_request(request, client_address)


@contextmanager
def origin() -> Iterator[Origin]:
    """Run a server on a free port; leave the block when its clients have ended."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        host, port = server.server_address[:2]
        server.origin = Origin((str(host), port))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.origin
        finally:
            server.origin.released.set()
            server.shutdown()
            thread.join()
