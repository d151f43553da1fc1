"""The ASGI applications of the server, called in the process of the test."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from feedhub.server.builder import DocumentBuilder
from feedhub.server.catalog_reader import CatalogReader
from feedhub.server.documents import Documents
from feedhub.server.fallback import make_fallback
from feedhub.server.logs import AccessLog, EventLog
from feedhub.server.metrics import Metrics
from feedhub.server.snapshot import Resource
from feedhub.site import Planned, address_of, may_exist
from tests.kit import NOW, Bench, make_bench

FAR = Resource(
    Planned("all.rss", "f", "application/rss+xml", NOW), "https://feeds.example.org/all.rss"
)
HOST = {"host": "feeds.example.org"}


class Reply(NamedTuple):
    """A response: header fields by name, each of which may occur only once."""

    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def lasting(self) -> dict[str, str]:
        """The header fields without Date, which an equal response shares."""
        return {name: value for name, value in self.fields.items() if name != "date"}


def scope_of(target: str, method: str = "GET", version: str = "1.1", **fields: str) -> Any:
    """Return the scope that uvicorn would make of a request; `_` stands for `-` in a name."""
    path, _, query = target.partition("?")
    headers = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": version,
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "client": ("192.0.2.7", 40_000),
        "server": ("127.0.0.1", 8_000),
    }


async def call_app(app: Any, scope: Any) -> Reply:
    """Send one request to an application, and return its response."""
    sent: list[Any] = []

    request = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if not request:
            await asyncio.Event().wait()  # the client waits
        return request.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *parts = sent
    assert start["type"] == "http.response.start"
    assert {part["type"] for part in parts} == {"http.response.body"}
    fields = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    assert len(fields) == len(start["headers"]), start["headers"]
    return Reply(start["status"], fields, b"".join(part.get("body", b"") for part in parts))


class Front:
    """A document builder with its applications, and an event loop to call them in."""

    def __init__(self, reader: Any, max_bytes: int = 1_000_000) -> None:
        self.runner = asyncio.Runner()
        self.log, self.metrics = io.StringIO(), Metrics()
        self.reader = reader
        self.builder = DocumentBuilder(
            reader, max_bytes, AccessLog(self.log), EventLog(), self.metrics
        )
        self.app = Documents(self.builder, make_fallback(self.builder))

    def refresh(self) -> None:
        """Load changes of the catalog, and write the log."""
        self.runner.run(self.builder.refresh())

    def get(self, target: str, method: str = "GET", version: str = "1.1", **fields: str) -> Reply:
        """Send one request to the public application."""
        scope = scope_of(target, method, version, **(HOST | fields))
        return self.runner.run(call_app(self.app, scope))

    def found(self, address: str = "/all.rss") -> Resource:
        """Return the resource at an address, which must exist."""
        assert self.builder.snapshot
        path = self.builder.snapshot.path_of(unquote(address), address.encode())
        resource = self.runner.run(self.builder.find(path))
        assert resource is not None
        return resource

    def close(self) -> None:
        """Close the builder and the event loop."""
        self.runner.run(self.builder.close())
        self.runner.close()


def bench_on_disk(folder: Path, **overrides: object) -> Bench:
    """Return a bench whose catalog is a file, so that another connection can read it."""
    return make_bench(folder, folder / "catalog.sqlite", **overrides)


def two_articles(folder: Path) -> Bench:
    """Return a bench on disk that has synced two articles and offers deltas."""
    bench = bench_on_disk(folder, http__delta=True)
    bench.write("a.md", title="First", topics=["AI"])
    bench.write("b.md", title="Second", topics=["Café"], publishedDateTime="2020-06-08T11:00:00Z")
    bench.sync()
    return bench


def reader_of(bench: Bench) -> CatalogReader:
    """Return a reader of the catalog of a bench, with the present configuration of the bench."""
    return CatalogReader(
        bench.root.parent / "catalog.sqlite", lambda: bench.config, drafts=bench.drafts
    )


def find(reader: CatalogReader, address: str) -> Resource | None:
    """Return the resource at an address, or None."""
    assert reader.snapshot
    path = reader.snapshot.path_of(unquote(address), address.encode())
    return reader.find(path) if may_exist(path) else None


def found(reader: CatalogReader, address: str = "/all.rss") -> Resource:
    """Return the resource at an address, which must exist."""
    resource = find(reader, address)
    assert resource is not None
    return resource


def read(reader: CatalogReader, path: str = "/all.rss", coding: str = "") -> bytes:
    """Return the bytes of the document at an address."""
    return reader.build(found(reader, path), coding, None).body


def addresses(reader: CatalogReader) -> set[str]:
    """Return every address, none before the first snapshot."""
    if not reader.snapshot or not reader._site:
        return set()
    plan = reader._site.plan(stories=False)
    return {f"{reader.snapshot.prefix}/{address_of(path)}" for path in plan}


@contextmanager
def front_of(bench: Bench, max_bytes: int = 1_000_000) -> Iterator[Front]:
    """Yield the applications that serve the catalog of a bench."""
    front = Front(reader_of(bench), max_bytes)
    front.refresh()
    try:
        yield front
    finally:
        front.close()
