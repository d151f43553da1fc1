"""The logs of real servers, configured as in deploy/, give the requests that were sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from feedhub.stats import SiteFeeds, TrafficReport, analyze_logs
from tests.exchange import Response
from tests.kit import article_text, make_bench
from tests.proxies import Proxy, caddy_proxy, caddy_static, nginx_proxy, nginx_static
from tests.renders import render_bench
from tests.servers import Server, request, serve, until

FEEDLY = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers)"
ODD = 'Odd "Reader"/1 \\ {x}'
SENT_REQUESTS = 6
Running = tuple[Server | Proxy, Callable[[], str]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A feedhub server with one article."""
    folder = tmp_path_factory.mktemp("serve")
    with _feedhub(folder) as server:
        yield server


@contextmanager
def _feedhub(folder: Path, *more: str) -> Iterator[Server]:
    articles = folder / "articles"
    articles.mkdir()
    (articles / "a.md").write_text(article_text("A", topics=["AI"]), encoding="utf-8")
    with serve(folder, articles, *more) as server:
        yield server


@contextmanager
def _feedhub_alone(folder: Path, served: Server, form: str) -> Iterator[Running]:
    with _feedhub(folder, "--log", form) as server:
        before = len(server.stdout())
        yield server, lambda: server.stdout()[before:]


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
    "feedhub, text": (_feedhub_alone, "text"),
    "feedhub, json": (_feedhub_alone, "json"),
    "nginx before feedhub": (_proxied, nginx_proxy),
    "Caddy before feedhub": (_proxied, caddy_proxy),
    "nginx": (_static, nginx_static),
    "Caddy": (_static, caddy_static),
}


@pytest.mark.parametrize("name", SERVERS)
def test_the_log_of_a_server_gives_the_requests_that_were_sent(
    name: str, tmp_path: Path, served: Server
):
    start, how = SERVERS[name]
    with start(tmp_path, served, how) as (server, log):
        size = _send_requests(server)
        until(lambda: log().count("\n") >= SENT_REQUESTS, lambda: f"lines are missing:\n{log()}")
        (tmp_path / "the.log").write_text(log(), encoding="utf-8")
    feeds = SiteFeeds(titles={"all": "", "topics/ai": ""})
    report = analyze_logs([str(tmp_path / "the.log")], feeds)
    _check_report(report, size)


def _send_requests(server: Server | Proxy) -> int:
    """Send the requests of a service and a reader; return the size of the feed as it was sent."""

    address = server.address
    assert isinstance(address, tuple)
    host = f"{address[0]}:{address[1]}"  # Caddy logs by host and port

    def send(method: str, target: str, fields: list[tuple[str, str | bytes]]) -> Response:
        return request(server, method, target, fields, host=host)

    coding = ("Accept-Encoding", "gzip")
    service, reader = ("User-Agent", FEEDLY), ("User-Agent", ODD)
    first = send("GET", "/all.rss?utm_source=x", [coding, service])
    validator = ("If-None-Match", first["etag"])
    responses = [
        first,
        send("GET", "/all.rss", [coding, service, validator]),
        send("GET", "/all.rss", [coding, reader, validator]),
        send("HEAD", "/all.rss", [coding, reader, validator]),
        send("GET", "/topics/none.rss", [reader]),
        send("GET", "/", [reader]),
    ]
    assert [response.status for response in responses] == [200, 304, 304, 304, 404, 200]
    return len(first.body)


def _check_report(report: TrafficReport, size: int) -> None:
    assert report.unreadable_lines == 0
    assert (report.requests, report.other_requests) == (SENT_REQUESTS, 3)
    (feed,) = report.feeds
    assert (feed.feed, [row.format for row in feed.documents]) == ("all", ["rss"])
    assert (feed.audience.reported, feed.audience.individuals) == (12, 1)
    assert (feed.traffic.requests, feed.traffic.full, feed.traffic.not_modified) == (3, 1, 2)
    assert (feed.traffic.bytes_sent, feed.traffic.bytes_saved) == (size, 2 * size)
    assert {row.name for row in report.readers} >= {"Feedly", "Odd"}
    assert report.feeds_without_readers == ("topics/ai",)
