"""Streams of changes over the network: clients of others, workers, proxies, a browser."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource, ServerSentEvent, connect_sse

from tests.browsers import JUDGES, require_browser
from tests.kit import article_text
from tests.proxies import apache_proxy, caddy_proxy, nginx_proxy
from tests.servers import Server, free_port, serve, until

TOML = '[http]\nevents = 50\nmax_age = 0\n[site]\nlanguage = "pl"\n'
TIMEOUT = 30.0


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    publish(folder, "A")
    return folder


def publish(folder: Path, title: str, day: str = "2020-06-09") -> None:
    text = article_text(title, topics=["AI"], publishedDateTime=f"{day}T11:00:00Z")
    (folder / f"{title}.md").write_text(text, encoding="utf-8")


class Reader:
    """A stream as an independent client reads it."""

    def __init__(self, stack: ExitStack, url: str, last: str = "") -> None:
        client = stack.enter_context(httpx.Client(timeout=TIMEOUT))
        headers = {"host": "feeds.example.org"} | ({"last-event-id": last} if last else {})
        source: EventSource = stack.enter_context(connect_sse(client, "GET", url, headers=headers))
        self._events = source.iter_sse()

    def next(self) -> tuple[ServerSentEvent, list[str]]:
        """Return the next event with articles and their titles; raises StopIteration at the end."""
        # A stream that says nothing new must not hold up the test for ever.
        with ThreadPoolExecutor(1) as thread:
            event = thread.submit(self._next).result(TIMEOUT)
        if event is None:
            raise StopIteration
        return event, [article["title"] for article in event.json()["articles"]]

    def _next(self) -> ServerSentEvent | None:
        return next((event for event in self._events if event.data), None)


def test_streams_reach_clients_through_workers_and_proxies(tmp_path: Path, articles: Path):
    folder = tmp_path / "serve"
    folder.mkdir()
    with ExitStack() as stack:
        server = stack.enter_context(serve(folder, articles, "--workers", "2", toml=TOML))
        assert isinstance(server.address, tuple)
        proxies = [
            stack.enter_context(nginx_proxy(tmp_path / "nginx", [server.address])),
            stack.enter_context(caddy_proxy(tmp_path / "caddy", server.address)),
            stack.enter_context(apache_proxy(tmp_path / "apache", server.address)),
        ]
        urls = [server.url, *(proxy.url for proxy in proxies)]
        readers = [Reader(stack, f"{url}/events?feed=topics/ai&after=x") for url in urls]
        first = [reader.next() for reader in readers]
        assert [(event.event, titles) for event, titles in first] == [("reset", ["A"])] * 4
        assert {event.retry for event, _ in first} == {5000}
        publish(articles, "B", "2021-01-01")
        events = [reader.next() for reader in readers]

        assert [titles for _, titles in events] == [["B"]] * 4
        assert {event.id for event, _ in events} != {first[0][0].id}
        until(lambda: "feedhub_event_streams 4.0" in server.metrics(), server.metrics)
        for url in urls:  # a client that returns goes on where it was
            again = Reader(stack, f"{url}/events?feed=topics/ai", last=first[0][0].id)
            assert again.next()[1] == ["B"]
        assert server.stop() == 0
        for reader in readers:
            with pytest.raises(StopIteration):
                reader.next()
        assert "connection" not in server.stderr(), server.stderr()


@pytest.fixture
def watched(tmp_path: Path, articles: Path) -> Iterator[tuple[Server, subprocess.Popen[str]]]:
    """A server, and a browser that has opened the page of a feed."""
    browser = require_browser()
    folder = tmp_path / "serve"
    folder.mkdir()
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with (
        serve(folder, articles, "--port", str(port), toml=TOML, base_url=base) as server,
        subprocess.Popen(
            ["node", str(JUDGES / "events.mjs"), browser, f"{base}/topics/ai/"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"HOME": str(folder)},
        ) as process,
    ):
        yield server, process


def test_an_open_page_tells_of_new_articles(
    watched: tuple[Server, subprocess.Popen[str]], articles: Path
):
    server, process = watched
    assert process.stdin

    def see() -> dict[str, Any]:
        assert process.stdout
        found: dict[str, Any] = json.loads(process.stdout.readline())
        return found

    def tell(word: str) -> dict[str, Any]:
        assert process.stdin
        print(word, file=process.stdin, flush=True)
        return see()

    assert see() == {"text": "", "role": "status"}
    until(lambda: "feedhub_event_streams 1.0" in server.metrics(), server.metrics)
    publish(articles, "B", "2021-01-01")
    assert tell("") == {"text": "1 nowy artykuł"}
    for name in ("C", "D"):
        publish(articles, name, "2021-01-01")
    texts = {"2 nowe artykuły", "3 nowe artykuły"}
    while (seen := tell("")["text"]) != "3 nowe artykuły":
        assert seen in texts
    after = tell("click")
    assert (after["text"], after["titles"]) == ("", ["B", "C", "D", "A"])
    process.stdin.close()
    assert see() == {"errors": [], "foreign": []}
    assert process.wait(TIMEOUT) == 0
