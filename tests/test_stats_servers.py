"""The logs of real servers, set up as deploy/ has them, tell what was really asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from feedhub.stats import Addresses, Report, statistics
from tests.exchange import Response
from tests.kit import article_text, make_bench
from tests.proxies import Proxy, caddy_proxy, caddy_static, nginx_proxy, nginx_static
from tests.renders import render_bench
from tests.servers import Server, request, serve, until

FEEDLY = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers)"
ODD = 'Odd "Reader"/1 \\ {x}'
ON_DEMAND_KINDS = 6
Running = tuple[Server | Proxy, Callable[[], str]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """feedhub itself, with one article."""
    folder = tmp_path_factory.mktemp("serve")
    with _serving(folder) as server:
        yield server


@contextmanager
def _serving(folder: Path, *more: str) -> Iterator[Server]:
    articles = folder / "articles"
    articles.mkdir()
    (articles / "a.md").write_text(article_text("A", topics=["AI"]), encoding="utf-8")
    with serve(folder, articles, *more) as server:
        yield server


@contextmanager
def _own(folder: Path, served: Server, form: str) -> Iterator[Running]:
    with _serving(folder, "--log", form) as server:
        begun = len(server.stdout())
        yield server, lambda: server.stdout()[begun:]


@contextmanager
def _proxied(folder: Path, served: Server, proxy: Callable[..., Any]) -> Iterator[Running]:
    address = served.address
    with proxy(folder / "proxy", [address] if proxy is nginx_proxy else address) as running:
        yield running, running.log


@contextmanager
def _static(folder: Path, served: Server, server: Callable[..., Any]) -> Iterator[Running]:
    bench = make_bench(folder)
    bench.write("a.md", topics=["AI"])
    render_bench(bench, folder / "public")
    bench.catalog.close()
    with server(folder / "server", folder / "public") as running:
        yield running, running.log


SERVERS: dict[str, tuple[Callable[..., Any], object]] = {
    "feedhub, text": (_own, "text"),
    "feedhub, json": (_own, "json"),
    "nginx before feedhub": (_proxied, nginx_proxy),
    "Caddy before feedhub": (_proxied, caddy_proxy),
    "nginx": (_static, nginx_static),
    "Caddy": (_static, caddy_static),
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_log_tells_what_was_asked(name: str, tmp_path: Path, served: Server):
    start, how = SERVERS[name]
    with start(tmp_path, served, how) as (server, log):
        size = _ask(server)
        until(lambda: log().count("\n") >= ON_DEMAND_KINDS, lambda: f"lines are missing:\n{log()}")
        (tmp_path / "the.log").write_text(log(), encoding="utf-8")
    told = statistics([str(tmp_path / "the.log")], Addresses(titles={"all": "", "topics/ai": ""}))
    _check(told, size)


def _ask(server: Server | Proxy) -> int:
    """Ask as a service and a reader do; return the size of the feed as it was sent."""

    address = server.address
    assert isinstance(address, tuple)
    host = f"{address[0]}:{address[1]}"  # Caddy logs by host and port

    def ask(method: str, target: str, fields: list[tuple[str, str | bytes]]) -> Response:
        return request(server, method, target, fields, host=host)

    coding, service, reader = (
        ("Accept-Encoding", "gzip"),
        ("User-Agent", FEEDLY),
        ("User-Agent", ODD),
    )
    first = ask("GET", "/all.rss?utm_source=x", [coding, service])
    known = ("If-None-Match", first["etag"])
    answers = [
        first,
        ask("GET", "/all.rss", [coding, service, known]),
        ask("GET", "/all.rss", [coding, reader, known]),
        ask("HEAD", "/all.rss", [coding, reader, known]),
        ask("GET", "/topics/none.rss", [reader]),
        ask("GET", "/", [reader]),
    ]
    assert [answer.status for answer in answers] == [200, 304, 304, 304, 404, 200]
    return len(first.body)


def _check(told: Report, size: int) -> None:
    assert (told.unreadable, told.answers, told.others) == (0, ON_DEMAND_KINDS, 3)
    (feed,) = told.feeds
    assert (feed.feed, [row.format for row in feed.documents]) == ("all", ["rss"])
    assert (feed.audience.reported, feed.audience.single) == (12, 1)
    assert (feed.served.requests, feed.served.full, feed.served.unchanged) == (3, 1, 2)
    assert (feed.served.sent, feed.served.saved) == (size, 2 * size)
    assert {row.name for row in told.readers} >= {"Feedly", "Odd"}
    assert told.unread == ("topics/ai",)
