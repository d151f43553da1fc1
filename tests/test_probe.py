"""A round of asking: which images, how politely, what is kept, and what readers get."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import feedhub.probe
from feedhub.catalog import Catalog
from feedhub.cli import main
from feedhub.formats import SUBSCRIBED
from feedhub.http_client import HttpClient
from feedhub.probe import ProbeReport, probe
from feedhub.sources import files
from tests.images import png
from tests.kit import Bench, article_text, make_bench, parse
from tests.raw_server import RawServer, raw_server, reply

DAY = 86_400
PNG = png()


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server of images on this machine."""
    with raw_server() as running:
        yield running


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A site whose catalog is a file."""
    return make_bench(tmp_path, tmp_path / "catalog.sqlite")


def round_of(bench: Bench, *, days: int = 90, seconds: float = 60, **options: Any) -> ProbeReport:
    """Ask for what the catalog's images lack; every address is allowed."""
    given: dict[str, Any] = {"allowed": lambda _: True, "pause": 0, "timeout": 30} | options

    async def run() -> ProbeReport:
        async with HttpClient("feedhub/0", **given) as client:
            return await probe(bench.catalog, client, days=days, seconds=seconds)

    return asyncio.run(run())


def show(bench: Bench, name: str, *urls: str, **fields: Any) -> None:
    """Write an article with images."""
    images = [{"url": url} for url in urls]
    bench.write(name, title=name, images=images, topics=["AI"], **fields)


ALL = "SELECT * FROM images ORDER BY url"


def rows(bench: Bench, query: str = ALL) -> dict[str, dict[str, Any]]:
    """Return what the catalog holds of images, by path of the address."""
    with sqlite3.connect(bench.root.parent / "catalog.sqlite") as sql:
        sql.row_factory = sqlite3.Row
        every = [dict(row) for row in sql.execute(query)]
    sql.close()
    return {re.sub(r"^http://[^/]*", "", str(row["url"])): row for row in every}


def bodies(bench: Bench) -> dict[str, bytes]:
    """Return the documents that readers subscribe to, by path."""
    suffixes = tuple(f".{name}" for name in SUBSCRIBED)
    return {p: d.body for p, d in bench.documents().items() if p.endswith(suffixes)}


# What readers get


def test_answers_make_enclosures_true(bench: Bench, server: RawServer):
    server.replies["/image-id/1"] = reply(body=PNG, Content_Type="image/png")
    show(bench, "one.md", server.url("/image-id/1"))
    bench.sync()
    before = bodies(bench)
    assert "enclosure" not in parse(before["all.rss"]).entries[0]
    assert round_of(bench) == ProbeReport(states={"known": 1})
    assert bodies(bench) == before, "not before the next sync"
    assert bench.sync().changed == 2
    after = bodies(bench)
    (enclosure,) = parse(after["all.rss"]).entries[0].enclosures
    url = server.url("/image-id/1")
    assert enclosure == {"href": url, "length": str(len(PNG)), "type": "image/png"}
    (media,) = parse(after["all.rss"]).entries[0].media_content
    named = {"type": "image/png", "filesize": str(len(PNG)), "width": "40", "height": "30"}
    assert media == {"url": url, "medium": "image"} | named
    assert parse(after["all.atom"]).entries[0].enclosures[0]["length"] == str(len(PNG))
    (item,) = json.loads(after["all.json"])["items"]
    assert item["attachments"] == [
        {"url": url, "mime_type": "image/png", "size_in_bytes": len(PNG)}
    ]
    assert after["topics/ai.rss"] != before["topics/ai.rss"]


def test_a_new_length_is_no_news(bench: Bench, server: RawServer):
    """The tag changes, for the bytes do; no entry is newer or looks new, and no hub is told."""
    server.replies["/1.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"))
    show(bench, "two.md", "https://cdn.example/2.png")
    bench.sync()
    plan, before = bench.site.plan(), parse(bodies(bench)["all.atom"])
    round_of(bench)
    changes = bench.sync()
    assert (changes.changed, changes.changed_feeds) == (2, ())
    after = parse(bodies(bench)["all.atom"])
    for old, new in zip(before.entries, after.entries, strict=True):
        assert (new.id, new.updated, new.published) == (old.id, old.updated, old.published)
    assert after.feed.updated == before.feed.updated
    assert bench.site.plan()["all.rss"].fingerprint != plan["all.rss"].fingerprint
    assert bench.site.plan()["all.rss"].changed_at > plan["all.rss"].changed_at
    show(bench, "one.md", server.url("/1.png"), excerpt="Edited.")
    assert bench.sync().changed_feeds == (("all", ""), ("topic", "ai"))


def test_a_file_that_is_read_again_keeps_its_image_facts_and_its_date(
    bench: Bench, server: RawServer
):
    server.replies["/1.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    round_of(bench)
    bench.sync()
    plan, before = bench.site.plan(), bodies(bench)
    (bench.root / "one.md").touch()
    assert bench.sync().changed == 0
    assert (bench.site.plan(), bodies(bench)) == (plan, before)
    show(bench, "one.md", server.url("/1.png"), excerpt="Edited.")
    assert bench.sync().changed == 2
    assert f'length="{len(PNG)}"'.encode() in bodies(bench)["all.rss"]


def test_documents_are_a_function_of_the_catalog_and_its_answers(
    bench: Bench, server: RawServer, monkeypatch: pytest.MonkeyPatch
):
    """A catalog in which the answers came first gives the same bytes as one in which they came
    later, however often it was synced.
    """
    monkeypatch.setattr(files, "RACY_NS", 0)  # what does not change is not read again
    server.replies["/1.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    round_of(bench)
    bench.sync()
    bench.sync()
    other = make_bench(bench.root.parent, bench.root.parent / "other.sqlite")
    other.sync()
    round_of(other)
    show(bench, "two.md")
    bench.sync()
    other.sync()
    assert bodies(bench) == bodies(other)
    plans = [site.plan() for site in (bench.site, other.site)]
    first, second = ({path: row.fingerprint for path, row in plan.items()} for plan in plans)
    assert first == second


def test_whoever_asks_only_for_what_is_new_is_given_the_length(bench: Bench, server: RawServer):
    server.replies["/1.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"))
    show(bench, "two.md")
    bench.sync()
    base = bench.site.plan()["all.json"].fingerprint
    round_of(bench)
    bench.sync()
    site = bench.site
    news = site.delta(site.plan()["all.json"], base)
    assert news is not None
    assert [item["title"] for item in json.loads(news)["items"]] == ["one.md"]


def test_what_the_file_says_of_the_size_stands(bench: Bench, server: RawServer):
    server.replies["/1.jpg"] = reply(body=PNG, Content_Type="image/png")
    images = [{"url": server.url("/1.jpg"), "width": 400, "height": 300}]
    bench.write("one.md", images=images)
    half = [{"url": server.url("/1.jpg?x"), "width": 400}]
    server.replies["/1.jpg?x"] = reply(body=PNG)
    bench.write("two.md", title="Two", images=half)
    bench.sync()
    round_of(bench)
    bench.sync()
    sizes = {
        entry.title: (media["width"], media["height"], media["type"])
        for entry in parse(bodies(bench)["all.rss"]).entries
        for media in entry.media_content
    }
    # The type that the bytes have is true for whoever fetches them, whatever they are called.
    assert sizes == {"A title": ("400", "300", "image/png"), "Two": ("40", "30", "image/png")}
    assert "GET /1.jpg" not in server.lines(), "head told what was not known"


def test_what_is_no_image_changes_nothing(bench: Bench, server: RawServer):
    server.replies["/1.png"] = reply(body=b"<!doctype html>", Content_Type="text/html")
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    before = bodies(bench)
    assert round_of(bench).states == {"none": 1}
    assert bench.sync().changed == 0
    assert bodies(bench) == before


def test_a_story_shows_what_is_known(bench: Bench, server: RawServer):
    server.replies["/1.png"] = reply(body=PNG)
    related = [{"title": "Other", "webUrl": "https://other.example/1"}]
    show(bench, "one.md", server.url("/1.png"), related=related)
    bench.sync()
    round_of(bench)
    bench.sync()
    (number,) = bench.catalog.entries(bench.site.states()[0])
    assert bench.catalog.article(number).images[0].length == len(PNG)


# Which images are asked for, and when again


def test_what_is_known_is_asked_for_again_after_some_days(bench: Bench, server: RawServer, clock):
    server.replies["/1.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    assert round_of(bench, days=10).requested == 1
    assert round_of(bench).requested == 0
    clock.add(10 * DAY - 60)
    assert round_of(bench).requested == 0
    clock.add(120)
    server.replies["/1.png"] = reply(body=png(60, 50))
    assert round_of(bench).requested == 1
    bench.sync()
    assert b'width="60"' in bodies(bench)["all.rss"]


class Clock:
    """The time that a round sees."""

    def __init__(self) -> None:
        self.now = time.time()

    def add(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still until it is moved."""
    found = Clock()

    times = SimpleNamespace(time=lambda: found.now, monotonic=time.monotonic)
    monkeypatch.setattr(feedhub.probe, "time", times)
    return found


@pytest.mark.parametrize(
    ("status", "state", "first"),
    [("404 No", "gone", DAY), ("500 No", "failing", 3600), ("429 No", "busy", 3600)],
)
def test_a_failure_is_tried_again_later_and_later(
    bench: Bench, server: RawServer, clock, status: str, state: str, first: int
):
    server.replies["/1.png"] = reply(status)
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    waits = []
    for _ in range(12):
        assert round_of(bench).states == {state: 1}
        assert round_of(bench).requested == 0
        row = rows(bench)["/1.png"]
        assert row["asked"] == int(clock.now)
        waits.append(row["again"] - row["asked"])
        clock.add(waits[-1] + 1)
    assert waits[:3] == [first, 2 * first, 4 * first]
    assert waits[-1] == 30 * DAY
    server.replies["/1.png"] = reply(body=PNG)
    assert round_of(bench).states == {"known": 1}
    assert rows(bench)["/1.png"]["failures"] == 0


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (reply("500 No"), "failing"),
        (reply("404 No"), "gone"),
        (reply("429 No"), "busy"),
        (reply(body=b"<!doctype html>"), "none"),
    ],
)
def test_what_was_known_stays_while_a_server_says_nothing_better(
    bench: Bench, server: RawServer, clock, said: bytes, state: str
):
    server.replies["/1.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    round_of(bench)
    bench.sync()
    before = bodies(bench)
    server.replies["/1.png"] = said
    clock.add(91 * DAY)
    assert round_of(bench).states == {state: 1}
    bench.sync()
    assert bodies(bench) == before


def test_a_busy_host_is_left_alone_for_as_long_as_it_says(bench: Bench, server: RawServer, clock):
    for number in range(5):
        server.replies[f"/{number}.png"] = reply("503 No", Retry_After="7200")
        show(bench, f"{number}.md", server.url(f"/{number}.png"))
    bench.sync()
    report = round_of(bench)
    assert (report.states, report.left, len(server.requests)) == ({"busy": 1}, 4, 1)
    (row,) = rows(bench).values()
    assert row["again"] == int(clock.now) + 7200
    assert report.errors == [(row["url"], "answers 503")]


def test_no_wait_is_longer_than_a_month(bench: Bench, server: RawServer, clock):
    server.replies["/1.png"] = reply("503 No", Retry_After=10**12)
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    round_of(bench)
    assert rows(bench)["/1.png"]["again"] == int(clock.now) + 30 * DAY


def test_a_host_that_fails_thrice_is_left_alone(bench: Bench, server: RawServer):
    for number in range(6):
        server.replies[f"/{number}.png"] = reply("500 No")
        show(bench, f"{number}.md", server.url(f"/{number}.png"))
    bench.sync()
    assert (round_of(bench).states, round_of(bench).states) == ({"failing": 3}, {"failing": 3})


def test_failures_that_do_not_follow_each_other_do_not_end_a_visit(bench: Bench, server: RawServer):
    for number in range(8):
        server.replies[f"/{number}.png"] = reply("500 No") if number % 2 else reply(body=PNG)
        show(bench, f"{number}.md", server.url(f"/{number}.png"))
    bench.sync()
    assert round_of(bench).states == {"failing": 4, "known": 4}


def test_the_newest_articles_come_first_and_an_image_is_asked_for_once(bench: Bench, server):
    for year in range(2010, 2015):
        urls = (server.url(f"/{year}.png"), server.url("/shared.png"))
        show(bench, f"{year}.md", *urls, publishedDateTime=f"{year}-01-01T00:00:00Z")
    bench.sync()
    round_of(bench)
    heads = [line for line in server.lines() if line.startswith("HEAD")]
    assert heads == [
        *("HEAD /2014.png", "HEAD /shared.png", "HEAD /2013.png", "HEAD /2012.png"),
        *("HEAD /2011.png", "HEAD /2010.png"),
    ]


def test_hosts_take_turns(bench: Bench, server: RawServer, monkeypatch: pytest.MonkeyPatch):
    """A host of many images keeps no other waiting until they are all told."""
    everywhere_here(monkeypatch)
    monkeypatch.setattr(feedhub.probe, "_PARALLEL_HOSTS", 1)
    for year, host in ((2014, "many"), (2013, "many"), (2012, "many"), (2011, "one")):
        url = server.url(f"/{year}.png", host=f"{host}.example")
        show(bench, f"{year}.md", url, publishedDateTime=f"{year}-01-01T00:00:00Z")
    bench.sync()
    assert round_of(bench).states == {"gone": 4}
    heads = [line.removeprefix("HEAD ") for line in server.lines() if line.startswith("HEAD")]
    assert heads == ["/2014.png", "/2011.png", "/2013.png", "/2012.png"]


def everywhere_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every name below `.example` be one of this machine."""
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: real("127.0.0.1" if "example" in host else host, *rest, **more),
    )


def test_one_article_that_lacks_the_size_is_enough_to_ask_for_it(bench: Bench, server: RawServer):
    server.replies["/1.png"] = reply(body=PNG, Content_Type="image/png")
    sized = [{"url": server.url("/1.png"), "width": 4, "height": 3}]
    bench.write("old.md", title="Old", images=sized, publishedDateTime="2010-01-01T00:00:00Z")
    show(bench, "new.md", server.url("/1.png"))
    bench.sync()
    round_of(bench)
    assert rows(bench)["/1.png"]["width"] == 40


def test_when_the_time_is_over_nothing_is_begun(bench: Bench, server: RawServer):
    for number in range(3):
        show(bench, f"{number}.md", server.url(f"/{number}.png"))
    bench.sync()
    report = round_of(bench, seconds=0)
    assert (report.requested, report.left, server.requests) == (0, 3, [])


# Politeness


def test_one_host_is_asked_one_thing_at_a_time_with_a_pause(bench: Bench):
    """Under two ports it is one host all the same."""
    busy, lock = threading.Semaphore(1), threading.Lock()
    times: list[float] = []
    crowded = []

    def alone(connection: socket.socket) -> None:
        free = busy.acquire(blocking=False)
        with lock:
            crowded.append(not free)
            times.append(time.monotonic())
        time.sleep(0.02)
        if free:
            busy.release()
        connection.sendall(reply("404 No", Connection="close"))

    with raw_server() as first, raw_server() as second:
        for number in range(3):
            for server in (first, second):
                server.replies[f"/{number}.png"] = alone
                show(bench, f"{server.port}-{number}.md", server.url(f"/{number}.png"))
        bench.sync()
        assert round_of(bench, pause=0.03).states == {"gone": 6}
    assert crowded == [False] * 12
    assert all(after - before >= 0.03 for before, after in pairwise(times))


def test_hosts_are_asked_side_by_side(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """Two hosts that each wait for the other: one after the other they would time out."""
    both = threading.Barrier(2, timeout=20)
    everywhere_here(monkeypatch)

    def together(connection: socket.socket) -> None:
        both.wait()
        connection.sendall(reply("404 No", Connection="close"))

    with raw_server() as server:
        server.replies["/1.png"] = together
        show(bench, "one.md", server.url("/1.png", host="a.example"))
        show(bench, "two.md", server.url("/1.png", host="b.example"))
        bench.sync()
        assert round_of(bench, timeout=30).states == {"gone": 2}


# Nothing of a hidden article


def test_only_images_of_published_articles_are_asked_for(bench: Bench, server: RawServer):
    server.replies["/shown.png"] = reply(body=PNG)
    show(bench, "shown.md", server.url("/shown.png"))
    show(bench, "hidden.md", server.url("/hidden.png"), published=False)
    show(bench, "later.md", server.url("/later.png"), publishedDateTime="2096-01-01T00:00:00Z")
    bench.sync()
    round_of(bench)
    assert set(server.lines()) == {"HEAD /shown.png", "GET /shown.png"}


def test_an_article_whose_id_is_taken_is_not_published(bench: Bench, server: RawServer):
    show(bench, "a.md", server.url("/shown.png"), id="tag:one")
    show(bench, "b.md", server.url("/taken.png"), id="tag:one")
    bench.sync()
    round_of(bench)
    assert set(server.lines()) == {"HEAD /shown.png", "GET /shown.png"}


def test_what_is_known_goes_with_its_last_article(bench: Bench, server: RawServer):
    for name in ("1", "2", "shared"):
        server.replies[f"/{name}.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"), server.url("/shared.png"))
    show(bench, "two.md", server.url("/2.png"), server.url("/shared.png"))
    bench.sync()
    round_of(bench)
    bench.sync()
    assert set(rows(bench)) == {"/1.png", "/2.png", "/shared.png"}
    show(bench, "one.md", server.url("/1.png"), server.url("/shared.png"), published=False)
    bench.sync()
    assert set(rows(bench)) == {"/2.png", "/shared.png"}
    (bench.root / "two.md").unlink()
    bench.sync()
    bench.catalog.close()
    assert set(rows(bench)) == set()
    left = (bench.root.parent / "catalog.sqlite").read_bytes()
    assert b"/2.png" not in left
    assert b"shared.png" not in left


def test_an_image_that_an_article_has_no_longer_leaves_it(bench: Bench, server: RawServer):
    server.replies |= {"/1.png": reply(body=PNG), "/2.png": reply(body=png(60, 50))}
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    round_of(bench)
    bench.sync()
    show(bench, "one.md", server.url("/2.png"))
    bench.sync()
    assert rows(bench) == {}
    assert rows(bench, "SELECT number AS url, facts FROM image_facts") == {}
    assert b'length="0"' in bodies(bench)["all.rss"]
    round_of(bench)
    bench.sync()
    assert b'width="60"' in bodies(bench)["all.rss"]


def test_an_article_that_is_hidden_during_a_round_is_asked_for_no_more(bench: Bench, server):
    other = make_bench(bench.root.parent, bench.root.parent / "catalog.sqlite")

    def hide(connection) -> None:
        for name in ("a", "b"):
            show(other, f"{name}.md", server.url(f"/{name}.png"), published=False)
        catalog = Catalog(other.root.parent / "catalog.sqlite")
        Bench(other.root, catalog, other.config).sync()
        catalog.close()
        connection.sendall(reply("405 No", Connection="close"))

    server.replies |= {"HEAD /a.png": hide, "/a.png": reply(body=PNG)}
    show(bench, "a.md", server.url("/a.png"), publishedDateTime="2020-01-02T00:00:00Z")
    show(bench, "b.md", server.url("/b.png"), publishedDateTime="2020-01-01T00:00:00Z")
    bench.sync()
    report = round_of(bench)
    assert server.lines() == ["HEAD /a.png", "GET /a.png"]
    assert (report.requested, report.left) == (1, 1)
    assert rows(bench) == {}, "nor is anything of it kept"


def test_what_was_learned_is_kept_whatever_ends_the_round(bench: Bench, server: RawServer):
    server.replies["/1.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()

    def end() -> None:
        raise KeyboardInterrupt

    async def run() -> None:
        async with HttpClient("feedhub/0", allowed=lambda _: True) as client:
            await probe(bench.catalog, client, days=1, seconds=60, on_progress=end)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(run())
    assert rows(bench)["/1.png"]["state"] == "known"


def test_a_catalog_that_fails_ends_the_round_in_one_line(run, server: RawServer, monkeypatch):
    monkeypatch.setattr(feedhub.probe, "_BATCH", 1)

    def break_it(connection: socket.socket) -> None:
        with sqlite3.connect("c.sqlite") as sql:
            sql.execute("DROP TABLE images")
        sql.close()
        connection.sendall(reply("429 No", Connection="close"))

    server.replies["/1.png"] = break_it
    Path("articles").mkdir()
    text = article_text(images=[{"url": server.url("/1.png")}, {"url": server.url("/2.png")}])
    Path("articles/one.md").write_text(text, encoding="utf-8")
    run("sync", "articles", "--catalog", "c.sqlite", *BASE)
    code, out, err = run("probe", "--catalog", "c.sqlite")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no such table: images" in err


def test_many_answers_are_kept_as_they_come(bench: Bench, server: RawServer, monkeypatch):
    monkeypatch.setattr(feedhub.probe, "_BATCH", 2)
    kept: list[int] = []
    for number in range(4):
        server.replies[f"/{number}.png"] = reply("404 No")
        show(bench, f"{number}.md", server.url(f"/{number}.png"))
    bench.sync()

    async def run() -> None:
        async with HttpClient("feedhub/0", allowed=lambda _: True, pause=0) as client:
            on_progress = lambda: kept.append(len(rows(bench)))  # noqa: E731
            await probe(bench.catalog, client, days=1, seconds=60, on_progress=on_progress)

    asyncio.run(run())
    assert (kept, len(rows(bench))) == ([0, 0, 2, 2], 4)


# The command


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run a command in this process, where every address is allowed and nobody is waited for."""
    monkeypatch.chdir(tmp_path)
    inner = HttpClient.__init__

    def allowing(self: HttpClient, agent: str, *, pause: float) -> None:
        inner(self, agent, allowed=lambda _: True, pause=0)

    monkeypatch.setattr(HttpClient, "__init__", allowing)

    def run(*arguments: str) -> tuple[int, str, str]:
        return main(arguments), *capsys.readouterr()

    return run


BASE = ("--base-url", "https://feeds.example.org")


def test_the_command_asks_and_the_next_render_tells(run, server: RawServer):
    wide = png(600, 400)
    server.replies |= {"/1.png": reply(body=wide), "/2.png": reply("429 No")}
    images = [{"url": server.url(f"/{number}.png")} for number in (1, 2, 3)]
    Path("articles").mkdir()
    Path("articles/one.md").write_text(article_text(images=images), encoding="utf-8")
    assert run("render", "articles", "public", *BASE)[0] == 0
    code, out, err = run("probe", "articles", *BASE)
    assert (code, err) == (0, "")
    assert re.fullmatch(
        r"images: 2 requested, 1 found, 1 at a busy host, 1 left; \d+\.\d\d seconds\n", out
    )
    agents = {fields["user-agent"] for _, fields in server.requests}
    assert [re.sub(r"/\S+ ", "/V ", agent) for agent in agents] == [
        "feedhub/V (+https://feeds.example.org/)"
    ]
    assert run("render", "articles", "public", *BASE)[0] == 0
    assert f'length="{len(wide)}"' in Path("public/all.rss").read_text(encoding="utf-8")


def test_the_command_tells_numbers_and_reasons(run, server: RawServer):
    Path("articles").mkdir()
    text = article_text(images=[{"url": server.url("/1.png")}])
    Path("articles/one.md").write_text(text, encoding="utf-8")
    run("sync", "articles", "--catalog", "c.sqlite", *BASE)
    code, out, err = run("probe", "--catalog", "c.sqlite", "--json", "--verbose")
    told = json.loads(out)
    assert isinstance(told.pop("seconds"), float)
    states = {"known": 0, "none": 0, "gone": 1, "failing": 0, "busy": 0}
    assert (code, told) == (0, {"images": {"asked": 1} | states | {"left": 0}})
    assert f"feedhub: {server.url('/1.png')}: answers 404\n" in err
    assert Path("c.sqlite-wal").exists(), "who may only read could not open it"
    assert run("probe", "--catalog", "c.sqlite", "--quiet") == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("probe", "give SOURCE or --catalog PATH"),
        ("probe none", "none: does not exist; SOURCE is the folder of article files"),
        ("probe --catalog none.sqlite", "none.sqlite: there is no catalog yet; feedhub render"),
        ("probe --catalog articles/one.md", "articles/one.md: the catalog cannot be read: file is"),
        ("probe --catalog drafts.sqlite", "drafts.sqlite: the catalog contains drafts; probe a"),
    ],
)
def test_what_cannot_be_asked_for_is_code_2(run, arguments: str, message: str):
    Path("articles").mkdir()
    Path("articles/one.md").write_text(article_text(), encoding="utf-8")
    run("sync", "articles", "--catalog", "drafts.sqlite", "--drafts", *BASE)
    code, out, err = run(*arguments.split())
    assert (code, out) == (2, "")
    assert err.startswith(f"feedhub: {message}")


@pytest.mark.parametrize("given", ["--days 0", "--days x", "--seconds 0", "--seconds 9999999"])
def test_a_number_that_cannot_be_is_told(run, given: str):
    with pytest.raises(SystemExit, match="2"):
        run("probe", "articles", *given.split())


def test_nothing_is_asked_unless_the_command_is_run(run, server: RawServer):
    Path("articles").mkdir()
    text = article_text(images=[{"url": server.url("/1.png")}])
    Path("articles/one.md").write_text(text, encoding="utf-8")
    for arguments in ("render articles public", "check articles", "feeds articles"):
        assert run(*arguments.split(), *BASE)[0] == 0
    assert server.requests == []
