"""deploy/nginx/proxy.conf as nginx runs it, before an origin that a test holds in its hand."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.exchange import Response, exchange
from tests.origin import Origin
from tests.proxies import Proxy, nginx_proxy
from tests.servers import request, until

FEED = "/all.atom"
LONG = "public, max-age=600"
Fields = list[tuple[str, str | bytes]]


@pytest.fixture
def proxy(tmp_path: Path, behind: Origin) -> Iterator[Proxy]:
    with nginx_proxy(tmp_path / "nginx", [behind.address]) as running:
        yield running


def ask(proxy: Proxy, target: str = FEED, coding: str | None = None, **kwargs) -> Response:
    headers: Fields = [] if coding is None else [("Accept-Encoding", coding)]
    return request(proxy, kwargs.pop("method", "GET"), target, headers, **kwargs)


ACCEPTED = [
    (None, None),
    ("", None),
    ("identity", None),
    ("gzip", "gzip"),
    ("GZIP", "gzip"),
    ("x-gzip", "gzip"),
    ("deflate, gzip;q=1.0, *;q=0.5", "gzip"),
    ("deflate, gzip, br, zstd", "br"),
    ("br;q=1.0, gzip;q=0.8, *;q=0.1", "br"),
    ("br ; q=0.001", "br"),
    ("br;q=0, gzip", "gzip"),
    ("br;q=0.000,gzip;Q=0.1", "gzip"),
    ("gzip;q=0", None),
    ("gzip;q=0.000, *;q=0", None),
    ("brotli, notgzip, gzipped", None),
    ("gzip;q=nonsense", None),
    ("*", None),
    (",,;;==\t\x7f", None),
]


def test_the_origin_gets_requests_for_one_coding(proxy: Proxy, behind: Origin):
    for number, (accepted, coding) in enumerate(ACCEPTED):
        answer = ask(proxy, f"/{number}.atom", coding=accepted)
        assert behind.seen[-1][2].get("accept-encoding") == coding, accepted
        assert answer.header("content-encoding") == coding
        assert answer["vary"] == "Accept-Encoding"


def test_three_variants_are_cached_apart_and_requested_once_each(proxy: Proxy, behind: Origin):
    behind.cache_control = LONG
    tags = set()
    for _ in range(3):
        for coding in (None, "gzip", "br", "gzip, br"):
            tags.add(ask(proxy, coding=coding)["etag"])
    assert len(tags) == len(behind.seen) == 3


def test_browsers_have_entries_of_their_own_so_that_none_is_given_to_a_reader(
    proxy: Proxy, behind: Origin
):
    behind.cache_control = LONG
    html = "text/html,application/xhtml+xml,*/*;q=0.8"
    asked: list[tuple[Fields, tuple[str | None, str | None]]] = [
        ([], (None, None)),
        ([("Accept", "application/rss+xml, text/html")], (None, None)),
        ([("Sec-Fetch-Dest", "document")], (None, None)),
        ([("Accept", html)], ("text/html", None)),
        ([("Accept", html), ("Sec-Fetch-Dest", "empty")], ("text/html", None)),
        ([("Accept", html), ("Sec-Fetch-Dest", "document")], ("text/html", "document")),
    ]
    for _ in range(2):
        for fields, sent in asked:
            before = len(behind.seen)
            request(proxy, "GET", FEED, fields)
            if len(behind.seen) > before:
                seen = behind.seen[-1][2]
                assert (seen.get("accept"), seen.get("sec-fetch-dest")) == sent
    assert len(behind.seen) == 3, "readers, browsers, and those who open the address"


def test_a_query_never_reaches_the_origin(proxy: Proxy, behind: Origin):
    behind.cache_control = LONG
    for query in ("?utm_source=x", "", "?", "??", "?a=%0d%0a", "?/../x"):
        assert ask(proxy, FEED + query).body == FEED.encode()
    assert behind.targets() == [FEED]


HOSTILE = [
    "/x/../all.atom", "/x/%2e%2e/all.atom", "/x/..%2fall.atom", "/./all.atom", "/%61ll.atom",
    "//all.atom", "/x//../all.atom", "/%2fall.atom", "/all.atom%2f", "/all.atom/", "/all.atom/.",
    "/all.atom%0d%0aX-Injected:%201", "/all.atom%0d%0a%0d%0a", "/all.atom%20HTTP/1.1", "/ALL.atom",
    "/all.atom%3fa=1", "/all.atom%23", "/all.atom%252f", "/all.atom%C3%A9", "/all.atom%FF",
    "/x/../../all.atom", "/all.atom%00", "/all.atom;x=1", "/gzip:/all.atom", "http://evil.example/all.atom",
    "/a%5c..%5call.atom", "/br:/all.atom", "/..", "/%2e%2e%2fall.atom", "/?/all.atom",
]  # fmt: skip


@pytest.mark.parametrize("coding", [None, "gzip"])
def test_no_spelling_of_an_address_poisons_another(
    proxy: Proxy, behind: Origin, coding: str | None
):
    """The origin echoes the target, so a poisoned entry would show another's."""
    behind.cache_control = LONG
    for target in HOSTILE:
        answer = ask(proxy, target, coding)
        assert answer.status in {200, 400, 421}, target
        assert answer.header("x-injected") is None
    assert ask(proxy, FEED, coding).body == FEED.encode()
    assert len(behind.targets()) == len(set(behind.targets())), "one address has one entry"
    assert not [target for target in behind.targets() if "?" in target or " " in target]


def test_hostile_header_fields_never_reach_the_origin(proxy: Proxy, behind: Origin):
    hostile: Fields = [
        ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-For", "1.2.3.4"), ("Cookie", "a=b"),
        ("X-Forwarded-Proto", "https"), ("Forwarded", "host=evil.example"), ("A-IM", "feed"),
        ("X-Original-URL", "/evil"), ("X-HTTP-Method-Override", "DELETE"), ("Authorization", "x"),
        ("Range", "bytes=0-1"), ("If-None-Match", '"x"'), ("User-Agent", "a reader"),
    ]  # fmt: skip
    first = request(proxy, "GET", FEED, hostile)
    assert behind.seen == [
        (
            "GET",
            FEED,
            {
                "host": "feeds.example.org",
                "x-forwarded-for": "127.0.0.1",
                "user-agent": "a reader",
            },
        )
    ]
    assert (first.status, first.body) == (200, FEED.encode())


@pytest.mark.parametrize("host", ["evil.example", "feeds.example.org.evil.example", "a.localhost"])
def test_another_name_gets_nothing(proxy: Proxy, behind: Origin, host: str):
    answer = ask(proxy, host=host)
    assert (answer.status, answer["content-type"]) == (421, "text/plain")
    assert behind.seen == []


def test_a_trial_on_this_machine_is_served(proxy: Proxy, behind: Origin):
    """As with compose, which publishes port 8080 of localhost."""
    assert ask(proxy, host="localhost:8080").status == 200
    assert behind.seen[0][2]["host"] == "feeds.example.org"


def test_http_1_0_without_a_host_is_served_and_http_1_1_is_not(proxy: Proxy):
    assert ask(proxy, version="1.0", host=None).status == 200
    assert ask(proxy, host=None).status == 400


def test_concurrent_requests_for_a_new_document_reach_the_origin_once(proxy: Proxy, behind: Origin):
    behind.cache_control, behind.slow = LONG, 3.0
    with ThreadPoolExecutor(12) as pool:
        answers = [pool.submit(ask, proxy) for _ in range(12)]
        until(lambda: behind.seen, "the first request")
        behind.released.set()
        assert {answer.result().status for answer in answers} == {200}
    assert len(behind.seen) == 1


def test_a_head_is_answered_from_the_document_of_a_get(proxy: Proxy, behind: Origin):
    behind.cache_control = LONG
    full, head = ask(proxy), ask(proxy, method="HEAD")
    skipped = {"cache-status"}
    assert [pair for pair in full.headers if pair[0] not in skipped] == [
        pair for pair in head.headers if pair[0] not in skipped
    ]
    assert [method for method, _, _ in behind.seen] == ["GET"]


def test_a_404_is_cached_for_its_max_age(proxy: Proxy, behind: Origin):
    behind.status, behind.cache_control = 404, "public, max-age=60"
    assert [ask(proxy, "/none").status for _ in range(5)] == [404] * 5
    assert len(behind.seen) == 1


@pytest.mark.parametrize("status", [500, 503])
def test_an_error_that_must_not_be_stored_is_not(proxy: Proxy, behind: Origin, status: int):
    behind.status, behind.cache_control = status, "no-store"
    assert [ask(proxy).status for _ in range(3)] == [status] * 3
    assert len(behind.seen) >= 3


def test_the_cache_reports_its_action_in_cache_status(proxy: Proxy, behind: Origin):
    behind.cache_control = LONG
    assert ask(proxy)["cache-status"] == "feedhub; fwd=uri-miss"
    assert ask(proxy)["cache-status"] == "feedhub; hit"
    assert ask(proxy, method="OPTIONS")["cache-status"] == "feedhub; fwd=bypass"


def test_a_stored_answer_keeps_its_date_so_that_the_next_cache_knows_its_age(
    proxy: Proxy, behind: Origin
):
    behind.cache_control = LONG
    first = ask(proxy)["date"]
    time.sleep(1.1)
    assert ask(proxy)["date"] == first


def test_a_half_sent_request_is_closed(proxy: Proxy):
    with socket.create_connection(proxy.address, timeout=30) as silent:
        silent.sendall(b"GET /all.atom HTTP/1.1\r\nHost: feeds.example.org\r\n")
        assert silent.recv(100) in {b"", b"HTTP/1.1 408 Request Time-out"[:100]}


@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: feeds.example.org\r\n\r\n", {414}),
        (b"GET / HTTP/1.1\r\nHost: feeds.example.org\r\nA: " + b"a" * 40_000 + b"\r\n\r\n", {400}),
        (
            b"POST / HTTP/1.1\r\nHost: feeds.example.org\r\nContent-Length: 1025\r\n\r\n"
            + b"a" * 1025,
            {413},
        ),
        (b"GET / HTTP/1.1\r\nHost: feeds.example.org\r\nHost: evil.example\r\n\r\n", {400}),
        (
            b"GET / HTTP/1.1\r\nHost: feeds.example.org\r\nContent-Length: 3\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            {400},
        ),
    ],
)
def test_requests_beyond_the_limits_end_at_the_proxy(
    proxy: Proxy, behind: Origin, raw: bytes, statuses: set[int]
):
    assert exchange(proxy.address, raw).status in statuses
    assert behind.seen == []


def test_a_body_is_not_passed_on(proxy: Proxy, behind: Origin):
    body: Fields = [("Content-Length", "5")]
    answer = request(proxy, "POST", FEED, body, body=b"hello")
    assert answer.status == 200
    assert behind.seen[0][0] == "POST"
    assert behind.seen[0][2].get("content-length", "0") == "0"


def test_the_access_log_is_one_json_object_a_line(proxy: Proxy):
    request(proxy, "GET", FEED + '?"\\', [("User-Agent", 'a "reader" \x1b[31m\xff')])
    ask(proxy)
    until(lambda: len(proxy.log().splitlines()) == 2, "two lines")
    lines = proxy.log()
    first, second = map(json.loads, lines.splitlines())
    assert (first["agent"], second["agent"]) == ("(not ASCII)", "")
    assert (first["status"], first["cache"], second["cache"]) == (200, "MISS", "HIT")
    assert first["target"] == FEED + '?"\\'
    assert "\x1b" not in lines


def test_hundreds_of_connections_of_one_address_are_served(proxy: Proxy, behind: Origin):
    """Many readers share one address; only what no reader does is refused, with Retry-After."""
    behind.cache_control = LONG
    open_ones = [socket.create_connection(proxy.address, timeout=10) for _ in range(150)]
    try:
        assert threading.active_count() < 200
        assert ask(proxy).status == 200
    finally:
        for connection in open_ones:
            connection.close()


def test_the_query_of_a_search_reaches_the_origin_and_tells_answers_apart(proxy, behind):
    behind.cache_control = LONG
    for _ in range(2):
        for target in (
            "/search.rss?topic=ai",
            "/search.rss?topic=law",
            "/search/?q=a",
            "/search?q=a",
        ):
            assert ask(proxy, target).body == target.encode()
    for target in ("/x/../search.rss?topic=ai", "/%73earch.rss?topic=ai"):
        assert ask(proxy, target)["cache-status"] == "feedhub; hit"
    assert ask(proxy, "/searching.rss?topic=ai").body == b"/searching.rss"
    asked = ["/search.rss?topic=ai", "/search.rss?topic=law", "/search/?q=a", "/search?q=a"]
    assert behind.targets() == [*asked, "/searching.rss"]
