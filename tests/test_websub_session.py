"""When pings are sent: order, waiting, giving up, and never before the change is public."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import brotli
import httpx
import pytest

from feedhub.catalog import Catalog, ReceiverState, StoredConfig
from feedhub.delivery import DeliveryReport, deliver, enqueue_all
from feedhub.delivery.visibility import why_not_visible
from feedhub.errors import CatalogError, ConfigError
from feedhub.http_client import HttpClient
from feedhub.site import Site
from feedhub.websub import SESSIONS
from tests.hubs import response
from tests.kit import NOW, Bench, connection_of, make_bench

HUB = "https://hub.example/"
BASE = "https://feeds.example.org/"
LATER = NOW + timedelta(minutes=1)
START = LATER.timestamp()
SIX = [f"{feed}.{suffix}" for feed in ("all", "topics/ai") for suffix in ("atom", "json", "rss")]


@dataclass
class World:
    """A site, its hub and a clock.

    `hub` is the status of the hub's replies, `statuses` those for single paths; `site` replies to
    requests of the public address. `pinged` and `looked` record the requests.
    """

    bench: Bench
    now: float = START
    hub: int = 204
    fields: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    pinged: list[str] = field(default_factory=list)
    looked: list[httpx.Request] = field(default_factory=list)
    site: Any = lambda request: response(304)
    timeout: float = 10.0

    async def answer(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if request.url.host != "hub.example":
            self.looked.append(request)
            reply: httpx.Response = self.site(request)
            return reply
        path = parse_qs(request.content.decode())["hub.url"][0].removeprefix(BASE)
        self.pinged.append(path)
        return response(self.statuses.get(path, self.hub), **self.fields)

    def send(self, **options: Any) -> DeliveryReport:
        """Send the pings that are due."""

        async def run() -> DeliveryReport:
            async with HttpClient(
                transport=httpx.MockTransport(self.answer), timeout=self.timeout
            ) as client:
                return await deliver(
                    SESSIONS, self.bench.catalog, client, lambda: self.now, **options
                )

        return asyncio.run(run())

    def edit(self, title: str = "One, edited") -> None:
        """Change the article of two feeds, and release the change."""
        self.bench.write("one.md", title=title, topics=["AI"])
        self.bench.sync(LATER)
        self.bench.catalog.release_changes(self.now - 2)

    def state(self) -> ReceiverState:
        """Return the state of the hub that servers show."""
        return self.bench.catalog.changes("hub").state()

    def due(self) -> float | None:
        return self.bench.catalog.changes("hub").status().due

    def expected(self, path: str) -> bytes:
        return self.bench.documents()[path].body


def make_world(folder: Path, **overrides: Any) -> World:
    settings: dict[str, Any] = {"websub__hub": HUB, "feeds__kinds": ("all", "topic")}
    bench = make_bench(folder, **(settings | overrides))
    bench.write("one.md", title="One", topics=["AI"])
    bench.write("two.md", title="Two", topics=["Robots"])
    bench.sync()
    return World(bench)


@pytest.fixture
def world(tmp_path):
    world = make_world(tmp_path)
    world.edit()
    return world


def test_each_address_is_pinged_once(world):
    assert world.send() == DeliveryReport(sent=6, waiting=0)
    assert sorted(world.pinged) == SIX
    assert world.send() == DeliveryReport()
    assert sorted(world.pinged) == SIX
    assert world.state() == ReceiverState(address=HUB, notified_at=START)


def test_an_empty_queue_costs_nothing(world):
    """The site is not even read, for the queue is read twice a second."""
    world.send()
    world.bench.catalog.write(StoredConfig(json="broken"))
    assert world.send() == DeliveryReport()


# A hub that fails


def test_one_failure_puts_off_everything_and_the_wait_doubles(world):
    world.hub = 500
    waits = []
    for _ in range(14):
        before = len(world.pinged)
        report = world.send()
        assert (report.sent, report.waiting) == (0, 6)
        assert len(world.pinged) - before <= 4  # one batch, and no more
        waits.append(world.due() - world.now)
        world.now += 600
    assert waits[0] == 5
    assert waits[-1] == 600
    assert waits == sorted(waits)
    assert set(waits) <= {5.0 * 2**n for n in range(7)} | {600.0}


def test_the_count_of_failures_has_a_maximum(world):
    """A script may ping a dead hub every minute: two to that power is too many seconds."""
    world.bench.catalog._database.execute("UPDATE changes SET tries = 30")
    world.hub = 500
    world.send(by_hand=True)
    assert {ping.tries for ping in world.bench.catalog.changes("hub").due(None)} == {30}
    assert world.due() == START + 600


def test_a_deferred_ping_is_not_due(world):
    world.hub = 500
    world.send()
    world.now += 4.9
    count = len(world.pinged)
    assert world.send() == DeliveryReport(waiting=6)
    assert len(world.pinged) == count
    world.hub = 204
    assert world.send(by_hand=True).sent == 6  # unless it is done by hand


def test_a_hub_that_recovers_gets_every_ping(world):
    world.hub = 500
    report = world.send()
    assert report.errors == [
        f"the hub {HUB} cannot be notified: 500 Internal Server Error; trying again"
    ]
    assert world.state().problem == report.errors[0]
    world.hub, world.now = 204, START + 10
    assert world.send() == DeliveryReport(sent=6)
    assert world.state() == ReceiverState(address=HUB, notified_at=START + 10)


def test_one_address_that_always_fails_does_not_hold_up_the_others(world):
    world.statuses["all.json"] = 500
    world.send()
    world.now += 5
    world.send()
    assert set(SIX) - {"all.json"} <= set(world.pinged)
    assert world.bench.catalog.changes("hub").status().waiting == 1
    world.edit("One, edited again")
    for _ in range(4):
        world.send()
        world.now += 6
    assert all(world.pinged.count(path) == 2 for path in set(SIX) - {"all.json"})


def test_no_ping_is_sent_during_retry_after(world):
    world.hub, world.fields = 429, {"retry_after": "3600"}
    world.send()
    count = len(world.pinged)
    world.hub, world.now = 204, START + 60
    world.edit("One, edited again")  # a new change is due at once, but not now
    assert world.send().waiting == 6
    assert len(world.pinged) == count
    world.now = START + 3601
    assert world.send() == DeliveryReport(sent=6)


def test_retry_after_counts_for_a_day_at_most(world):
    world.hub, world.fields = 503, {"retry_after": "31536000"}
    world.send()
    assert world.state().not_before == START + 86_400


def test_retry_after_holds_back_pings_by_hand_too(world):
    """It may be a script that pings the hub after each upload."""
    world.hub, world.fields = 429, {"retry_after": "3600"}
    world.send()
    count = len(world.pinged)
    world.hub, world.now = 204, START + 60
    report = world.send(by_hand=True)
    assert (report.sent, report.waiting, report.late) == (0, 6, False)
    rest = f"{LATER + timedelta(hours=1):%Y-%m-%d %H:%M:%S} UTC"
    assert report.waiting_reason == f"the hub {HUB} asks to be left alone until {rest}"
    assert report.errors == []
    assert len(world.pinged) == count
    assert "429" in world.state().problem  # the problem stays
    world.now = START + 3600
    assert world.send(by_hand=True) == DeliveryReport(sent=6)
    world.bench.catalog.changes("hub").write_state(
        ReceiverState(address=HUB, not_before=START + 9000)
    )
    assert world.send(by_hand=True) == DeliveryReport()  # nothing has to wait


def test_waiting_for_retry_after_costs_nothing(world, monkeypatch):
    """Documents are not planned twice a second, and it does not seem that nothing pings the hub."""
    world.hub, world.fields = 429, {"retry_after": "3600"}
    world.send()
    world.now += 60
    world.edit("One, edited again")
    assert world.send().waiting == 6
    assert world.due() == START + 3600
    world.bench.catalog.write(StoredConfig(json="broken"))
    assert world.send() == DeliveryReport(waiting=6)


def test_retry_after_of_one_hub_does_not_hold_back_another(tmp_path):
    world = make_world(tmp_path)
    world.edit()
    world.hub, world.fields = 429, {"retry_after": "3600"}
    world.send()
    assert world.state().not_before == START + 3600
    config = world.bench.config
    other = replace(config.websub, hub="https://hub.example/other")
    world.bench.config = replace(config, websub=other)
    world.now, world.hub = START + 60, 204
    world.edit("One, edited again")
    assert world.send() == DeliveryReport(sent=6)
    assert world.state() == ReceiverState(address=other.hub, notified_at=START + 60)


def test_no_ping_is_sent_if_its_result_cannot_be_recorded(world, tmp_path):
    """A full or read-only disk must not have the hub pinged twice a second."""
    with closing(Catalog(tmp_path / "catalog.db")) as catalog:
        connection_of(world.bench.catalog).backup(connection_of(catalog))
    with closing(Catalog.open_existing(tmp_path / "catalog.db", read_only=True)) as catalog:
        world.bench.catalog = catalog
        with pytest.raises(CatalogError, match="readonly"):
            world.send()
    assert world.pinged == []


def test_a_session_ends_after_a_minute_unless_by_hand(world):
    """After a minute with a slow hub there may be newer changes, or none to send any more."""

    def site(request: httpx.Request) -> httpx.Response:
        world.now += 10
        return response(304)

    world.site = site
    assert world.send() == DeliveryReport(sent=4, waiting=2)
    assert world.send() == DeliveryReport(sent=2)
    world.edit("One, edited again")
    assert world.send(by_hand=True) == DeliveryReport(sent=6)


def test_the_report_says_that_a_change_is_not_published_yet(world):
    world.send()
    world.bench.write("one.md", title="Refused", topics=["AI"])
    world.bench.sync(LATER)  # and no render publishes it
    assert world.send(by_hand=True) == DeliveryReport(
        waiting=6, waiting_reason="the change is not published yet"
    )
    assert world.send() == DeliveryReport(waiting=6)


def test_pings_that_fail_for_a_day_are_given_up(world):
    world.hub, world.now = 500, START + 86_401
    report = world.send()
    assert report.errors == [
        f"the hub {HUB} accepted nothing for a day; changes given up: 6",
        f"the hub {HUB} cannot be notified: 500 Internal Server Error; trying again",
    ]
    assert report.waiting == 0
    assert len(world.pinged) == 4  # the last try


def test_only_old_and_published_changes_are_given_up(world):
    """Newer changes and unpublished ones are not given up with the others."""
    catalog = world.bench.catalog
    catalog.changes("hub").enqueue(["all.rss"], catalog.generation(), START)
    catalog.changes("hub").enqueue_released(["topics/robots.rss"], catalog.generation(), START + 10)
    world.hub, world.now = 500, START + 86_405
    assert "changes given up: 5" in world.send().errors[0]
    catalog.release_changes(world.now)
    left = {(ping.path, ping.tries) for ping in catalog.changes("hub").due(None)}
    assert left == {("all.rss", 0), ("topics/robots.rss", 0)}


def test_refused_pings_are_not_repeated_and_reported_in_one_line(world):
    world.hub = 404
    report = world.send()
    assert (report.sent, report.waiting) == (0, 0)
    assert report.errors == [f"the hub {HUB} refuses {BASE}all.atom and 5 more: 404 Not Found"]
    assert world.state().problem == report.errors[0]
    world.now += 86_400
    assert world.send() == DeliveryReport()
    assert len(world.pinged) == 6


def test_a_single_refused_address_is_reported(world):
    world.statuses["all.rss"] = 403
    report = world.send()
    assert (report.sent, report.waiting) == (5, 0)
    assert report.errors == [f"the hub {HUB} refuses {BASE}all.rss: 403 Forbidden"]


def test_a_change_during_a_session_is_pinged_too(world):
    def site(request: httpx.Request) -> httpx.Response:
        if len(world.looked) == 1:
            world.edit("One, edited again")
        return response(304)

    world.site = site
    world.send()
    world.now += 1
    world.send()
    assert all(world.pinged.count(path) >= 1 for path in SIX)
    assert world.pinged.count(world.pinged[0]) == 2  # the first ping was for the old change
    assert world.bench.catalog.changes("hub").status().waiting == 0


# The look at the public address


def test_the_public_address_is_requested_in_every_coding_with_the_tag(world):
    world.send()
    plan = world.bench.site.plan()
    expected = {
        (f"{BASE}{path}", coding or "identity", plan[path].etag(coding))
        for path in SIX
        for coding in ("", "gzip", "br")
    }
    requested = {
        (str(request.url), request.headers["accept-encoding"], request.headers["if-none-match"])
        for request in world.looked
    }
    assert requested == expected
    assert {request.headers["cache-control"] for request in world.looked} == {"no-cache"}


@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_a_cache_that_is_behind_in_one_coding_is_waited_for(world, coding):
    def site(request: httpx.Request) -> httpx.Response:
        behind = request.headers["accept-encoding"] == coding
        return response(200, b"old") if behind else response(304)

    world.site = site
    report = world.send()
    assert (report.sent, report.waiting, report.late) == (0, 6, False)
    assert report.waiting_reason == f"{BASE}all.atom does not show the change yet"
    assert world.pinged == []
    assert world.due() == START + 1
    world.now += 40
    assert world.send().late
    assert world.due() == world.now + 21
    world.site = lambda request: response(304)
    world.now += 21
    assert world.send() == DeliveryReport(sent=6)


def test_the_wait_ends_when_no_cache_may_have_the_old_bytes(world):
    world.site = lambda request: response(200, b"old")
    world.now += 900 + 300 + 58
    assert world.send().sent == 0
    world.now += 61
    assert world.send().sent == 6


def test_a_host_with_other_tags_is_compared_by_bytes(world):
    def site(request: httpx.Request) -> httpx.Response:
        body = world.expected(str(request.url).removeprefix(BASE))
        return response(200, body, etag='"5e-60"')

    world.site = site
    assert world.send() == DeliveryReport(sent=6)


@pytest.mark.parametrize("change", [lambda body: body[:-1], lambda body: body + b" ", bytes.upper])
def test_other_bytes_are_not_the_change(world, change):
    def site(request: httpx.Request) -> httpx.Response:
        return response(200, change(world.expected("all.atom")))

    world.site = site
    assert world.send().sent == 0


def test_bytes_are_compared_decoded(world):
    def site(request: httpx.Request) -> httpx.Response:
        body = world.expected(str(request.url).removeprefix(BASE))
        if request.headers["accept-encoding"] != "gzip":
            return response(200, body)
        return response(200, gzip.compress(body), content_encoding="gzip")

    world.site = site
    assert world.send() == DeliveryReport(sent=6)


def test_a_small_reply_that_stands_for_gigabytes_fills_no_memory(world):
    bomb = brotli.compress(b"\0" * 100_000_000)

    def site(request: httpx.Request) -> httpx.Response:
        if request.headers["accept-encoding"] == "br":
            return response(200, bomb, content_encoding="br")
        return response(304)

    world.site = site
    tracemalloc.start()
    try:
        assert world.send().waiting_reason == f"{BASE}all.atom does not show the change yet"
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_weakened_tag_matches(world):
    def site(request: httpx.Request) -> httpx.Response:
        tag = request.headers["if-none-match"]
        return response(200, b"whatever", etag=f"W/{tag}")

    world.site = site
    assert world.send() == DeliveryReport(sent=6)


@pytest.mark.parametrize("status", [301, 404, 500, 503])
def test_another_status_is_not_the_change(world, status):
    world.site = lambda request: response(status)
    report = world.send()
    assert (report.sent, report.waiting_reason) == (0, f"{BASE}all.atom answers {status}")


def test_a_redirect_of_the_public_address_is_not_followed(world):
    world.site = lambda request: response(301, location=f"{BASE}elsewhere.atom")
    assert world.send().waiting_reason == f"{BASE}all.atom answers 301"


def test_a_large_document_is_compared_to_its_end():
    body = bytes(range(256)) * 4096
    planned: Any = SimpleNamespace(etag=lambda coding: '"own"')

    async def look(shown: bytes) -> str:
        transport = httpx.MockTransport(lambda _: response(200, shown, etag='"other"'))
        async with HttpClient(transport=transport) as client:
            return await why_not_visible(client, f"{BASE}all.atom", planned, lambda: body)

    assert asyncio.run(look(body)) == ""
    for shown in (body + b"x", body[:-1], body[:-1] + b"x"):
        assert asyncio.run(look(shown)) == f"{BASE}all.atom does not show the change yet"


def test_an_unreachable_public_address_is_reported(world):
    def site(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route to host")

    world.site = site
    assert world.send().waiting_reason == f"{BASE}all.atom cannot be requested: no route to host"


def test_a_public_address_that_hangs_is_reported_in_time(world):
    world.timeout = 0.05

    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(5)
        return response(304)

    world.answer = answer
    assert (
        world.send().waiting_reason
        == f"{BASE}all.atom cannot be requested: no answer within 0.05 seconds"
    )


def test_a_document_that_changes_during_the_look_is_not_pinged(world):
    def site(request: httpx.Request) -> httpx.Response:
        if len(world.looked) == 1:
            world.edit("One, edited again")
        return response(200, world.expected("all.atom"))

    world.site = site
    world.send()
    assert "all.atom" not in world.pinged


def test_without_look_the_ping_waits_two_seconds(tmp_path):
    world = make_world(tmp_path, websub__look=False)
    world.edit()
    world.now -= 1.25
    assert world.send().waiting_reason == "all.atom has only just changed"
    assert world.due() == world.now + 1.25  # and not longer
    world.now += 1.25
    assert world.send() == DeliveryReport(sent=6)
    assert world.looked == []


def test_with_look_the_ping_waits_two_seconds_too(world):
    world.now -= 0.5
    assert world.send().waiting_reason == "all.atom has only just changed"
    assert (world.looked, world.pinged) == ([], [])


# Missing addresses, hubs and catalogs


def test_an_address_that_is_gone_leaves_the_queue(world):
    world.bench.catalog._database.execute(
        "UPDATE changes SET path = 'gone.rss' WHERE path = 'all.rss'"
    )
    world.bench.catalog._database.execute(
        "UPDATE changes SET path = 'feeds.opml' WHERE path = 'all.json'"
    )
    assert world.send() == DeliveryReport(sent=4)
    assert {"gone.rss", "feeds.opml"}.isdisjoint(world.pinged)


def test_a_ping_by_hand_without_a_hub_is_an_error(tmp_path):
    world = make_world(tmp_path, websub__hub="")
    assert world.send() == DeliveryReport()
    with pytest.raises(ConfigError, match="no hub is configured"):
        world.send(by_hand=True)
    with pytest.raises(ConfigError, match="no hub is configured"):
        enqueue_all(SESSIONS, world.bench.catalog, START)


def test_a_catalog_of_another_version_is_an_error(world, monkeypatch):
    monkeypatch.setattr(Site, "matches_catalog", lambda self: False)
    with pytest.raises(CatalogError, match="another version"):
        world.send()
    assert world.bench.catalog.changes("hub").status().waiting == 6


def test_every_feed_can_be_enqueued(world):
    enqueue_all(SESSIONS, world.bench.catalog, START)
    assert world.send().sent == 6  # not those that are too early
    enqueue_all(SESSIONS, world.bench.catalog, START)
    assert world.send(by_hand=True) == DeliveryReport(sent=9)
    topics = {path for path, planned in world.bench.site.plan().items() if planned.is_topic}
    assert set(world.pinged[6:]) == topics


def test_enqueueing_every_feed_does_not_release_unpublished_changes(world):
    world.bench.write("one.md", title="Held back", topics=["AI"])
    world.bench.sync(LATER)
    enqueue_all(SESSIONS, world.bench.catalog, START)
    report = world.send(by_hand=True)
    assert (report.sent, report.waiting) == (3, 6)
