"""deploy/caddy/Caddyfile before an origin that a test holds in its hand, and before feedhub."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.exchange import Response, exchange
from tests.kit import article_text
from tests.origin import Origin
from tests.proxies import Proxy, caddy_proxy
from tests.servers import free_port, request, serve, until

Fields = list[tuple[str, str | bytes]]
FEED = "/all.atom"


@pytest.fixture
def proxy(tmp_path: Path, behind: Origin) -> Iterator[Proxy]:
    with caddy_proxy(tmp_path / "caddy", behind.address) as running:
        yield running


def ask(proxy: Proxy, coding: str | None = None, method: str = "GET") -> Response:
    fields: Fields = [] if coding is None else [("Accept-Encoding", coding)]
    return request(proxy, method, FEED, fields)


@pytest.mark.parametrize("coding", [None, "gzip", "br"])
def test_a_coding_is_requested_only_for_a_client_that_accepts_it(
    proxy: Proxy, behind: Origin, coding: str | None
):
    """Left to itself Caddy asks for gzip and unpacks it, under the tag of the packed one."""
    answer = ask(proxy, coding)
    assert behind.seen[-1][2].get("accept-encoding") == coding
    assert answer.header("content-encoding") == coding
    assert answer["content-length"] == str(len(FEED))


def test_feedhub_sees_its_own_name_and_no_strangers_word_on_it(proxy: Proxy, behind: Origin):
    hostile: Fields = [
        ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "gopher"),
        ("Forwarded", "host=evil.example"), ("X-Forwarded-For", "1.2.3.4"),
    ]  # fmt: skip
    request(proxy, "GET", FEED, hostile, host="127.0.0.1")
    fields = behind.seen[-1][2]
    assert fields["host"] == "feeds.example.org"
    assert fields["x-forwarded-for"] == "127.0.0.1"
    assert not {"x-forwarded-host", "x-forwarded-proto", "forwarded"} & set(fields)


def test_another_name_gets_nothing(proxy: Proxy, behind: Origin):
    answer = request(proxy, "GET", FEED, host="evil.example")
    assert answer.status == 421
    assert b"does not know that name" in answer.body
    assert behind.seen == []


def test_no_server_is_named(proxy: Proxy):
    assert ask(proxy).header("server") is None


@pytest.mark.parametrize("size", [9_999, 40_000])
def test_more_header_than_a_reader_sends_is_refused_when_it_is_absurd(proxy: Proxy, size: int):
    raw = b"GET / HTTP/1.1\r\nHost: feeds.example.org\r\nA: " + b"a" * size + b"\r\n\r\n"
    assert exchange(proxy.address, raw).status == (431 if size > 36_000 else 200)


def test_without_feedhub_a_request_waits_and_gets_a_503_with_retry_after(
    tmp_path: Path,
):
    with caddy_proxy(tmp_path / "caddy", ("127.0.0.1", free_port())) as proxy:
        answer = ask(proxy)
    assert (answer.status, answer["retry-after"], answer["cache-control"]) == (
        503,
        "30",
        "no-store",
    )
    assert answer["content-type"] == "text/plain; charset=utf-8"


def test_the_access_log_is_one_json_object_a_line(proxy: Proxy):
    host = f"{proxy.address[0]}:{proxy.address[1]}"  # Caddy logs by host and port
    request(proxy, "GET", FEED, host=host)
    until(lambda: len(proxy.log().splitlines()) == 1, "a line")
    line = json.loads(proxy.log())
    assert (line["status"], line["request"]["uri"]) == (200, FEED)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", line["ts"])


def test_a_restart_of_feedhub_costs_no_request(tmp_path: Path):
    articles, folder, port = tmp_path / "articles", tmp_path / "serve", free_port()
    articles.mkdir()
    folder.mkdir()
    (articles / "one.md").write_text(article_text("One"), encoding="utf-8")
    statuses: list[int] = []
    stop = threading.Event()

    def read(proxy: Proxy) -> None:
        while not stop.is_set():
            statuses.append(ask(proxy).status)
            stop.wait(0.02)

    with (
        caddy_proxy(tmp_path / "caddy", ("127.0.0.1", port)) as proxy,
        ThreadPoolExecutor(1) as pool,
    ):
        with serve(folder, articles, "--port", str(port)) as server:
            reader = pool.submit(read, proxy)
            until(lambda: len(statuses) > 10, "some requests")
            assert server.stop() == 0
        with serve(folder, articles, "--port", str(port)):
            seen = len(statuses)
            until(lambda: len(statuses) > seen + 10, "some requests")
            stop.set()
            reader.result()
    assert set(statuses) == {200}
