"""Search engines learn which addresses changed: never too early, never of what was not public."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from feedhub.config import load_config
from feedhub.delivery import DeliveryReport, deliver, enqueue_all
from feedhub.errors import ConfigError
from feedhub.http_client import HttpClient
from feedhub.site import Site
from feedhub.websub import SESSIONS
from tests.fronts import bench_on_disk, front_of
from tests.hubs import Fields, Reply, http_server
from tests.kit import NOW, Bench, article_text, make_bench
from tests.servers import free_port, request, serve, start, until

KEY = "0123456789abcdef"
BASE = "https://feeds.example.org"
LATER = NOW + timedelta(minutes=1)
START = LATER.timestamp() + 10


@dataclass
class Engine:
    """A search engine (indexnow.org/documentation). `reply`, if it is set, replies instead."""

    url: str = ""
    read_key: Callable[[str], str] = lambda location: KEY
    reply: Reply | None = None
    told: list[list[str]] = field(default_factory=list)
    tries: int = 0

    def answer(self, method: str, path: str, fields: Fields, body: bytes) -> Reply:
        self.tries += 1
        if self.reply is not None:
            return self.reply
        if (method, fields["content-type"]) != ("POST", "application/json; charset=utf-8"):
            return 400, {}, b""
        sent = json.loads(body)
        if sent.keys() != {"host", "key", "keyLocation", "urlList"}:
            return 400, {}, b""
        if self.read_key(sent["keyLocation"]) != sent["key"]:
            return 403, {}, b""
        folder = sent["keyLocation"].rpartition("/")[0] + "/"
        hosts = {urlsplit(url).netloc for url in [*sent["urlList"], sent["keyLocation"]]}
        if hosts != {sent["host"]} or not all(url.startswith(folder) for url in sent["urlList"]):
            return 422, {}, b""
        if not 0 < len(sent["urlList"]) <= 10_000:
            return 422, {}, b""
        self.told.append(sent["urlList"])
        return 200, {}, b""

    def take(self) -> list[str]:
        """Return the paths that it was told of since the last time, in order."""
        urls = [url for urls in self.told for url in urls]
        self.told.clear()
        return [urlsplit(url).path for url in urls]


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    with http_server(lambda *request: engine.answer(*request)) as base:
        engine.url = f"{base}/indexnow"
        yield engine


@dataclass
class World:
    """A site and a clock; `public` replies to requests of its public address."""

    bench: Bench
    now: float = START

    def write(self, name: str, path: str = "", **fields: Any) -> None:
        url = f"{BASE}/{path or name}"
        self.bench.write(f"{name}.md", **{"title": name, "webUrl": url, **fields})

    def sync(self, minutes: int = 1, *, release: bool = True) -> None:
        self.bench.sync(NOW + timedelta(minutes=minutes))
        if release:
            self.bench.catalog.release_changes(self.now - 5)

    def send(
        self, transport: httpx.AsyncBaseTransport | None = None, **more: Any
    ) -> DeliveryReport:
        async def run() -> DeliveryReport:
            async with HttpClient(transport=transport) as client:
                return await deliver(SESSIONS, self.bench.catalog, client, lambda: self.now, **more)

        return asyncio.run(run())


def make_world(folder: Path, engine: Engine, **overrides: Any) -> World:
    settings: dict[str, Any] = {
        "indexnow__key": KEY,
        "indexnow__endpoint": engine.url,
        "websub__look": False,
    }
    world = World(make_bench(folder, **(settings | overrides)))
    world.write("one")
    world.write("two")
    world.sync(0)
    return world


@pytest.fixture
def world(tmp_path, engine):
    return make_world(tmp_path, engine)


def test_new_edited_moved_and_withdrawn_articles_are_sent_once(world, engine):
    assert world.send() == DeliveryReport()  # into an empty catalog all is new
    world.write("three")
    world.sync()
    assert world.send() == DeliveryReport(sent=1)
    assert engine.take() == ["/three"]
    world.write("one", title="Edited")
    world.write("three", "moved")
    (world.bench.root / "two.md").unlink()
    world.sync(2)
    assert world.send() == DeliveryReport(sent=4)
    assert sorted(engine.take()) == ["/moved", "/one", "/three", "/two"]
    world.sync(3)
    assert world.send() == DeliveryReport()
    world.write("one", title="Edited", draft=True)  # withdrawn too
    world.sync(4)
    world.send()
    assert engine.take() == ["/one"]
    world.write("one", title="Edited")
    world.sync(5)
    world.send()
    assert engine.take() == ["/one"]


def test_hidden_articles_and_those_of_other_hosts_are_never_sent(world, engine):
    world.write("hidden", draft=True)
    world.write("later", publishedDateTime="2099-01-01T00:00:00Z")
    world.bench.write("far.md", title="Far", webUrl="https://other.example/far")
    world.sync()
    for name in ("hidden", "later", "far"):
        (world.bench.root / f"{name}.md").unlink()
    world.sync(2)
    assert world.send(by_hand=True) == DeliveryReport()
    assert engine.tries == 0


def test_what_was_never_released_or_sent_is_forgotten_when_it_is_withdrawn(world, engine):
    world.write("three")
    world.sync(release=False)
    assert world.send() == DeliveryReport(waiting=1)
    world.write("three", title="Edited")  # it is still new
    world.sync(2, release=False)
    (world.bench.root / "three.md").unlink()
    world.sync(3)
    assert world.send() == DeliveryReport()
    assert engine.tries == 0


def test_a_withdrawal_is_sent_where_the_engine_may_have_heard_of_the_article(world, engine):
    world.write("three")
    world.sync()
    engine.reply = (500, {}, b"")
    assert world.send().waiting == 1
    (world.bench.root / "three.md").unlink()
    world.sync(2)
    engine.reply = None
    assert world.send().sent == 1
    assert engine.take() == ["/three"]


def test_a_file_that_moves_and_other_labels_change_no_address(world, engine):
    world.bench.write("own.md", title="Own", webUrl=f"{BASE}/own", id="urn:x:own")
    world.sync()
    world.send()
    engine.take()
    (world.bench.root / "folder").mkdir()
    (world.bench.root / "own.md").rename(world.bench.root / "folder/own.md")
    world.sync(2)
    assert world.send() == DeliveryReport()
    world.bench.config = load_config(None, {}, given(engine) | {"feeds.kinds": ["all"]})
    world.sync(3)  # every article is labelled anew
    assert world.send() == DeliveryReport()
    world.bench.config = load_config(None, {}, given(engine) | {"source.timezone": "Asia/Tokyo"})
    world.write("one", title="Read anew")
    world.sync(4)  # every file is read anew: an edit cannot be told from that
    assert world.send() == DeliveryReport()


def given(engine: Engine) -> dict[str, object]:
    return {
        "site.base_url": BASE,
        "indexnow.key": KEY,
        "indexnow.endpoint": engine.url,
        "websub.look": False,
    }


def test_articles_may_share_an_address(tmp_path, engine):
    world = make_world(tmp_path, engine, feeds__duplicates="all")
    world.write("again", "one")
    world.sync()
    world.send()
    assert engine.take() == ["/one"]
    (world.bench.root / "again.md").unlink()
    world.sync(2)
    world.send()
    assert engine.take() == ["/one"]


def test_ten_thousand_addresses_are_one_request(world, engine):
    urls = [f"{BASE}/{number:05}" for number in range(10_001)]
    world.bench.catalog.changes("indexnow").enqueue_released(urls, 1, world.now - 5)
    assert world.send() == DeliveryReport(sent=10_001)
    assert [len(told) for told in engine.told] == [10_000, 1]
    assert [url for told in engine.told for url in told] == urls


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "400 Bad Request; is indexnow.endpoint right?"),
        (403, f"403 Forbidden; see that everybody can read the key at {BASE}/{KEY}.txt"),
        (
            422,
            f"422 Unprocessable Entity; see that {BASE}/{KEY}.txt shows the key and stands at "
            "the host of the articles",
        ),
        (404, "404 Not Found; is indexnow.endpoint right?"),
    ],
)
def test_a_refusal_is_given_up_and_says_what_to_do(world, engine, status, advice):
    world.write("three")
    world.sync()
    engine.reply = (status, {}, b"")
    report = world.send()
    start = f"{engine.url} refuses 1 addresses, which are given up: "
    assert [error.replace("Content", "Entity") for error in report.errors] == [start + advice]
    assert (report.sent, report.waiting) == (0, 0)


def test_202_is_as_good_as_200(world, engine):
    world.write("three")
    world.sync()
    engine.reply = (202, {}, b"")
    assert world.send() == DeliveryReport(sent=1)


def test_a_failure_is_tried_again_for_a_day_and_retry_after_is_obeyed(world, engine):
    world.write("three")
    world.sync()
    engine.reply = (503, {}, b"")
    report = world.send()
    message = f"{engine.url} cannot be notified: 503 Service Unavailable; trying again"
    assert report == DeliveryReport(waiting=1, errors=[message])
    assert world.send() == DeliveryReport(waiting=1)
    world.now += 5
    engine.reply = (429, {"Retry-After": "3600"}, b"")
    world.send()
    assert engine.tries == 2
    world.now += 3599
    report = world.send(by_hand=True)
    assert report.waiting_reason.startswith(f"{engine.url} asks to be left alone until 20")
    assert (report.waiting, engine.tries) == (1, 2)
    world.now += 1
    engine.reply = None
    assert world.send() == DeliveryReport(sent=1)
    world.write("three", title="Edited")
    world.sync(2)
    world.now += 86_500
    engine.reply = (503, {}, b"")
    report = world.send()
    assert report.errors[0] == f"{engine.url} accepted nothing for a day; changes given up: 1"
    assert report.waiting == 0


def test_another_endpoint_starts_afresh(world, engine):
    world.write("three")
    world.sync()
    engine.reply = (429, {"Retry-After": "3600"}, b"")
    world.send()
    engine.reply = None
    address = engine.url.replace("/indexnow", "/other")
    world.bench.config = load_config(None, {}, given(engine) | {"indexnow.endpoint": address})
    world.sync(2)
    assert world.send(by_hand=True) == DeliveryReport(sent=1)


def test_nothing_is_sent_before_the_feed_shows_the_change(tmp_path, engine):
    world = make_world(tmp_path, engine, websub__look=True)
    world.write("three")
    world.sync()
    status = 404

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "feeds.example.org":
            return httpx.Response(status, stream=httpx.ByteStream(b""))
        async with httpx.AsyncHTTPTransport() as direct:
            reply = await direct.handle_async_request(request)
            body = await reply.aread()
        return httpx.Response(reply.status_code, stream=httpx.ByteStream(body))

    report = world.send(httpx.MockTransport(answer))
    assert report.waiting_reason == f"{BASE}/all.rss answers 404"
    assert (report.waiting, report.late, engine.tries) == (1, False, 0)
    assert world.send(httpx.MockTransport(answer)) == DeliveryReport(waiting=1)  # not due yet
    world.now += 60
    assert world.send(httpx.MockTransport(answer)).late
    status = 304
    assert world.send(httpx.MockTransport(answer), by_hand=True) == DeliveryReport(sent=1)
    world.bench.catalog.changes("indexnow").enqueue_released([f"{BASE}/one"], 1, world.now - 1)
    assert "only just" in world.send(httpx.MockTransport(answer)).waiting_reason


def test_a_site_without_a_feed_is_told_of_at_once(tmp_path, engine):
    world = make_world(tmp_path, engine, feeds__kinds=("topic",), websub__look=True)
    for name in ("one", "two"):
        world.write(name, topics=[])
    world.sync()
    world.bench.catalog.changes("indexnow").enqueue_released([f"{BASE}/one"], 1, world.now - 1)
    assert world.send().sent > 0


def test_all_sends_every_article_and_a_key_that_is_removed_empties_the_queue(world, engine):
    enqueue_all(SESSIONS, world.bench.catalog, world.now - 5)
    assert world.send(by_hand=True) == DeliveryReport(sent=2)
    assert sorted(engine.take()) == ["/one", "/two"]
    world.write("three")
    world.sync()
    world.bench.config = load_config(None, {}, {"site.base_url": BASE})
    world.sync(2)
    with pytest.raises(ConfigError, match=r"websub\.hub, indexnow\.key"):
        world.send(by_hand=True)
    assert world.send() == DeliveryReport()


def test_a_preview_sends_nothing(world, engine):
    world.write("three")
    world.sync()
    world.bench.drafts = True
    world.sync(2)
    world.bench.drafts = False
    world.sync(3)  # all is new once more
    assert world.send() == DeliveryReport()


def test_the_key_is_served_and_the_file_may_be_elsewhere(tmp_path, engine):
    bench = bench_on_disk(tmp_path, indexnow__key=KEY)
    bench.write("a.md", title="A")
    bench.sync()
    with front_of(bench) as front:
        reply = front.get(f"/{KEY}.txt")
        assert (reply.status, reply.body) == (200, KEY.encode())
        assert reply.fields["content-type"] == "text/plain; charset=utf-8"
        assert "max-age=900" in reply.fields["cache-control"]
        again = front.get(f"/{KEY}.txt", if_none_match=reply.fields["etag"])
        assert again.status == 304
    bench.catalog.close()
    location = "https://www.example.org/blog/key.txt"
    keys = given(engine) | {"indexnow.location": location}
    site = Site(bench.catalog, load_config(None, {}, keys))
    urls = ["https://www.example.org/blog/a", "https://www.example.org/a", f"{BASE}/a"]
    assert site.outbox.announced(urls) == urls[:1]


@pytest.mark.parametrize("key", ["short", "a" * 129, "under_score", "key with space"])
def test_a_key_has_the_characters_that_engines_accept(key):
    with pytest.raises(ConfigError, match=r"indexnow\.key"):
        load_config(None, {}, {"indexnow.key": key})


def test_a_server_tells_the_engine_also_after_a_crash(tmp_path, engine):
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    articles = tmp_path / "articles"
    articles.mkdir()

    def write(name: str, title: str, **fields: Any) -> None:
        text = article_text(title, "", webUrl=f"{base}/{name}", **fields)
        (tmp_path / "new").write_text(text, encoding="utf-8")
        (tmp_path / "new").replace(articles / f"{name}.md")

    write("one", "One")
    toml = f'[indexnow]\nkey = "{KEY}"\nendpoint = "{engine.url}"\n'
    (tmp_path / "feedhub.toml").write_text(toml, encoding="utf-8")
    options = ["--catalog", "catalog.db", "--base-url", base]
    with start(tmp_path, ["sync", "articles", *options, "--watch", "--json"]) as sync:
        until(lambda: sync.stdout().count("\n") == 1, "no first sync")
        write("one", "One, edited")
        until(lambda: sync.stdout().count("\n") == 2, "no second sync")
        sync.kill()
    early: list[str] = []

    def read_key(location: str) -> str:
        if b"One, edited" not in httpx.get(f"{base}/all.json").content:
            early.append(location)
        return httpx.get(location).text

    engine.read_key = read_key
    with serve(tmp_path, articles, "--port", str(port), base_url=base) as server:
        until(lambda: engine.told, "nothing was sent after the restart")
        assert engine.take() == ["/one"]
        write("two", "Two")
        write("hidden", "Hidden", draft=True)
        until(lambda: engine.told, "nothing was sent")
        assert engine.take() == ["/two"]
        assert request(server, "GET", f"/{KEY}.txt").body == KEY.encode()
    assert early == []
