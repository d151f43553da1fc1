"""Which changes enter the queue of pings: feeds whose subscribers see something else, each once."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest

from feedhub.catalog import Catalog, refuse_shrinking
from feedhub.config import load_config
from feedhub.errors import CatalogError, ShrinkError
from feedhub.render import render
from feedhub.site import source_of
from feedhub.sources import Source
from tests.kit import NOW, Bench, make_bench

HUB = "https://hub.example/"
LATER = NOW + timedelta(minutes=1)
SUFFIXES = ("rss", "atom", "json")


@pytest.fixture
def bench(tmp_path):
    bench = make_bench(tmp_path, websub__hub=HUB, feeds__kinds=("all", "topic"))
    bench.write("one.md", title="One", topics=["AI"])
    bench.write("two.md", title="Two", topics=["Robots"])
    bench.sync()
    return bench


def enqueued(bench: Bench, now=LATER) -> set[str]:
    """Sync, release the changes, and return the paths in the queue."""
    bench.sync(now)
    bench.catalog.release_changes(now.timestamp())
    return {ping.path for ping in bench.catalog.changes("hub").due(None)}


def paths_of(*feeds: str) -> set[str]:
    return {f"{feed}.{suffix}" for feed in feeds for suffix in SUFFIXES}


def configure(bench: Bench, **overrides: object) -> None:
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    required = {"site.base_url": "https://feeds.example.org", "feeds.kinds": ("all", "topic")}
    bench.config = load_config(None, {}, required | {"websub.hub": HUB} | keys)


def test_a_new_catalog_enqueues_nothing(bench):
    """New feeds have no subscribers, and a lost catalog changes nothing that is published."""
    assert enqueued(bench) == set()


def test_an_edit_enqueues_the_feeds_of_the_article_and_no_other(bench):
    bench.write("one.md", title="One, edited", topics=["AI"])
    assert enqueued(bench) == paths_of("all", "topics/ai")


def test_a_withdrawal_enqueues_its_feeds(bench):
    bench.write("one.md", title="One", topics=["AI"], published=False)
    assert enqueued(bench) == paths_of("all", "topics/ai")


def test_a_new_feed_is_not_enqueued(bench):
    bench.write("three.md", title="Three", topics=["New"])
    assert enqueued(bench) == paths_of("all")


@pytest.mark.parametrize("fields", [{"secured": True}, {"quality": 3}, {"heat": 80}])
def test_an_edit_that_no_subscriber_sees_enqueues_nothing(bench, fields):
    bench.write("one.md", title="One", topics=["AI"], **fields)
    assert bench.sync(LATER).read >= 1
    assert enqueued(bench) == set()


def test_an_edit_in_an_archive_enqueues_nothing(tmp_path):
    bench = make_bench(tmp_path, websub__hub=HUB, feeds__limit=1, feeds__days=0)
    for month in (4, 5, 6):
        date = f"2020-0{month}-01T00:00:00Z"
        bench.write(f"{month}.md", title=f"Of {month}", publishedDateTime=date)
    bench.sync()
    bench.write("4.md", title="Edited", publishedDateTime="2020-04-01T00:00:00Z")
    assert bench.sync(LATER).changed == 2, "its archive, and that of its language"
    assert enqueued(bench) == set()


def test_a_new_title_of_the_site_enqueues_nothing(bench):
    configure(bench, site__title="Another title")
    assert bench.sync(LATER).changed == 3
    assert enqueued(bench) == set()


def test_an_edit_beside_a_new_title_enqueues_only_its_feeds(bench):
    """The edit changes what subscribers see, the title does not."""
    configure(bench, site__title="Another title")
    bench.write("one.md", title="One, edited", topics=["AI"])
    assert enqueued(bench) == paths_of("all", "topics/ai")


def test_unused_formats_and_moved_or_gone_feeds_are_not_enqueued(bench):
    moved = (("topics/robots", "topics/machines"),)
    configure(
        bench,
        feeds__formats=("atom", "html"),
        feeds__gone=("topics/ai",),
        feeds__moved=("topics/robots -> topics/machines",),
    )
    assert bench.config.feeds.moved == moved
    bench.write("one.md", title="One, edited", topics=["AI"])
    bench.write("two.md", title="Two, edited", topics=["Robots"])
    assert enqueued(bench) == {"all.atom"}


def test_a_custom_feed_is_enqueued_like_any_other(tmp_path):
    custom = [{"name": "ai-news", "title": "AI news", "topic": ["AI"]}]
    bench = make_bench(tmp_path, websub__hub=HUB, feeds__kinds=("all",), feeds__custom=custom)
    bench.write("one.md", title="One", topics=["AI"])
    bench.write("two.md", title="Two", topics=["Robots"])
    bench.sync()
    bench.write("two.md", title="Two, edited", topics=["Robots"])
    assert enqueued(bench) == paths_of("all")
    bench.write("one.md", title="One, edited", topics=["AI"])
    assert enqueued(bench) == paths_of("all", "custom/ai-news")


def test_without_a_hub_the_queue_is_cleared(bench):
    bench.write("one.md", title="One, edited", topics=["AI"])
    assert len(enqueued(bench)) == 6
    configure(bench, websub__hub="")
    bench.write("one.md", title="One, edited again", topics=["AI"])
    assert enqueued(bench) == set()


def test_a_second_change_replaces_the_first(bench):
    bench.write("one.md", title="One, edited", topics=["AI"])
    enqueued(bench)
    first = bench.catalog.changes("hub").due(None)
    bench.catalog.changes("hub").defer(first[0]._replace(tries=7), 9e9)
    bench.write("one.md", title="One, edited again", topics=["AI"])
    then = LATER + timedelta(minutes=1)
    enqueued(bench, then)
    second = bench.catalog.changes("hub").due(then.timestamp())
    assert [ping.path for ping in second] == [ping.path for ping in first]
    assert {ping.tries for ping in second} == {0}
    assert {ping.since for ping in second} == {then.timestamp()}
    bench.catalog.changes("hub").remove(first)  # the hub accepted the ping for the first change
    bench.catalog.changes("hub").defer(first[0]._replace(tries=7), 9e9)  # or that ping failed
    assert bench.catalog.changes("hub").due(None) == second
    bench.catalog.changes("hub").remove(second)
    assert bench.catalog.changes("hub").status() == (0, None)


def test_pings_that_never_failed_come_first(bench):
    bench.write("one.md", title="One, edited", topics=["AI"])
    enqueued(bench)
    first, *others = bench.catalog.changes("hub").due(None)
    bench.catalog.changes("hub").defer(first._replace(tries=1), 0)
    assert bench.catalog.changes("hub").due(None) == [*others, first._replace(tries=1)]


def test_unreleased_changes_wait_and_a_refused_sync_enqueues_nothing(bench):
    bench.write("one.md", title="One, edited", topics=["AI"])
    bench.sync(LATER)
    assert bench.catalog.changes("hub").due(None) == []
    assert bench.catalog.changes("hub").status() == (6, None)
    bench.catalog.release_changes(5.5)
    assert bench.catalog.changes("hub").status() == (6, 5.5)
    assert {ping.since for ping in bench.catalog.changes("hub").due(5.5)} == {5.5}
    assert bench.catalog.changes("hub").due(5.4) == []
    bench.catalog.changes("hub").remove(bench.catalog.changes("hub").due(None))
    bench.write("one.md", title="One", topics=["AI"], published=False)
    bench.write("two.md", title="Two", topics=["Robots"], published=False)
    source: Source = source_of(bench.root, bench.config)
    with pytest.raises(ShrinkError):
        bench.site.sync(source, LATER, accept=refuse_shrinking)
    assert bench.catalog.changes("hub").status() == (0, None)


def test_a_render_releases_changes_once_the_folder_is_published(bench, tmp_path):
    """Changes of a refused render are pinged when the next one publishes them."""
    source, out = source_of(bench.root, bench.config), tmp_path / "out"
    render(bench.site, bench.catalog, source, out, now=NOW)
    bench.write("one.md", title="One", topics=["AI"], published=False)
    bench.write("two.md", title="Two", topics=["Robots"], published=False)
    with pytest.raises(ShrinkError):
        render(bench.site, bench.catalog, source, out, now=LATER)
    assert bench.catalog.changes("hub").status() == (0, None), "the sync was taken back"
    render(bench.site, bench.catalog, source, out, now=LATER, allow_shrink=True)
    assert bench.catalog.changes("hub").status() == (9, LATER.timestamp())


def test_the_queue_is_no_longer_than_the_list_of_feeds(bench):
    for number in range(5):
        bench.write("one.md", title=f"One, edited {number}", topics=["AI"])
        bench.write("two.md", title=f"Two, edited {number}", topics=["Robots"])
        enqueued(bench, LATER + timedelta(minutes=number))
    topics = [planned for planned in bench.site.plan().values() if planned.is_topic]
    assert bench.catalog.changes("hub").status().waiting == len(topics) == 9


def test_opening_an_existing_catalog_neither_makes_nor_replaces_it(tmp_path):
    path = tmp_path / "catalog.db"
    with pytest.raises(CatalogError, match="there is no catalog yet"):
        Catalog.open_existing(path, read_only=False)
    assert not path.exists()
    with closing(Catalog(path)) as catalog:
        catalog._database.execute("PRAGMA user_version = 999")
    before = path.read_bytes()
    with pytest.raises(CatalogError, match="not a catalog of this version"):
        Catalog.open_existing(path, read_only=False)
    assert path.read_bytes() == before
