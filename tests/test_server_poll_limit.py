"""`http.poll_limit`: 429 for an address that gets a feed in full too often."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feedhub.errors import CatalogError
from feedhub.server import poll_limit
from feedhub.server.poll_limit import LimitedDocuments, PollLimit, is_exempt
from feedhub.server.run import make_documents
from tests.fronts import HOST, Front, Reply, call_app, front_of, scope_of, two_articles

LIMIT, MAX_AGE = 3, 900
FEEDLY = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 3 subscribers)"


class Clock:
    """A clock that a test moves."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock()


@pytest.fixture
def front(tmp_path: Path, clock: Clock) -> Iterator[Front]:
    bench = two_articles(tmp_path)
    with front_of(bench) as front:
        app = make_documents(front.builder, LIMIT)
        assert isinstance(app, LimitedDocuments)
        app._limit = PollLimit(LIMIT, clock)
        front.app = app
        yield front
    bench.catalog.close()


def ask(
    front: Front, target: str = "/all.rss", client: str = "192.0.2.7", method: str = "GET",
    **fields: str,
) -> Reply:  # fmt: skip
    scope: Any = scope_of(target, method, **HOST, **fields) | {"client": (client, 1)}
    return front.runner.run(call_app(front.app, scope))


def statuses(front: Front, times: int, **options: Any) -> list[int]:
    return [ask(front, **options).status for _ in range(times)]


def test_the_poll_above_the_limit_gets_429_until_the_window_ends(front, clock):
    assert statuses(front, LIMIT) == [200] * LIMIT
    clock.now += 100.5
    refused = ask(front)
    assert (refused.status, refused.fields["retry-after"]) == (429, "800")
    assert refused.fields["cache-control"] == "no-store"
    assert refused.fields["date"]
    assert b"If-None-Match" in refused.body
    clock.now += 799.5
    assert statuses(front, LIMIT + 1) == [200] * LIMIT + [429]


def test_who_sends_validators_is_never_limited(front):
    etag = ask(front, client="192.0.2.1").fields["etag"]
    assert set(statuses(front, 20, if_none_match=etag)) == {304}
    assert set(statuses(front, 20, if_none_match='"another"')) == {200}
    assert set(statuses(front, 20, if_modified_since="Thu, 01 Jan 1970 00:00:00 GMT")) == {200}
    assert statuses(front, LIMIT + 1) == [200] * LIMIT + [429]
    assert set(statuses(front, 5, if_none_match=etag)) == {304}


@pytest.mark.parametrize(
    ("agent", "exempt"),
    [
        (FEEDLY, True),
        ("NewsBlur Feed Fetcher - 7 subscribers", True),
        ("feedhub/0.1 (+https://feeds.example.org/)", True),
        ("Miniflux/2.1", False),
        ("python-requests/2.31", False),
        ("", False),
    ],
)
def test_services_that_fetch_for_many_people_are_apart(agent, exempt):
    assert is_exempt(agent.encode()) is exempt


def test_services_are_served(front):
    assert set(statuses(front, 20, user_agent=FEEDLY)) == {200}
    hidden = "x" * 10_000 + FEEDLY  # only the beginning is looked at
    assert statuses(front, LIMIT + 1, user_agent=hidden)[-1] == 429


@pytest.mark.parametrize(
    ("target", "method"),
    [("/", "GET"), ("/feeds.opml", "GET"), ("/all/", "GET"), ("/all.rss", "HEAD")],
)
def test_only_feeds_are_limited(front, target, method):
    assert set(statuses(front, 20, target=target, method=method)) == {200}


def test_each_feed_and_each_household_is_counted_by_itself(front):
    assert statuses(front, LIMIT + 1)[-1] == 429
    assert statuses(front, LIMIT, target="/all.atom") == [200] * LIMIT
    assert statuses(front, LIMIT, client="192.0.2.8") == [200] * LIMIT
    for number in range(LIMIT):
        assert ask(front, client=f"2001:db8::{number}").status == 200
    assert ask(front, client="2001:db8::ffff").status == 429
    assert ask(front, client="2001:db8:1::1").status == 200


def test_a_429_is_logged_and_counted(front):
    statuses(front, LIMIT + 1)
    front.refresh()
    assert " 429 " in front.log.getvalue().splitlines()[-1]
    count = front.metrics.registry.get_sample_value
    assert count("feedhub_requests_total", {"format": "none", "status": "429"}) == 1


def test_what_is_counted_is_bounded_and_forgotten_in_order(clock, monkeypatch):
    monkeypatch.setattr(poll_limit, "MAX_COUNTED", 100)
    limit = PollLimit(1, clock)
    assert limit.seconds_to_wait("192.0.2.1", "/all.rss", MAX_AGE) == 0
    assert limit.seconds_to_wait("192.0.2.1", "/all.rss", MAX_AGE) == MAX_AGE
    for number in range(200):
        limit.seconds_to_wait(f"198.51.100.{number}", "/all.rss", MAX_AGE)
    assert len(limit._counts) == 100
    assert limit.seconds_to_wait("192.0.2.1", "/all.rss", MAX_AGE) == 0


def test_before_the_first_sync_nothing_is_counted(front):
    front.builder.reader.snapshot = None
    assert ask(front).status == 503


def test_without_a_limit_the_application_is_the_one_without_a_count(front):
    """A 304 then costs what it always has."""
    assert type(make_documents(front.builder, 0)).__name__ == "Documents"


def test_a_catalog_that_cannot_be_read_limits_nobody(front, monkeypatch):
    async def fail(path: str) -> None:
        raise CatalogError("locked")

    monkeypatch.setattr(front.builder, "find", fail)
    assert statuses(front, LIMIT + 1) == [503] * (LIMIT + 1)
