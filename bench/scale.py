"""Measure one server on large sites: what a change, a look-up and a start cost, and the memory.

The articles are made in memory and synced into the catalog by the product's own code, so that a
million of them in a hundred thousand feeds take some minutes and no files. The catalog may be a
file or, by its address, PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from feedhub.article import Article, Author, Provider
from feedhub.catalog import Catalog, FeedCounts, SyncState, is_address
from feedhub.config import Config, load_config
from feedhub.errors import Problem
from feedhub.server.builder import DocumentBuilder
from feedhub.server.catalog_reader import CatalogReader
from feedhub.server.documents import Documents
from feedhub.server.fallback import make_fallback
from feedhub.server.logs import AccessLog, EventLog
from feedhub.server.metrics import Metrics
from feedhub.server.run import POLL_INTERVAL
from feedhub.server.snapshot import Resource
from feedhub.site import Site
from feedhub.sources import ReadResult, SourceFile
from feedhub.text import slugify

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
AUTHORITY = "feeds.example.org,2026"
BASE_URL = "https://feeds.example.org"
SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo yu za bre cla".split()
WORDS = 400
# How many changes are measured, and how many look-ups.
CHANGES, LOOK_UPS = 20, 2_000
# Of all articles so many are of the large topic.
LARGE_SHARE = 0.3


class MadeSource:
    """Articles made from their numbers: `topics`, and a tenth as many authors and publishers.

    Every label has an article; topic 0 has many. `versions` are how often articles were edited.
    """

    key = "made"
    collection = ""
    signature = "made 1"

    def __init__(self, articles: int, feeds: int) -> None:
        self.articles = articles
        self.topics = max(1, feeds * 10 // 11)
        self.people = max(1, feeds - self.topics)
        self.versions: dict[str, int] = {}

    def check(self) -> None:
        """Accept everything."""

    def locate(self, path: str) -> str:
        """Return the path."""
        return path

    def settle(self) -> None:
        """Return at once."""

    def scan(self) -> Iterator[SourceFile | Problem]:
        """Yield every article."""
        for number in range(self.articles):
            yield self._file(f"{number:07}.md")

    def compare(
        self,
        known: dict[str, bytes],
        paths: Collection[str] | None = None,
        on_progress: Callable[[], object] = lambda: None,
    ) -> Iterator[SourceFile | Problem]:
        """Yield what changed; see ComparingSource."""
        files = self.scan() if paths is None else map(self._file, paths)
        for file in files:
            assert isinstance(file, SourceFile)
            if known.pop(file.path, None) != file.stamp:
                yield file

    def watch(self, stop: threading.Event, output: Path | None = None) -> Iterator[set[str] | None]:
        """Yield nothing."""
        return iter(())

    def read(self, path: str, now: datetime) -> ReadResult:
        """Make one article."""
        number, version = int(path.removesuffix(".md")), self.versions.get(path, 0)
        dice = random.Random(number)
        topics = [label(number % self.topics, "topic")]
        if dice.random() < LARGE_SHARE:
            topics.append(label(0, "topic"))
        topics.append(label(int(self.topics * dice.random() ** 3), "topic"))
        person = number % self.people
        words = " ".join(word(dice.randrange(WORDS)) for _ in range(60))
        published = NOW - timedelta(minutes=5 * number)
        article = Article(
            id=f"tag:{AUTHORITY}:{path.removesuffix('.md')}",
            slug=path.removesuffix(".md"),
            title=f"{words[:40]} {number} {version}",
            summary=words[:200],
            content_html=f"<p>{words}</p>",
            url=f"https://news.example/{number}",
            published=published,
            updated=published,
            topics=tuple(dict.fromkeys(topics)),
            provider=Provider(name=label(person, "paper")) if person % 2 else None,
            authors=() if person % 2 else (Author(name=label(person, "author")),),
        )
        return ReadResult(state="shown", article=article)

    def _file(self, path: str) -> SourceFile:
        return SourceFile(path, b"%d" % self.versions.get(path, 0))


def word(number: int) -> str:
    """Return a made word."""
    parts = []
    while number or not parts:
        number, rest = divmod(number, len(SYLLABLES))
        parts.append(SYLLABLES[rest])
    return "".join(parts)


def label(number: int, kind: str) -> str:
    """Return the label of a number, another for each."""
    return f"{word(number * 7919 % 390_625).capitalize()} {kind} {number}"


def config_of(*, search: bool) -> Config:
    """Return the configuration of the site."""
    values = {
        "site.base_url": BASE_URL,
        "feeds.search": "yes" if search else "no",
        "feeds.builder": "yes" if search else "no",
    }
    return load_config(None, {}, values)


def address_of(text: str) -> Path | str:
    """Return where a catalog is."""
    return text if is_address(text) else Path(text)


def timed(call: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return wall and CPU seconds of a call, and its result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def milliseconds(values: Sequence[float]) -> dict[str, float]:
    """Return median and maximum of seconds, in milliseconds."""
    return {"median": round(median(values) * 1e3, 3), "max": round(max(values) * 1e3, 3)}


def make(address: Path | str, source: MadeSource, config: Config) -> dict[str, Any]:
    """Fill an empty catalog."""
    catalog = Catalog(address)
    wall, cpu, changes = timed(lambda: Site(catalog, config).sync(source, NOW, processes=2))
    counts = catalog.read(FeedCounts).listed
    catalog.close()
    size = sum(path.stat().st_size for path in [Path(address)] if not isinstance(address, str))
    return {
        "articles": changes.published,
        "feeds": counts,
        "seconds": round(wall, 1),
        "cpu": round(cpu, 1),
        "megabytes": round(size / 1e6, 1),
    }


def measure_changes(
    address: Path | str, source: MadeSource, config: Config, changes: int
) -> dict[str, Any]:
    """Edit articles one after another, and see what that costs the sync and a worker."""
    catalog = Catalog(address)
    reader = CatalogReader(address, lambda: config)
    reader.refresh()
    syncs, sync_cpu, seen, cpu_of_seen = [], [], [], []
    site, now = Site(catalog, config), NOW
    dice = random.Random(1)
    for _ in range(changes):
        path = f"{dice.randrange(source.articles // 10 or 1):07}.md"
        source.versions[path] = source.versions.get(path, 0) + 1
        now += timedelta(seconds=5)
        feed = f"topics/{slug_of(int(path[:7]) % source.topics)}.rss"
        before = reader.find(feed)
        wall, cpu, _ = timed(partial(site.sync, source, now, paths={path}))
        syncs.append(wall)
        sync_cpu.append(cpu)
        wall, cpu, after = timed(partial(refresh_and_find, reader, feed))
        assert after is not None
        assert before is not None
        assert after.planned != before.planned
        seen.append(wall)
        cpu_of_seen.append(cpu)
    generation = catalog.read(SyncState).generation
    reader.close()
    catalog.close()
    return {
        "changes": changes,
        "generation": generation,
        "sync, ms": milliseconds(syncs),
        "sync, CPU ms": milliseconds(sync_cpu),
        "worker, ms": milliseconds(seen),
        "worker, CPU ms": milliseconds(cpu_of_seen),
        "poll interval, ms": POLL_INTERVAL * 1e3,
    }


def refresh_and_find(reader: CatalogReader, path: str) -> Resource | None:
    """Do what a worker does when the catalog has changed and a document is requested."""
    reader.refresh()
    return reader.find(path)


def measure_worker(address: Path | str, source: MadeSource, *, search: bool) -> dict[str, Any]:
    """Start a worker in this process; measure its memory, look-ups, responses and searches."""
    result: dict[str, Any] = {"bare, MB": memory()}
    config = config_of(search=search)
    wall, cpu, (reader, builder) = timed(lambda: start(address, config))
    app = Documents(builder, make_fallback(builder))
    runner = asyncio.Runner()
    result["start, ms"] = {"wall": round(wall * 1e3, 1), "CPU": round(cpu * 1e3, 1)}
    runner.run(builder.refresh())
    result["started, MB"] = memory()
    first = runner.run(ask(app, "/all.rss"))
    result["first 200, ms"] = round(first[2] * 1e3, 2)
    small = f"/topics/{slug_of(source.topics - 1)}.rss"
    large = f"/topics/{slug_of(0)}.rss"
    for name, path in (("small", small), ("large", large)):
        result[f"newest of a {name} topic, ms"] = round(runner.run(ask(app, path))[2] * 1e3, 2)
    etag = runner.run(ask(app, "/all.rss"))[1]["etag"]
    result["304, us"] = runner.run(hot_304(app, "/all.rss", etag))
    dice = random.Random(2)
    numbers = dice.sample(range(source.topics), min(LOOK_UPS, source.topics))
    paths = [f"/topics/{slug_of(number)}.rss" for number in numbers]
    cold = [runner.run(ask(app, path, if_none_match="*"))[2] for path in paths]
    result["304 after a look-up, ms"] = milliseconds(cold)
    result["cached resources"] = len(reader.resources)
    for path in ("/feeds.opml", "/", "/topics/", "/sitemap.xml"):
        status, _, seconds, size = runner.run(ask(app, path))
        result[path] = {"status": status, "ms": round(seconds * 1e3, 1), "bytes": size}
    if search:
        words = [word(number) for number in range(60, 90)]
        found = [runner.run(ask(app, f"/search.rss?q={one}+{one[:2]}*"))[2] for one in words]
        result["search, ms"] = milliseconds(found)
    result["at the end, MB"] = memory()
    runner.run(builder.close())
    return result


def start(address: Path | str, config: Config) -> tuple[CatalogReader, DocumentBuilder]:
    """Return a reader that has read the catalog, and its builder."""
    reader = CatalogReader(address, lambda: config)
    builder = DocumentBuilder(
        reader,
        64_000_000,
        AccessLog(io.StringIO()),
        EventLog(),
        Metrics(),
    )
    asyncio.run(builder.refresh())
    return reader, builder


def slug_of(number: int) -> str:
    """Return the slug of a topic by its number."""
    return slugify(label(number, "topic").casefold())


async def ask(app: Documents, target: str, **fields: str) -> tuple[int, dict[str, str], float, int]:
    """Send one request; return status, header fields, seconds and size of the body."""
    path, _, query = target.partition("?")
    headers = {"host": "feeds.example.org"} | {n.replace("_", "-"): v for n, v in fields.items()}
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.7", 40_000),
    }
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    begin = time.perf_counter()
    await app(scope, receive, send)
    seconds = time.perf_counter() - begin
    known = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    size = sum(len(message.get("body", b"")) for message in sent)
    return sent[0]["status"], known, seconds, size


async def hot_304(app: Documents, path: str, etag: str) -> float:
    """Return the microseconds of one of many equal 304s."""
    scope: Any = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"feeds.example.org"), (b"if-none-match", etag.encode())],
        "client": ("192.0.2.7", 40_000),
    }

    async def send(message: Any) -> None:
        pass

    async def receive() -> Any:
        pass

    times = []
    for _ in range(5):
        begin = time.process_time()
        for _ in range(50_000):
            await app(scope, receive, send)
        times.append((time.process_time() - begin) / 50_000 * 1e6)
    return round(min(times), 2)


def memory() -> float:
    """Return the resident memory of this process in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return round(int(line.split()[1]) / 1e3, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a catalog, measure, and print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("articles", type=int)
    parser.add_argument("feeds", type=int)
    parser.add_argument("--catalog", help="where to make it; a temporary file by default")
    parser.add_argument("--keep", action="store_true", help="measure the catalog that is there")
    parser.add_argument("--search", action="store_true", help="with full text search")
    parser.add_argument("--changes", type=int, default=CHANGES)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    source, config = MadeSource(options.articles, options.feeds), config_of(search=options.search)
    if options.worker:
        found = measure_worker(address_of(options.catalog), source, search=options.search)
        print(json.dumps(found))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        address = address_of(options.catalog or f"{scratch}/catalog.db")
        result: dict[str, Any] = {}
        if not options.keep:
            result["make"] = make(address, source, config)
            print(json.dumps(result, indent=1), flush=True)
        result["change"] = measure_changes(address, source, config, options.changes)
        command = [sys.executable, "-m", "bench.scale", str(options.articles), str(options.feeds)]
        command += ["--worker", "--catalog", str(address)]
        command += ["--search"] if options.search else []
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        result["worker"] = json.loads(done.stdout)
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
