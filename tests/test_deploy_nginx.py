"""feedhub behind deploy/nginx/proxy.conf: what nobody may break, and what nobody may notice."""

from __future__ import annotations

import json
import random
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.exchange import Response
from tests.kit import article_text
from tests.proxies import Proxy, nginx_proxy
from tests.servers import Server, free_port, request, serve, start, until

Fields = list[tuple[str, str | bytes]]
FEED = "/all.atom"
FRESH, REVALIDATE, ERROR = 2, 1, 3
SHORT = (
    f"[http]\nmax_age = {FRESH}\nstale_while_revalidate = {REVALIDATE}\nstale_if_error = {ERROR}\n"
)
# nginx counts in whole seconds.
GRAIN = 1.0


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    for name in ("Kept", "Withdrawn"):
        (folder / f"{name}.md").write_text(article_text(name), encoding="utf-8")
    return folder


@contextmanager
def both(tmp_path: Path, articles: Path, toml: str = "") -> Iterator[tuple[Proxy, Server]]:
    """Run feedhub with nginx before it."""
    folder = tmp_path / "serve"
    folder.mkdir()
    with serve(folder, articles, toml=toml) as server:
        address = server.address
        assert isinstance(address, tuple)
        with nginx_proxy(tmp_path / "nginx", [address]) as proxy:
            yield proxy, server


def ask(place: Proxy | Server, target: str = FEED, **fields: str) -> Response:
    headers: Fields = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return request(place, "GET", target, headers)


def holds(answer: Response, title: bytes) -> bool:
    return answer.status == 200 and title in answer.body


def asked(server: Server, target: str) -> int:
    """Return how often feedhub answered for a target, by its access log."""
    return server.stdout().count(f'"GET {target} ')


def test_queries_reach_feedhub_once_for_each_coding(tmp_path: Path, articles: Path):
    with both(tmp_path, articles) as (proxy, server):
        seen = set()
        for number in range(300):
            query = f"{random.choice(['utm_source=x', 'a', 'null', ''])}&{number}={random.random()}"
            for coding in ("identity", "gzip", "br, gzip"):
                answer = ask(proxy, f"{FEED}?{query}", Accept_Encoding=coding)
                assert answer.status == 200
                seen.add(answer["etag"])
        assert len(seen) == 3
        until(lambda: asked(server, FEED) >= 3, "the access log")
        assert server.stdout().count(FEED) == 3, "no query either"


def test_a_poisoned_host_changes_nothing_and_never_enters_the_cache(tmp_path: Path, articles: Path):
    with both(tmp_path, articles) as (proxy, server):
        for target in (FEED, "/all.rss", "/all.json", "/feeds.opml", "/", "/none", "/feed"):
            honest = ask(server, target)
            for fields in (
                {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"},
                {"Forwarded": "host=evil.example;proto=gopher", "X-Host": "evil.example"},
                {"X-Original-URL": "/evil", "X-Rewrite-URL": "/evil", "Via": "evil.example"},
            ):
                answer = request(proxy, "GET", target, [*fields.items()])
                assert (answer.status, answer.body) == (honest.status, honest.body), target
                assert answer.all("link") + answer.all("location") == honest.all(
                    "link"
                ) + honest.all("location")
            foreign = request(proxy, "GET", target, host="evil.example")
            assert foreign.status == 421
            absolute = request(proxy, "GET", f"http://evil.example{target}")
            assert absolute.status == 421
        stored = [
            path.read_bytes() for path in (proxy.folder / "cache").rglob("*") if path.is_file()
        ]
        assert stored
        assert not [content for content in stored if b"evil" in content or b"gopher" in content]


def search_at_once(proxy: Proxy, source: str, count: int) -> list[bytes]:
    """Send different searches from one address; return the responses of the first second."""
    sockets = []
    for number in range(count):
        client = socket.create_connection(proxy.address, source_address=(source, 0))
        head = f"GET /search.rss?q=a&not_topic=x{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        client.sendall(f"{head}Connection: close\r\n\r\n".encode())
        sockets.append(client)
    end, answers = time.monotonic() + 2, []
    while waiting := max(0.0, end - time.monotonic()):
        readable, _, _ = select.select(sockets, [], [], waiting)
        for client in readable:
            answers.append(client.recv(65_536, socket.MSG_WAITALL))
            client.close()
            sockets.remove(client)
        if not sockets:
            break
    for client in sockets:
        client.close()
    return answers


def test_a_client_that_sends_many_searches_is_slowed_and_then_refused(
    tmp_path: Path, articles: Path
):
    with both(tmp_path, articles) as (proxy, _):
        answers = search_at_once(proxy, "127.0.0.1", 120)
        good = [answer for answer in answers if answer.startswith(b"HTTP/1.1 200 ")]
        refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")]
        assert len(good) >= 20
        assert len(refused) >= 40
        assert len(good) + len(refused) == len(answers) < 120
        for answer in refused:
            assert b"\r\nRetry-After: 30\r\n" in answer
            assert b"\r\nCache-Control: no-store\r\n" in answer
        # Only its own searches are limited.
        assert {ask(proxy, target).status for target in (FEED, "/", "/all.rss") * 40} == {200}
        (other,) = search_at_once(proxy, "127.0.0.2", 1)
        assert other.startswith(b"HTTP/1.1 200 ")


def withdraw(articles: Path, server: Server) -> float:
    """Withdraw an article; return when feedhub itself no longer gives it."""
    text = article_text("Withdrawn", published=False)
    (articles / "Withdrawn.md").write_text(text, encoding="utf-8")
    until(lambda: not holds(ask(server), b"Withdrawn"), "feedhub notices")
    return time.monotonic()


def last_seen(proxy: Proxy, title: bytes, gone: Callable[[Response], bool]) -> float:
    """Ask until `gone`; return when the last request that still got the title began."""
    last, end = time.monotonic(), time.monotonic() + 60
    while (now := time.monotonic()) < end:
        answer = ask(proxy)
        if holds(answer, title):
            last = now
        elif gone(answer):
            return last
        time.sleep(0.05)
    raise AssertionError("it is still there")


def test_a_withdrawn_article_is_gone_from_the_cache_within_the_bound(
    tmp_path: Path, articles: Path
):
    with both(tmp_path, articles, SHORT) as (proxy, server):
        assert holds(ask(proxy), b"Withdrawn")
        withdrawn = withdraw(articles, server)
        last = last_seen(proxy, b"Withdrawn", lambda answer: holds(answer, b"Kept"))
        assert last <= withdrawn + FRESH + REVALIDATE + GRAIN
        assert not holds(ask(proxy), b"Withdrawn")


def test_a_withdrawn_article_is_gone_within_the_bound_with_feedhub_down(
    tmp_path: Path, articles: Path
):
    with both(tmp_path, articles, SHORT) as (proxy, server):
        assert holds(ask(proxy), b"Withdrawn")
        withdrawn = withdraw(articles, server)
        assert server.stop() == 0
        last = last_seen(proxy, b"Withdrawn", lambda answer: answer.status == 503)
        assert last <= withdrawn + FRESH + max(REVALIDATE, ERROR) + GRAIN
        assert ask(proxy)["retry-after"] == "30"


class Load:
    """Four readers that ask again and again, slowly enough for any machine."""

    def __init__(self, proxy: Proxy, *, origin: bool) -> None:
        self._proxy = proxy
        self._origin = origin
        self._stop = threading.Event()
        self._numbers = iter(range(10**9))
        self._pool = ThreadPoolExecutor(4)
        self._readers: list[Future[list[str]]] = []
        self.asked = 0

    def __enter__(self) -> Load:
        self._readers = [self._pool.submit(self._read) for _ in range(4)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown()

    def wait_for_more(self, requests: int) -> None:
        """Wait until so many more requests were answered."""
        wanted = self.asked + requests
        until(lambda: self.asked > wanted, "some requests")

    def failures(self) -> list[str]:
        """Stop and return what went wrong."""
        self._stop.set()
        return [told for reader in self._readers for told in reader.result()]

    def _read(self) -> list[str]:
        failed = []
        while not self._stop.is_set():
            for target, status in self._targets():
                self.asked += 1
                try:
                    answer = ask(self._proxy, target)
                except (OSError, AssertionError) as error:
                    failed.append(f"{target}: {error!r}")
                    continue
                if answer.status != status:
                    failed.append(f"{target}: {answer.status}")
            self._stop.wait(0.01)
        return failed

    def _targets(self) -> Iterator[tuple[str, int]]:
        yield FEED, 200
        if self._origin:
            yield f"/none/{next(self._numbers)}", 404  # never cached, so always asked of feedhub


def synced(tmp_path: Path, articles: Path, toml: str = "") -> Path:
    """Return a catalog that `feedhub sync` made."""
    catalog = tmp_path / "catalog.db"
    (tmp_path / "feedhub.toml").write_text(toml, encoding="utf-8")
    options = ["--base-url", "https://feeds.example.org", "--config", "feedhub.toml"]
    with start(tmp_path, ["sync", str(articles), "--catalog", str(catalog), *options]) as sync:
        assert sync.process.wait(60) == 0, sync.stderr()
    return catalog


def reading(folder: Path, catalog: Path, port: int, toml: str = "") -> Server:
    folder.mkdir(exist_ok=True)
    return serve(folder, None, "--catalog", str(catalog), "--port", str(port), toml=toml)


def test_two_backends_restart_in_turn_and_no_request_fails(tmp_path: Path, articles: Path):
    catalog = synced(tmp_path, articles)
    ports = [free_port(), free_port()]
    with ExitStack() as stack:
        running = [
            stack.enter_context(reading(tmp_path / str(port), catalog, port)) for port in ports
        ]
        proxy = stack.enter_context(
            nginx_proxy(tmp_path / "nginx", [("127.0.0.1", port) for port in ports])
        )
        with Load(proxy, origin=True) as load:
            for turn in range(4):
                assert running[turn % 2].stop() == 0
                again = reading(tmp_path / str(ports[turn % 2]), catalog, ports[turn % 2])
                running[turn % 2] = stack.enter_context(again)
                load.wait_for_more(50)
            failures = load.failures()
    assert failures == []
    assert load.asked > 200


def test_one_backend_is_killed_four_times_and_no_cached_feed_fails(tmp_path: Path, articles: Path):
    toml = "[http]\nmax_age = 1\nstale_while_revalidate = 1\nstale_if_error = 60\n"
    catalog, port = synced(tmp_path, articles, toml), free_port()
    with ExitStack() as stack:
        server = stack.enter_context(reading(tmp_path / "serve", catalog, port, toml))
        proxy = stack.enter_context(nginx_proxy(tmp_path / "nginx", [("127.0.0.1", port)]))
        assert ask(proxy).status == 200
        with Load(proxy, origin=False) as load:
            for _ in range(4):
                server.kill()
                time.sleep(1.5)
                server = stack.enter_context(reading(tmp_path / "serve", catalog, port, toml))
            failures = load.failures()
        lines = [json.loads(line)["cache"] for line in proxy.log().splitlines()]
    assert failures == []
    assert "STALE" in lines, "the cache stood in for the backend"
