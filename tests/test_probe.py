"""A probe run: which images are looked up, how politely, what is stored and what readers get."""

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
from unittest.mock import ANY

import pytest

import feedhub.probe
from feedhub.catalog import Catalog
from feedhub.cli import main
from feedhub.formats import SUBSCRIBED
from feedhub.http_client import HttpClient
from feedhub.probe import ProbeReport, probe
from feedhub.sources import folder_scan
from tests.images import png
from tests.kit import NOW, Bench, article_text, make_bench, parse, without_feed_dates
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


def run_probe(bench: Bench, *, days: int = 90, seconds: float = 60, **options: Any) -> ProbeReport:
    """Look up what the catalog's images lack; every IP address is allowed."""
    settings: dict[str, Any] = {"allowed": lambda _: True, "pause": 0, "timeout": 30} | options

    async def run() -> ProbeReport:
        async with HttpClient("feedhub/0", **settings) as client:
            return await probe(bench.catalog, client, days=days, seconds=seconds)

    return asyncio.run(run())


def show(bench: Bench, name: str, *urls: str, **fields: Any) -> None:
    """Write an article with images."""
    images = [{"url": url} for url in urls]
    bench.write(name, title=name, images=images, topics=["AI"], **fields)


ALL = "SELECT * FROM images ORDER BY url"


def rows(bench: Bench, query: str = ALL) -> dict[str, dict[str, Any]]:
    """Return the rows of images in the catalog, by path of the address."""
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


def test_a_probe_completes_the_enclosures(bench: Bench, server: RawServer):
    server.replies["/image-id/1"] = reply(body=PNG, Content_Type="image/png")
    show(bench, "one.md", server.url("/image-id/1"))
    bench.sync()
    before = bodies(bench)
    assert "enclosure" not in parse(before["all.rss"]).entries[0]
    assert run_probe(bench) == ProbeReport(states={"known": 1})
    assert bodies(bench) == before, "not before the next sync"
    assert bench.sync().changed == 3
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


def test_a_probe_finds_audio_and_video(bench: Bench, server: RawServer):
    """What states all is not requested; a page with a player is never enclosed."""
    server.replies["/stream"] = reply(body=b"ID3" + bytes(97), Content_Type="audio/mpeg")
    server.replies["/2.mp4"] = reply(body=bytes(200), Content_Type="text/plain")
    server.replies["/watch"] = reply(body=b"<html>", Content_Type="text/html")
    paths = ["/watch", "/stream", "/2.mp4"]
    stated = {"url": server.url("/3.mp3"), "length": 7}
    bench.write("one.md", title="One", media=[*map(server.url, paths), stated])
    bench.sync()
    (item,) = json.loads(bodies(bench)["all.json"])["items"]
    video = {"url": server.url("/2.mp4"), "mime_type": "video/mp4"}
    known = {"url": server.url("/3.mp3"), "mime_type": "audio/mpeg", "size_in_bytes": 7}
    assert item["attachments"] == [video, known]
    assert run_probe(bench) == ProbeReport(states={"known": 1, "none": 2}, errors=ANY)
    assert not [line for line in server.lines() if "3.mp3" in line]
    bench.sync()
    (item,) = json.loads(bodies(bench)["all.json"])["items"]
    sound = {"url": server.url("/stream"), "mime_type": "audio/mpeg", "size_in_bytes": 100}
    assert item["attachments"] == [sound, video, known]
    assert run_probe(bench).requested == 0
    show(bench, "one.md")
    bench.sync()
    assert rows(bench) == {}


def test_a_new_length_makes_no_entry_newer_and_no_ping(bench: Bench, server: RawServer):
    """The tag changes with the bytes, but no entry is newer or looks new, and no hub is pinged."""
    server.replies["/1.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"))
    show(bench, "two.md", "https://cdn.example/2.png")
    bench.sync()
    plan, before = bench.site.plan(), parse(bodies(bench)["all.atom"])
    run_probe(bench)
    changes = bench.sync()
    assert (changes.changed, changes.changed_feeds) == (3, ())
    after = parse(bodies(bench)["all.atom"])
    for old, new in zip(before.entries, after.entries, strict=True):
        assert (new.id, new.updated, new.published) == (old.id, old.updated, old.published)
    assert after.feed.updated == before.feed.updated
    assert bench.site.plan()["all.rss"].fingerprint != plan["all.rss"].fingerprint
    assert bench.site.plan()["all.rss"].changed_at > plan["all.rss"].changed_at
    show(bench, "one.md", server.url("/1.png"), excerpt="Edited.")
    changes = bench.site.sync(bench.source(), NOW, paths={"one.md"})
    assert changes.changed_feeds == (("all", ""), ("topic", "ai"), ("language", "en"))
    assert f'length="{len(PNG)}"'.encode() in bodies(bench)["all.rss"]


def test_a_file_that_is_read_again_keeps_its_image_facts_and_its_date(
    bench: Bench, server: RawServer
):
    server.replies["/1.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    run_probe(bench)
    bench.sync()
    plan, before = bench.site.plan(), bodies(bench)
    (bench.root / "one.md").touch()
    assert bench.sync().changed == 0
    assert (bench.site.plan(), bodies(bench)) == (plan, before)
    show(bench, "one.md", server.url("/1.png"), excerpt="Edited.")
    assert bench.sync().changed == 3
    assert f'length="{len(PNG)}"'.encode() in bodies(bench)["all.rss"]


def test_equal_facts_in_any_order_give_equal_bytes(
    bench: Bench, server: RawServer, monkeypatch: pytest.MonkeyPatch
):
    """It does not matter whether the facts came before or after a sync, nor how many there were."""
    monkeypatch.setattr(folder_scan, "RACY_NS", 0)  # an unchanged file is not read again
    server.replies["/1.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    run_probe(bench)
    bench.sync()
    bench.sync()
    other = make_bench(bench.root.parent, bench.root.parent / "other.sqlite")
    other.sync()
    run_probe(other)
    show(bench, "two.md")
    bench.sync()
    other.sync()
    dated, others = bodies(bench), bodies(other)
    assert {path: without_feed_dates(path, body) for path, body in dated.items()} == {
        path: without_feed_dates(path, body) for path, body in others.items()
    }
    # Only the dates at which feeds changed may differ, and where they do, so do the fingerprints.
    first, second = bench.site.plan(), other.site.plan()
    for path, body in dated.items():
        if body != others[path]:
            assert first[path].fingerprint != second[path].fingerprint


def test_a_delta_contains_an_entry_whose_image_length_is_new(bench: Bench, server: RawServer):
    server.replies["/1.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"))
    show(bench, "two.md")
    bench.sync()
    base = bench.site.plan()["all.json"].fingerprint
    run_probe(bench)
    bench.sync()
    site = bench.site
    news = site.delta(site.plan()["all.json"], base)
    assert news is not None
    assert [item["title"] for item in json.loads(news)["items"]] == ["one.md"]


def test_a_size_from_the_article_is_not_replaced(bench: Bench, server: RawServer):
    server.replies["/1.jpg"] = reply(body=PNG, Content_Type="image/png")
    images = [{"url": server.url("/1.jpg"), "width": 400, "height": 300}]
    bench.write("one.md", images=images)
    half = [{"url": server.url("/1.jpg?x"), "width": 400}]
    server.replies["/1.jpg?x"] = reply(body=PNG)
    bench.write("two.md", title="Two", images=half)
    bench.sync()
    run_probe(bench)
    bench.sync()
    sizes = {
        entry.title: (media["width"], media["height"], media["type"])
        for entry in parse(bodies(bench)["all.rss"]).entries
        for media in entry.media_content
    }
    # The type of the bytes is true for every reader, whatever suffix the address has.
    assert sizes == {"A title": ("400", "300", "image/png"), "Two": ("40", "30", "image/png")}
    assert "GET /1.jpg" not in server.lines(), "HEAD says what was not known"


def test_a_reply_that_is_no_image_changes_no_document(bench: Bench, server: RawServer):
    server.replies["/1.png"] = reply(body=b"<!doctype html>", Content_Type="text/html")
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    before = bodies(bench)
    assert run_probe(bench).states == {"none": 1}
    assert bench.sync().changed == 0
    assert bodies(bench) == before


def test_an_article_of_the_catalog_has_the_facts_of_its_images(bench: Bench, server: RawServer):
    server.replies["/1.png"] = reply(body=PNG)
    related = [{"title": "Other", "webUrl": "https://other.example/1"}]
    show(bench, "one.md", server.url("/1.png"), related=related)
    bench.sync()
    run_probe(bench)
    bench.sync()
    (number,) = bench.catalog.entries(bench.site.states()[0])
    assert bench.catalog.article(number).images[0].length == len(PNG)


# Which images are looked up, and when again


def test_known_images_are_looked_up_again_after_some_days(bench: Bench, server: RawServer, clock):
    server.replies["/1.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    assert run_probe(bench, days=10).requested == 1
    assert run_probe(bench).requested == 0
    clock.add(10 * DAY - 60)
    assert run_probe(bench).requested == 0
    clock.add(120)
    server.replies["/1.png"] = reply(body=png(60, 50))
    assert run_probe(bench).requested == 1
    bench.sync()
    assert b'width="60"' in bodies(bench)["all.rss"]


class Clock:
    """The time of a probe run."""

    def __init__(self) -> None:
        self.now = time.time()

    def add(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still until a test moves it."""
    clock = Clock()

    times = SimpleNamespace(time=lambda: clock.now, monotonic=time.monotonic)
    monkeypatch.setattr(feedhub.probe, "time", times)
    return clock


@pytest.mark.parametrize(
    ("status", "state", "first"),
    [("404 No", "gone", DAY), ("500 No", "failing", 3600), ("429 No", "busy", 3600)],
)
def test_the_wait_after_each_failure_doubles(
    bench: Bench, server: RawServer, clock, status: str, state: str, first: int
):
    server.replies["/1.png"] = reply(status)
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    waits = []
    for _ in range(12):
        assert run_probe(bench).states == {state: 1}
        assert run_probe(bench).requested == 0
        row = rows(bench)["/1.png"]
        assert row["looked_up_at"] == int(clock.now)
        waits.append(row["retry_at"] - row["looked_up_at"])
        clock.add(waits[-1] + 1)
    assert waits[:3] == [first, 2 * first, 4 * first]
    assert waits[-1] == 30 * DAY
    server.replies["/1.png"] = reply(body=PNG)
    assert run_probe(bench).states == {"known": 1}
    assert rows(bench)["/1.png"]["failures"] == 0


@pytest.mark.parametrize(
    ("later", "state"),
    [
        (reply("500 No"), "failing"),
        (reply("404 No"), "gone"),
        (reply("429 No"), "busy"),
        (reply(body=b"<!doctype html>"), "none"),
    ],
)
def test_known_facts_stay_when_a_later_look_up_fails(
    bench: Bench, server: RawServer, clock, later: bytes, state: str
):
    server.replies["/1.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    run_probe(bench)
    bench.sync()
    before = bodies(bench)
    server.replies["/1.png"] = later
    clock.add(91 * DAY)
    assert run_probe(bench).states == {state: 1}
    bench.sync()
    assert bodies(bench) == before


def test_a_busy_host_gets_no_request_during_its_retry_after(bench: Bench, server: RawServer, clock):
    for number in range(5):
        server.replies[f"/{number}.png"] = reply("503 No", Retry_After="7200")
        show(bench, f"{number}.md", server.url(f"/{number}.png"))
    bench.sync()
    report = run_probe(bench)
    assert (report.states, report.left, len(server.requests)) == ({"busy": 1}, 4, 1)
    (row,) = rows(bench).values()
    assert row["retry_at"] == int(clock.now) + 7200
    assert report.errors == [(row["url"], "answers 503")]


def test_no_wait_is_longer_than_a_month(bench: Bench, server: RawServer, clock):
    server.replies["/1.png"] = reply("503 No", Retry_After=10**12)
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    run_probe(bench)
    assert rows(bench)["/1.png"]["retry_at"] == int(clock.now) + 30 * DAY


def test_three_failures_in_a_row_end_the_requests_to_a_host(bench: Bench, server: RawServer):
    for number in range(6):
        server.replies[f"/{number}.png"] = reply("500 No")
        show(bench, f"{number}.md", server.url(f"/{number}.png"))
    bench.sync()
    assert (run_probe(bench).states, run_probe(bench).states) == ({"failing": 3}, {"failing": 3})


def test_failures_between_successes_do_not_end_the_requests_to_a_host(
    bench: Bench, server: RawServer
):
    for number in range(8):
        server.replies[f"/{number}.png"] = reply("500 No") if number % 2 else reply(body=PNG)
        show(bench, f"{number}.md", server.url(f"/{number}.png"))
    bench.sync()
    assert run_probe(bench).states == {"failing": 4, "known": 4}


def test_images_of_the_newest_articles_come_first_and_each_once(bench: Bench, server):
    for year in range(2010, 2015):
        urls = (server.url(f"/{year}.png"), server.url("/shared.png"))
        show(bench, f"{year}.md", *urls, publishedDateTime=f"{year}-01-01T00:00:00Z")
    bench.sync()
    run_probe(bench)
    heads = [line for line in server.lines() if line.startswith("HEAD")]
    assert heads == [
        *("HEAD /2014.png", "HEAD /shared.png", "HEAD /2013.png", "HEAD /2012.png"),
        *("HEAD /2011.png", "HEAD /2010.png"),
    ]


def test_hosts_take_turns(bench: Bench, server: RawServer, monkeypatch: pytest.MonkeyPatch):
    """A host with many images does not keep the others waiting."""
    resolve_examples_to_this_machine(monkeypatch)
    monkeypatch.setattr(feedhub.probe, "_PARALLEL_HOSTS", 1)
    for year, host in ((2014, "many"), (2013, "many"), (2012, "many"), (2011, "one")):
        url = server.url(f"/{year}.png", host=f"{host}.example")
        show(bench, f"{year}.md", url, publishedDateTime=f"{year}-01-01T00:00:00Z")
    bench.sync()
    assert run_probe(bench).states == {"gone": 4}
    heads = [line.removeprefix("HEAD ") for line in server.lines() if line.startswith("HEAD")]
    assert heads == ["/2014.png", "/2011.png", "/2013.png", "/2012.png"]


def resolve_examples_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every name below `.example` resolve to this machine."""
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: real("127.0.0.1" if "example" in host else host, *rest, **more),
    )


def test_the_size_is_looked_up_if_one_article_of_the_image_lacks_it(
    bench: Bench, server: RawServer
):
    server.replies["/1.png"] = reply(body=PNG, Content_Type="image/png")
    sized = [{"url": server.url("/1.png"), "width": 4, "height": 3}]
    bench.write("old.md", title="Old", images=sized, publishedDateTime="2010-01-01T00:00:00Z")
    show(bench, "new.md", server.url("/1.png"))
    bench.sync()
    run_probe(bench)
    assert rows(bench)["/1.png"]["width"] == 40


def test_no_request_begins_after_the_time_limit(bench: Bench, server: RawServer):
    for number in range(3):
        show(bench, f"{number}.md", server.url(f"/{number}.png"))
    bench.sync()
    report = run_probe(bench, seconds=0)
    assert (report.requested, report.left, server.requests) == (0, 3, [])


# Politeness


def test_one_host_gets_one_request_at_a_time_with_a_pause(bench: Bench):
    """Two ports are one host."""
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
        assert run_probe(bench, pause=0.03).states == {"gone": 6}
    assert crowded == [False] * 12
    assert all(after - before >= 0.03 for before, after in pairwise(times))


def test_hosts_are_requested_in_parallel(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """Each of two hosts waits for the other: one after the other they would time out."""
    both = threading.Barrier(2, timeout=20)
    resolve_examples_to_this_machine(monkeypatch)

    def together(connection: socket.socket) -> None:
        both.wait()
        connection.sendall(reply("404 No", Connection="close"))

    with raw_server() as server:
        server.replies["/1.png"] = together
        show(bench, "one.md", server.url("/1.png", host="a.example"))
        show(bench, "two.md", server.url("/1.png", host="b.example"))
        bench.sync()
        assert run_probe(bench, timeout=30).states == {"gone": 2}


# Nothing of a hidden article


def test_only_images_of_published_articles_are_requested(bench: Bench, server: RawServer):
    server.replies["/shown.png"] = reply(body=PNG)
    show(bench, "shown.md", server.url("/shown.png"))
    show(bench, "hidden.md", server.url("/hidden.png"), published=False)
    show(bench, "later.md", server.url("/later.png"), publishedDateTime="2096-01-01T00:00:00Z")
    bench.sync()
    run_probe(bench)
    assert set(server.lines()) == {"HEAD /shown.png", "GET /shown.png"}


def test_images_of_an_article_with_a_duplicate_id_are_not_requested(
    bench: Bench, server: RawServer
):
    show(bench, "a.md", server.url("/shown.png"), id="tag:one")
    show(bench, "b.md", server.url("/taken.png"), id="tag:one")
    bench.sync()
    run_probe(bench)
    assert set(server.lines()) == {"HEAD /shown.png", "GET /shown.png"}


def test_the_facts_of_an_image_are_deleted_with_its_last_article(bench: Bench, server: RawServer):
    for name in ("1", "2", "shared"):
        server.replies[f"/{name}.png"] = reply(body=PNG)
    show(bench, "one.md", server.url("/1.png"), server.url("/shared.png"))
    show(bench, "two.md", server.url("/2.png"), server.url("/shared.png"))
    bench.sync()
    run_probe(bench)
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


def test_a_replaced_image_loses_its_facts(bench: Bench, server: RawServer):
    server.replies |= {"/1.png": reply(body=PNG), "/2.png": reply(body=png(60, 50))}
    show(bench, "one.md", server.url("/1.png"))
    bench.sync()
    run_probe(bench)
    bench.sync()
    show(bench, "one.md", server.url("/2.png"))
    bench.sync()
    assert rows(bench) == {}
    assert rows(bench, "SELECT number AS url, facts FROM image_facts") == {}
    assert b'length="0"' in bodies(bench)["all.rss"]
    run_probe(bench)
    bench.sync()
    assert b'width="60"' in bodies(bench)["all.rss"]


def test_images_of_an_article_hidden_during_a_run_are_not_requested(bench: Bench, server):
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
    report = run_probe(bench)
    assert server.lines() == ["HEAD /a.png", "GET /a.png"]
    assert (report.requested, report.left) == (1, 1)
    assert rows(bench) == {}, "no facts of it are stored"


def test_results_are_written_even_if_the_run_is_interrupted(bench: Bench, server: RawServer):
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


def test_a_catalog_that_fails_ends_the_run_with_one_line(run, server: RawServer, monkeypatch):
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
    assert "the catalog is damaged" in err


def test_results_are_written_in_batches(bench: Bench, server: RawServer, monkeypatch):
    monkeypatch.setattr(feedhub.probe, "_BATCH", 2)
    counts: list[int] = []
    for number in range(4):
        server.replies[f"/{number}.png"] = reply("404 No")
        show(bench, f"{number}.md", server.url(f"/{number}.png"))
    bench.sync()

    async def run() -> None:
        async with HttpClient("feedhub/0", allowed=lambda _: True, pause=0) as client:
            on_progress = lambda: counts.append(len(rows(bench)))  # noqa: E731
            await probe(bench.catalog, client, days=1, seconds=60, on_progress=on_progress)

    asyncio.run(run())
    assert (counts, len(rows(bench))) == ([0, 0, 2, 2], 4)


# The command


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run a command in this process, where every IP address is allowed and no pause is made."""
    monkeypatch.chdir(tmp_path)
    inner = HttpClient.__init__

    def allowing(self: HttpClient, agent: str, *, pause: float) -> None:
        inner(self, agent, allowed=lambda _: True, pause=0)

    monkeypatch.setattr(HttpClient, "__init__", allowing)

    def run(*arguments: str) -> tuple[int, str, str]:
        return main(arguments), *capsys.readouterr()

    return run


BASE = ("--base-url", "https://feeds.example.org")


def test_the_next_render_contains_the_probed_facts(run, server: RawServer):
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


def test_the_command_prints_numbers_and_reasons(run, server: RawServer):
    Path("articles").mkdir()
    text = article_text(images=[{"url": server.url("/1.png")}])
    Path("articles/one.md").write_text(text, encoding="utf-8")
    run("sync", "articles", "--catalog", "c.sqlite", *BASE)
    code, out, err = run("probe", "--catalog", "c.sqlite", "--json", "--verbose")
    report = json.loads(out)
    assert isinstance(report.pop("seconds"), float)
    states = {"known": 0, "none": 0, "gone": 1, "failing": 0, "busy": 0}
    assert (code, report) == (0, {"images": {"requested": 1} | states | {"left": 0}})
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
def test_a_probe_without_a_usable_catalog_is_exit_code_2(run, arguments: str, message: str):
    Path("articles").mkdir()
    Path("articles/one.md").write_text(article_text(), encoding="utf-8")
    run("sync", "articles", "--catalog", "drafts.sqlite", "--drafts", *BASE)
    code, out, err = run(*arguments.split())
    assert (code, out) == (2, "")
    assert err.startswith(f"feedhub: {message}")


@pytest.mark.parametrize("options", ["--days 0", "--days x", "--seconds 0", "--seconds 9999999"])
def test_a_number_out_of_range_is_an_error(run, options: str):
    with pytest.raises(SystemExit, match="2"):
        run("probe", "articles", *options.split())


def test_no_other_command_requests_an_image(run, server: RawServer):
    Path("articles").mkdir()
    text = article_text(images=[{"url": server.url("/1.png")}])
    Path("articles/one.md").write_text(text, encoding="utf-8")
    for arguments in ("render articles public", "check articles", "feeds articles"):
        assert run(*arguments.split(), *BASE)[0] == 0
    assert server.requests == []
