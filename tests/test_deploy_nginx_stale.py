"""How long deploy/nginx/proxy.conf keeps an answer, and what it does when the origin is away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange import Response, exchange
from tests.origin import Origin, origin
from tests.proxies import Proxy, nginx_proxy
from tests.servers import free_port, request, until

FEED = "/all.atom"
# nginx counts in whole seconds: what it kept at 0.9 s is one second old at 1.1 s.
GRAIN = 1.0
KEPT = b"GET /all.atom HTTP/1.1\r\nHost: feeds.example.org\r\n\r\n"


@pytest.fixture
def proxy(tmp_path: Path, behind: Origin) -> Iterator[Proxy]:
    with nginx_proxy(tmp_path / "nginx", [behind.address]) as running:
        yield running


def ask(proxy: Proxy) -> Response:
    return request(proxy, "GET", FEED)


def old_until(proxy: Proxy, new: bytes, started: float) -> float:
    """Ask until `new` comes; return the latest start of a request that still got the old body."""
    last = started
    end = started + 60
    while time.monotonic() < end:
        now = time.monotonic()
        if ask(proxy).body == new:
            return last
        last = now
        time.sleep(0.05)
    raise AssertionError("the old body never went away")


@pytest.mark.parametrize(("fresh", "while_asking"), [(1, 0), (1, 2), (2, 1)])
def test_no_old_body_is_given_later_than_freshness_and_stale_while_revalidate(
    proxy: Proxy, behind: Origin, fresh: int, while_asking: int
):
    behind.cache_control = (
        f"public, max-age={fresh}, stale-while-revalidate={while_asking}, stale-if-error=60"
    )
    behind.body = b"old"
    ask(proxy)
    behind.body, changed = b"new", time.monotonic()
    time.sleep(fresh + while_asking)  # a reader that comes as late as it may
    assert old_until(proxy, b"new", changed) <= changed + fresh + while_asking + GRAIN


def test_while_it_asks_in_the_background_readers_do_not_wait(proxy: Proxy, behind: Origin):
    behind.cache_control = "public, max-age=1, stale-while-revalidate=60"
    behind.body = b"old"
    ask(proxy)
    behind.body, behind.slow = b"new", 60.0
    until(lambda: "stale" in exchange(proxy.address, KEPT)["cache-status"], "a stale answer")
    for _ in range(5):
        assert exchange(proxy.address, KEPT).body == b"old", "answered while the origin thinks"
    assert len(behind.seen) == 2
    behind.released.set()
    until(lambda: ask(proxy).body == b"new", "the new body")


def test_with_the_origin_down_the_old_body_lives_for_stale_if_error_and_no_longer(
    proxy: Proxy, behind: Origin
):
    behind.cache_control = "public, max-age=1, stale-while-revalidate=1, stale-if-error=3"
    assert ask(proxy).status == 200
    behind.down, stored = True, time.monotonic()
    statuses: list[int] = []
    while (asked := time.monotonic()) < stored + 30 and (not statuses or statuses[-1] == 200):
        statuses.append(ask(proxy).status)
        if statuses[-1] == 200:
            assert asked <= stored + 1 + 3 + GRAIN
        time.sleep(0.05)
    last = ask(proxy)
    assert (last.status, last["retry-after"], last["cache-control"]) == (503, "30", "no-store")
    assert last["content-type"] == "text/plain"
    assert len(statuses) > 2, "it was served while the origin was down"
    behind.down = False
    until(lambda: ask(proxy).status == 200, "the origin is back")


@pytest.mark.parametrize("status", [404, 410, 503])
def test_every_response_of_feedhub_replaces_a_stale_one(proxy: Proxy, behind: Origin, status: int):
    behind.cache_control = "public, max-age=1, stale-if-error=600"
    ask(proxy)
    behind.status = status
    until(lambda: ask(proxy).status == status, "the origin's new word", seconds=20)


def test_a_lifetime_that_was_shortened_reaches_readers_though_the_document_is_the_same(
    proxy: Proxy, behind: Origin
):
    """feedhub shortens it when an article is due; a 304 would leave the old one standing."""
    behind.cache_control = "public, max-age=1"
    ask(proxy)
    behind.cache_control = "public, max-age=60"
    until(lambda: ask(proxy)["cache-control"] == "public, max-age=60", "the new lifetime", 20)


def test_the_cache_forgets_at_once_when_its_files_are_deleted(proxy: Proxy, behind: Origin):
    behind.cache_control, behind.body = "public, max-age=600", b"old"
    ask(proxy)
    behind.body = b"new"
    assert ask(proxy).body == b"old"
    for path in (proxy.folder / "cache").rglob("*"):
        if path.is_file():
            path.unlink()
    assert ask(proxy).body == b"new"


def test_a_dead_backend_costs_no_request(tmp_path: Path, behind: Origin):
    behind.cache_control = "no-store"
    dead = ("127.0.0.1", free_port())
    with nginx_proxy(tmp_path / "nginx", [dead, behind.address, dead]) as proxy:
        assert {ask(proxy).status for _ in range(30)} == {200}


def test_a_backend_that_is_not_ready_hands_over_to_one_that_is(tmp_path: Path, behind: Origin):
    with origin() as starting:
        starting.status = 503
        starting.cache_control = behind.cache_control = "no-store"
        backends = [starting.address, behind.address]
        with nginx_proxy(tmp_path / "nginx", backends) as proxy:
            assert {ask(proxy).status for _ in range(20)} == {200}
        assert starting.seen


def test_connections_to_the_origin_are_reused(proxy: Proxy, behind: Origin):
    behind.cache_control = "no-store"
    for _ in range(40):
        ask(proxy)
    assert len(behind.seen) == 40
    assert behind.connections <= 4, "at most two a worker"
