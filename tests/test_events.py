"""Streams of changes: what the application sends, without a network."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from lxml import html

from feedhub.cli import main
from feedhub.errors import CatalogError
from feedhub.formats.pages.feed import MAX_NEW, plural_forms
from feedhub.messages import languages, messages_of
from feedhub.server import events
from feedhub.server.events import CONNECTION
from tests.fronts import HOST, Front, bench_on_disk, scope_of
from tests.kit import Bench
from tests.sites import configure, later

TIMEOUT = 20.0


class Client:
    """A client of a stream, which lives in the loop of a front."""

    def __init__(self, front: Front, target: str = "/events", method: str = "GET", **fields: str):
        self.front = front
        self.scope = scope_of(target, method, **(HOST | fields))
        self.text = ""
        self.status = 0
        self.fields: dict[str, str] = {}
        self.reads = True
        self._gone: asyncio.Event
        front.runner.run(self._begin())

    async def _begin(self) -> None:
        self._gone, self._news = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._run())
        await self._wait(lambda: self.status and (self.text or self.task.done()))

    async def _run(self) -> None:
        try:
            await self.front.app(self.scope, self._receive, self._send)
        finally:
            self._news.set()

    async def _receive(self) -> Any:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if not self.reads:
            await asyncio.Event().wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.fields = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            self.text += message["body"].decode()
        self._news.set()

    async def _wait(self, look: Any) -> None:
        async with asyncio.timeout(TIMEOUT):
            while not look():
                self._news.clear()
                await self._news.wait()

    def wait(self, look: Any) -> None:
        """Run the loop until something is true."""
        self.front.runner.run(self._wait(look))

    def wait_for_end(self) -> None:
        """Run the loop until the response has ended."""
        self.wait(self.task.done)
        self.task.result()

    def hang_up(self) -> None:
        """Close the connection."""
        self._gone.set()
        self.wait_for_end()

    @property
    def events(self) -> list[tuple[str, str, list[str]]]:
        """The type, the id and the titles of each event."""
        found = []
        for block in self.text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "data" in fields:
                articles = json.loads(fields["data"])["articles"]
                titles = [article["title"] for article in articles]
                found.append((fields.get("event", "message"), fields["id"], titles))
        return found


@pytest.fixture
def bench(tmp_path):
    bench = bench_on_disk(tmp_path, http__events=3, http__events_per_client=2)
    bench.write("a.md", title="A", topics=["AI"])
    bench.sync()
    yield bench
    bench.catalog.close()


def publish(bench: Bench, front: Front, title: str, seconds: int, **fields: Any) -> None:
    bench.write(f"{title}.md", title=title, **fields)
    bench.sync(later(seconds))
    front.refresh()


def test_a_new_article_is_sent_to_the_streams_of_its_feeds(bench, front):
    whole, law = Client(front), Client(front, "/events?feed=topics/ai.rss&feed=topics/ai/")
    assert (whole.status, whole.events) == (200, [])
    assert whole.text.startswith(f"retry: {events.RECONNECT}\nid: 1-")
    assert whole.fields["content-type"] == "text/event-stream"
    assert whole.fields["cache-control"] == "no-store"
    assert whole.fields["x-accel-buffering"] == "no"
    assert {"date", "access-control-allow-origin"} <= whole.fields.keys()
    publish(bench, front, "B", 1)
    whole.wait(lambda: whole.events)
    publish(bench, front, "C", 2, topics=["AI"])
    whole.wait(lambda: len(whole.events) == 2)
    law.wait(lambda: law.events)

    assert [titles for _, _, titles in whole.events] == [["B"], ["C"]]
    assert [titles for _, _, titles in law.events] == [["C"]]
    assert {kind for kind, _, _ in whole.events + law.events} == {"message"}
    article = json.loads(law.text.rpartition("data: ")[2])["articles"][0]
    assert article == {
        "id": "tag:feeds.example.org,2026:articles/C",
        "url": "https://news.example/c",
        "title": "C",
        "date_published": "2020-06-09T11:00:00Z",
        "feeds": ["https://feeds.example.org/topics/ai.rss"],
    }
    whole.hang_up()
    law.hang_up()
    front.refresh()
    assert '"GET /events HTTP/1.1" 200' in front.log.getvalue()
    assert front.metrics.registry.get_sample_value("feedhub_event_streams") == 0
    assert front.metrics.registry.get_sample_value("feedhub_events_total") == 3


def test_a_client_that_returns_goes_on_where_it_was(bench, front):
    client = Client(front)
    client.hang_up()
    position = client.text.split("id: ")[1].split("\n")[0]
    publish(bench, front, "B", 1)

    for again in (
        Client(front, "/events?after=unknown", last_event_id=position),
        Client(front, f"/events?after={position}"),
    ):
        assert [titles for _, _, titles in again.events] == [["B"]]
        again.hang_up()
    lost = Client(front, "/events?after=7-77")
    assert [(kind, titles) for kind, _, titles in lost.events] == [("reset", ["B", "A"])]
    lost.hang_up()


def test_nobody_learns_of_an_article_before_it_is_served(bench, front):
    client = Client(front)
    bench.write("b.md", title="B")
    bench.sync(later(1))
    assert Client(front, last_event_id="x").status == 503
    front.runner.run(asyncio.sleep(0))
    assert client.events == []
    front.refresh()
    client.wait(lambda: client.events)
    client.hang_up()


def test_a_retired_feed_ends_its_streams(bench, front):
    client = Client(front, "/events?feed=topics/ai")
    configure(bench, "feeds", gone=("topics/ai",))
    bench.sync(later(1))
    front.refresh()
    client.wait_for_end()

    assert Client(front, "/events?feed=topics/ai").status == 404


def test_streams_are_bounded_in_all_and_for_each_address(bench, front):
    clients = [Client(front), Client(front)]
    assert (one := Client(front)).status == 429
    assert one.fields["retry-after"] == str(events.RETRY_WHEN_FULL)
    configure(bench, "http", events_per_client=9)
    front.runner.run(front.builder.reload())
    clients.append(Client(front))
    assert (other := Client(front)).status == 503
    assert other.fields["retry-after"] == str(events.RETRY_WHEN_FULL)
    for client in clients:
        client.hang_up()
    clients = [Client(front)]
    assert clients[0].status == 200
    clients[0].hang_up()
    assert front.metrics.registry.get_sample_value("feedhub_event_streams_refused_total") == 2


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("HEAD", "/events", 200),
        ("OPTIONS", "/events", 204),
        ("POST", "/events", 405),
        ("BREW", "/events", 501),
        ("GET", "/events?feed=topics/none", 404),
        ("GET", "/events?" + "&".join(f"feed=topics/{n}" for n in range(51)), 400),
        ("GET", "/events?" + "&" * 200, 400),
        ("GET", "/events/", 404),
    ],
)
def test_other_requests_have_another_answer(bench, front, method, target, status):
    client = Client(front, target, method)
    client.wait_for_end()

    assert client.status == status
    assert front.metrics.registry.get_sample_value("feedhub_event_streams") == 0


def test_without_the_key_there_are_no_streams(bench, front):
    configure(bench, "http", events=0)
    front.runner.run(front.builder.reload())

    assert front.get("/events").status == 404


def test_a_silent_stream_is_kept_alive(bench, front, monkeypatch):
    monkeypatch.setattr(events, "KEEP_ALIVE", 0.01)
    client = Client(front)
    client.wait(lambda: client.text.endswith(":\n\n:\n\n"))
    client.hang_up()


def test_a_slow_client_is_dropped_at_once(bench, front, monkeypatch):
    class Connection:
        transport = None

        def __init__(self):
            self.aborted, self.transport = False, self

        def abort(self):
            self.aborted = True

        def send(self):
            raise NotImplementedError

    client, connection = Client(front), Connection()
    client.scope[CONNECTION] = connection.send
    client.reads = False
    monkeypatch.setattr(events, "SEND_TIMEOUT", 0.01)
    publish(bench, front, "B", 1)
    client.wait_for_end()

    assert connection.aborted
    assert front.metrics.registry.get_sample_value("feedhub_event_streams_dropped_total") == 1


def test_at_the_end_every_stream_is_closed_in_order(bench, front):
    client = Client(front)
    front.builder.events.close()
    client.wait_for_end()

    assert Client(front).status == 503


def test_a_stream_outlasts_a_catalog_that_cannot_be_read(bench, front, monkeypatch):
    monkeypatch.setattr(events, "KEEP_ALIVE", 0.01)
    client = Client(front)
    find, calls = front.reader.arrivals, []

    def fail_once(*args):
        calls.append(args)
        if len(calls) == 1:
            raise CatalogError("busy")
        return find(*args)

    monkeypatch.setattr(front.reader, "arrivals", fail_once)
    publish(bench, front, "B", 1)
    client.wait(lambda: client.events)
    client.hang_up()
    calls.clear()
    assert Client(front).status == 503


def test_many_streams_share_one_look_up(bench, front, monkeypatch):
    configure(bench, "http", events=30, events_per_client=30)
    front.runner.run(front.builder.reload())
    clients = [Client(front) for _ in range(20)]
    find, calls = front.reader.arrivals, []

    def count(*args):
        calls.append(args)
        return find(*args)

    monkeypatch.setattr(front.reader, "arrivals", count)
    publish(bench, front, "B", 1)
    for client in clients:
        client.wait(lambda client=client: client.events)

    assert len(calls) == 1
    for client in clients:
        client.hang_up()


def test_the_page_of_a_feed_names_its_stream_and_what_came_before(bench, front):
    page: Any = html.fromstring(front.get("/topics/ai/").body)
    (address,) = page.xpath("//*[@role='status']/@data-events")
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert address.startswith("/events?feed=topics%2Fai&after=")
    assert "connect-src 'self'" in policy
    sent = front.get("/topics/ai/").fields["content-security-policy"]
    for rule in policy.split("; "):
        assert set(rule.split()) <= set(sent.replace(";", " ").split())
    publish(bench, front, "B", 1, topics=["AI"])
    client = Client(front, address)
    assert [(kind, titles) for kind, _, titles in client.events] == [("message", ["B"])]
    client.hang_up()


def test_without_streams_pages_are_as_they_were(bench, front):
    for path in ("/", "/topics/", "/search/?q=a"):
        assert b"EventSource" not in front.get(path).body
    configure(bench, "http", events=0)
    bench.sync(later(1))
    front.refresh()
    page = front.get("/topics/ai/").body
    assert b"EventSource" not in page
    assert b"data-events" not in page


@pytest.mark.parametrize("language", ["en", *languages()])
def test_every_number_of_new_articles_has_its_plural_form(language):
    messages, (first, *others) = messages_of(language), plural_forms(language)
    for number in range(1, MAX_NEW + 1):
        example = next((one for one, has in others if str(number) in has.split()), first[0])
        texts = {
            messages.ngettext("%(number)s new article", "%(number)s new articles", n)
            for n in (number, example)
        }
        assert len(texts) == 1
        assert "%(number)s" in texts.pop()


def test_a_rendered_folder_has_no_stream(bench, monkeypatch):
    monkeypatch.chdir(bench.root.parent)
    monkeypatch.setenv("FEEDHUB_HTTP_EVENTS", "10")
    assert main(["render", "articles", "public", "--base-url", "https://feeds.example.org"]) == 0
    page = (bench.root.parent / "public/topics/ai/index.html").read_text(encoding="utf-8")
    assert "EventSource" not in page
    assert "data-events" not in page
