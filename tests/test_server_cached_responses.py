"""The cache of responses, which lasts a second: a cached response equals an uncached one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.dates import format_http_date
from feedhub.document.preconditions import evaluate
from feedhub.errors import CatalogError
from feedhub.server import documents
from feedhub.server.catalog_reader import VanishedError
from feedhub.server.documents import Documents
from tests.fronts import HOST, Front, Reply, call_app, front_of, scope_of, two_articles
from tests.kit import NOW, Bench

START = NOW.timestamp()
DUE = 1_000  # seconds after START
TARGETS = ["/all.rss", "/all.json", "/", "/topics/caf%C3%A9.rss", "/all.rss?x", "/nothing", "/feed"]
DATES = [format_http_date(int(START) - days * 86_400) for days in (-1, 0, 3_000)]
VALUES = {
    "host": ["x", "feeds.example.org", "x,y", ""],
    "accept-encoding": ["gzip", "br", "gzip;q=0", "identity, *;q=0"],
    "if-none-match": ["{old}", "{new}", "{new-gzip}", '"other"', "*", 'W/"x'],
    "if-match": ["{new}", '"other"', "*"],
    "if-modified-since": [*DATES, "yesterday"],
    "if-unmodified-since": DATES,
    "a-im": ["feed", "feed;q=0"],
    "user-agent": ["reader/1", 'a"b', "é"],
    "referer": ["https://a.example/", "-"],
    "range": ["bytes=0-1"],
    "x-forwarded-for": ["192.0.2.1", "198.51.100.1"],
}


class Clock:
    """The time module of the application: it stands still until it is moved."""

    def __init__(self) -> None:
        self.now = self.passed = 0.0

    def move(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds
        self.passed += seconds

    def set(self, now: float) -> None:
        """Set the clock, as people do, to seconds after START; a second passes meanwhile."""
        self.now = now
        self.passed += 1

    def time(self) -> float:
        return START + self.now

    def perf_counter(self) -> float:
        return 5_000.25 + self.passed


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "time", clock)
        yield clock


class Comparison:
    """An application that caches responses, and the means to compare it with a new one."""

    def __init__(self, front: Front, tags: dict[str, str]) -> None:
        self.front = front
        self.tags = tags
        self.fallback: Any = front.app._fallback

    def send(self, app: Documents, scope: Any) -> tuple[Reply, str]:
        """Return the response and its line in the log."""
        self.front.builder.recorder.flush_all()
        before = len(self.front.log.getvalue())
        reply = self.front.runner.run(call_app(app, scope))
        self.front.builder.recorder.flush_all()
        return reply, self.front.log.getvalue()[before:]

    def compare(self, scope: Any) -> Reply:
        """Return the response, which must be the same as without a cache."""
        reply = self.send(self.front.app, scope)
        assert reply == self.send(Documents(self.front.builder, self.fallback), scope)
        assert reply[1].count("\n") == 1
        return reply[0]


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    """A bench whose site changes by time alone, DUE seconds after START."""
    bench = two_articles(tmp_path_factory.mktemp("known"))
    due = (NOW + timedelta(seconds=DUE)).isoformat()
    bench.write("later.md", title="Later", publishedDateTime=due)
    bench.sync()
    return bench


@pytest.fixture(scope="module")
def comparison(bench, clock) -> Iterator[Comparison]:
    with front_of(bench) as front:
        old = front.get("/all.json").fields["etag"]
        bench.write("c.md", title="Third", publishedDateTime="2020-06-10T11:00:00Z")
        bench.sync()
        front.refresh()
        new = [front.get("/all.json", accept_encoding=coding) for coding in ("", "gzip")]
        tags = [old, *(reply.fields["etag"] for reply in new)]
        yield Comparison(front, dict(zip(("{old}", "{new}", "{new-gzip}"), tags, strict=True)))


fields = st.sampled_from(list(VALUES)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(VALUES[name]))
)
requests = st.tuples(
    st.sampled_from(TARGETS),
    st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "OPTIONS"]),
    st.sampled_from(["1.1", "1.1", "1.0"]),
    st.lists(fields, max_size=5),
)
# Quarters are exact in binary.
seconds = st.sampled_from([0, 0, 0, 0.25, 1, 40])
steps = st.lists(requests, min_size=1, max_size=4).flatmap(
    lambda few: st.lists(st.tuples(st.sampled_from(few), seconds), max_size=12)
)


def scope_with(comparison: Comparison, target: str, method: str, version: str, fields: Any) -> Any:
    scope = scope_of(target, method, version)
    lines = [("host", "x"), *fields]
    scope["headers"] = [
        (name.encode(), comparison.tags.get(value, value).encode("latin-1"))
        for name, value in lines
    ]
    return scope


@given(steps)
def test_a_cached_response_equals_an_uncached_one(comparison, clock, steps):
    for request, later in steps:
        clock.move(later)
        comparison.compare(scope_with(comparison, *request))


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("target", ["/all.rss", "/all.json"])
def test_every_relevant_field_is_part_of_the_cache_key(comparison, name, target):
    held = [("if-none-match", "{old}")] if name == "a-im" else []
    for value in VALUES[name]:
        for fields in (held, [*held, (name, value)], [*held, (name, value), (name, "x")], held):
            comparison.compare(scope_with(comparison, target, "GET", "1.1", fields))


@pytest.mark.parametrize(
    ("target", "method", "version"),
    [("/all.rss", "HEAD", "1.1"), ("/all.rss", "GET", "1.0"), ("/all.rss?y", "GET", "1.1")],
)
def test_the_request_line_is_part_of_the_cache_key(comparison, target, method, version):
    comparison.compare(scope_with(comparison, "/all.rss", "GET", "1.1", []))
    comparison.compare(scope_with(comparison, target, method, version, []))


def test_max_age_shrinks_until_a_scheduled_article_is_due(comparison, clock):
    clock.set(DUE - 800.0)
    values = []
    for _ in range(3):
        for _ in range(2):
            reply = comparison.compare(scope_with(comparison, "/all.rss", "GET", "1.1", []))
        values.append(reply.fields["cache-control"].partition(",")[2].partition(",")[0])
        clock.move(1)
    assert values == [" max-age=800", " max-age=799", " max-age=798"]


@pytest.fixture
def front(tmp_path, clock) -> Iterator[Front]:
    with front_of(two_articles(tmp_path)) as front:
        yield front


@pytest.fixture
def judged(monkeypatch) -> list[str]:
    """The tags that preconditions were evaluated against, in order."""
    tags: list[str] = []

    def judge(conditions: Any, etag: str, last_modified: int) -> int:
        tags.append(etag)
        return evaluate(conditions, etag, last_modified)

    monkeypatch.setattr("feedhub.server.request_fields.evaluate", judge)
    return tags


def test_an_equal_request_is_one_look_up(front, clock, judged):
    etag = front.found("/all.rss").representation("").etag
    for number in range(5):
        reply = front.get("/all.rss", if_none_match=etag, x_forwarded_for=f"192.0.2.{number}")
        assert reply.status == 304
    assert len(judged) == 1

    clock.move(1)
    assert front.get("/all.rss", if_none_match=etag).status == 304
    assert len(judged) == 2


def test_cached_responses_are_logged_with_their_client(front):
    for number in range(3):
        scope = scope_of("/all.rss", **HOST) | {"client": (f"192.0.2.{number}", 1)}
        front.runner.run(call_app(front.app, scope))
    front.refresh()

    lines = front.log.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["192.0.2.0", "192.0.2.1", "192.0.2.2"]
    count = front.metrics.registry.get_sample_value
    assert count("feedhub_requests_total", {"format": "rss", "status": "200"}) == 3


def test_the_log_is_written_though_no_refresh_runs(front, clock):
    """A refresh may hang on a disk; meanwhile pending lines must not fill the memory."""
    for _ in range(3):
        front.get("/all.rss")
        clock.move(1)

    assert len(front.builder.recorder._pending) == 1


def test_a_change_empties_the_cache_at_once(tmp_path, clock):
    bench = two_articles(tmp_path)
    with front_of(bench) as front:
        etag = front.get("/all.rss").fields["etag"]
        before = [front.get("/all.rss", if_none_match=etag).status for _ in range(2)]
        bench.write("a.md", title="Changed", topics=["AI"])
        bench.sync()
        front.refresh()
        after = [front.get("/all.rss", if_none_match=etag).status for _ in range(2)]

    assert (before, after) == ([304, 304], [200, 200])


def test_a_document_newer_than_the_snapshot_is_not_cached(tmp_path, clock):
    """The catalog has changed, and may change again before the next refresh."""
    bench = two_articles(tmp_path)
    with front_of(bench) as front:
        assert front.get("/all.rss", if_none_match="*").status == 304  # found, and not built
        bench.write("a.md", title="Changed", topics=["AI"])
        bench.sync()
        assert b"Changed" in front.get("/all.rss").body
        bench.write("a.md", title="Again", topics=["AI"])
        bench.sync()
        assert front.app._responses == {}


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_after_a_newer_document_no_response_is_of_the_older_one(
    tmp_path, clock, monkeypatch, coding
):
    """Even if the snapshot cannot be refreshed: on a busy machine the catalog may be locked."""
    bench = two_articles(tmp_path)
    with front_of(bench, max_bytes=1) as front:
        old = front.get("/all.rss", accept_encoding=coding)
        bench.write("a.md", title="Changed", topics=["AI"])
        bench.sync(NOW + timedelta(hours=1))

        def fail(_: Any) -> None:
            raise CatalogError("locked")

        monkeypatch.setattr(front.reader, "_load", fail)
        clock.set(7_200)
        first = front.get("/all.rss", user_agent="another")
        later = [front.get("/all.rss", accept_encoding=coding) for _ in range(2)]
        later += [front.get("/all.rss", if_none_match=old.fields["etag"])]
        dates = {reply.fields["last-modified"] for reply in [first, *later]}

        assert b"Changed" in first.body
        assert front.reader.problem == "locked"
        assert dates == {first.fields["last-modified"]} != {old.fields["last-modified"]}
        assert [reply.status for reply in later] == [200, 200, 200]


def test_bytes_that_were_evicted_are_built_again(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(documents, "MAX_CACHED_BYTES", 0)
    with front_of(two_articles(tmp_path), max_bytes=1) as front:
        bodies = {front.get("/all.rss").body for _ in range(3)}
        front.refresh()

        assert len(bodies) == 1
        assert front.metrics.registry.get_sample_value("feedhub_build_seconds_count") == 3


def test_the_cache_of_responses_is_bounded(front, clock, monkeypatch):
    monkeypatch.setattr(documents, "MAX_CACHED", 3)
    clock.move(1)
    front.get("/all.rss", user_agent="x" * documents.MAX_CACHED_LENGTH)
    assert front.app._responses == {}
    front.get("/all.rss?" + "x" * documents.MAX_CACHED_LENGTH)
    assert front.app._responses == {}
    for number in range(9):
        assert front.get(f"/all.rss?{number}").status == 200
    assert len(front.app._responses) == 3


def test_the_bytes_in_the_cache_of_responses_are_bounded(front, clock, monkeypatch):
    size = len(front.get("/all.rss").body)
    monkeypatch.setattr(documents, "MAX_CACHED_BYTES", 2 * size)
    for _ in range(2):  # each second anew
        clock.move(1)
        for number in range(9):
            assert front.get(f"/all.rss?{number}").status == 200
        assert len(front.app._responses) == 2


@pytest.mark.parametrize("status", [200, 404])
def test_a_slow_response_is_dated_when_it_is_sent(front, clock, status):
    go, real = threading.Event(), front.reader.build

    def slow(*args: Any) -> Any:
        go.wait(30)
        if status == 404:
            raise VanishedError
        return real(*args)

    front.reader.build = slow

    async def send() -> Reply:
        waiting = asyncio.ensure_future(call_app(front.app, scope_of("/all.rss", **HOST)))
        await asyncio.sleep(0)
        clock.move(7)
        go.set()
        return await waiting

    reply = front.runner.run(send())
    assert reply.status == status
    assert reply.fields["date"] == format_http_date(int(clock.time()))
    assert front.app._responses == {}
