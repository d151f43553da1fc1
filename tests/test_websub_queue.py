"""Of what the hub is owed a word: feeds that tell their subscribers something else, each once."""

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


def owed(bench: Bench, now=LATER) -> set[str]:
    """Sync, let go what is held back, and return the paths that wait."""
    bench.sync(now)
    bench.catalog.pings.release(now.timestamp())
    return {ping.path for ping in bench.catalog.pings.due(None)}


def every(*feeds: str) -> set[str]:
    return {f"{feed}.{suffix}" for feed in feeds for suffix in SUFFIXES}


def configured(bench: Bench, **overrides: object) -> None:
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    given = {"site.base_url": "https://feeds.example.org", "feeds.kinds": ("all", "topic")}
    bench.config = load_config(None, {}, given | {"websub.hub": HUB} | keys)


def test_a_fresh_catalog_owes_nothing(bench):
    """Nobody has subscribed to what is new, and a lost catalog changes nothing that is out."""
    assert owed(bench) == set()


def test_an_edit_is_owed_by_each_feed_it_stands_in_and_by_no_other(bench):
    bench.write("one.md", title="One, edited", topics=["AI"])
    assert owed(bench) == every("all", "topics/ai")


def test_a_withdrawal_is_owed_too(bench):
    bench.write("one.md", title="One", topics=["AI"], published=False)
    assert owed(bench) == every("all", "topics/ai")


def test_a_feed_that_is_new_is_not(bench):
    bench.write("three.md", title="Three", topics=["New"])
    assert owed(bench) == every("all")


@pytest.mark.parametrize("fields", [{"secured": True}, {"quality": 3}, {"heat": 80}])
def test_what_no_subscriber_sees_is_owed_by_nobody(bench, fields):
    bench.write("one.md", title="One", topics=["AI"], **fields)
    assert bench.sync(LATER).read >= 1
    assert owed(bench) == set()


def test_what_stands_in_archives_only_is_owed_by_nobody(tmp_path):
    bench = make_bench(tmp_path, websub__hub=HUB, feeds__limit=1, feeds__days=0)
    for month in (4, 5, 6):
        bench.write(f"{month}.md", title="A", publishedDateTime=f"2020-0{month}-01T00:00:00Z")
    bench.sync()
    bench.write("4.md", title="Edited", publishedDateTime="2020-04-01T00:00:00Z")
    assert bench.sync(LATER).changed == 1
    assert owed(bench) == set()


def test_other_bytes_are_no_news_where_they_say_the_same(bench):
    configured(bench, site__title="Another title")
    assert bench.sync(LATER).changed == 3
    assert owed(bench) == set()


def test_news_are_found_among_other_bytes(bench):
    """An upgrade that comes with an edit: the edit is owed, the upgrade is not."""
    configured(bench, site__title="Another title")
    bench.write("one.md", title="One, edited", topics=["AI"])
    assert owed(bench) == every("all", "topics/ai")


def test_formats_that_are_not_written_and_feeds_that_are_elsewhere_are_left_out(bench):
    moved = (("topics/robots", "topics/machines"),)
    configured(
        bench,
        feeds__formats=("atom", "html"),
        feeds__gone=("topics/ai",),
        feeds__moved=("topics/robots -> topics/machines",),
    )
    assert bench.config.feeds.moved == moved
    bench.write("one.md", title="One, edited", topics=["AI"])
    bench.write("two.md", title="Two, edited", topics=["Robots"])
    assert owed(bench) == {"all.atom"}


def test_a_named_selection_is_a_feed_like_any_other(tmp_path):
    custom = [{"name": "ai-news", "title": "AI news", "topic": ["AI"]}]
    bench = make_bench(tmp_path, websub__hub=HUB, feeds__kinds=("all",), feeds__custom=custom)
    bench.write("one.md", title="One", topics=["AI"])
    bench.write("two.md", title="Two", topics=["Robots"])
    bench.sync()
    bench.write("two.md", title="Two, edited", topics=["Robots"])
    assert owed(bench) == every("all")
    bench.write("one.md", title="One, edited", topics=["AI"])
    assert owed(bench) == every("all", "custom/ai-news")


def test_without_a_hub_nothing_is_owed_and_what_was_is_forgotten(bench):
    bench.write("one.md", title="One, edited", topics=["AI"])
    assert len(owed(bench)) == 6
    configured(bench, websub__hub="")
    bench.write("one.md", title="One, edited again", topics=["AI"])
    assert owed(bench) == set()


def test_a_second_change_joins_the_first_and_begins_anew(bench):
    bench.write("one.md", title="One, edited", topics=["AI"])
    owed(bench)
    first = bench.catalog.pings.due(None)
    bench.catalog.pings.defer(first[0]._replace(tries=7), 9e9)
    bench.write("one.md", title="One, edited again", topics=["AI"])
    then = LATER + timedelta(minutes=1)
    owed(bench, then)
    second = bench.catalog.pings.due(then.timestamp())
    assert [ping.path for ping in second] == [ping.path for ping in first]
    assert {ping.tries for ping in second} == {0}
    assert {ping.since for ping in second} == {then.timestamp()}
    bench.catalog.pings.remove(first)  # their hub has only been told of the first change
    bench.catalog.pings.defer(first[0]._replace(tries=7), 9e9)  # or has failed then
    assert bench.catalog.pings.due(None) == second
    bench.catalog.pings.remove(second)
    assert bench.catalog.pings.waiting() == (0, None)


def test_what_never_failed_goes_first(bench):
    bench.write("one.md", title="One, edited", topics=["AI"])
    owed(bench)
    first, *others = bench.catalog.pings.due(None)
    bench.catalog.pings.defer(first._replace(tries=1), 0)
    assert bench.catalog.pings.due(None) == [*others, first._replace(tries=1)]


def test_what_is_held_back_waits_and_a_refused_sync_owes_nothing(bench):
    bench.write("one.md", title="One, edited", topics=["AI"])
    bench.sync(LATER)
    assert bench.catalog.pings.due(None) == []
    assert bench.catalog.pings.waiting() == (6, None)
    bench.catalog.pings.release(5.5)
    assert bench.catalog.pings.waiting() == (6, 5.5)
    assert {ping.since for ping in bench.catalog.pings.due(5.5)} == {5.5}
    assert bench.catalog.pings.due(5.4) == []
    bench.catalog.pings.remove(bench.catalog.pings.due(None))
    bench.write("one.md", title="One", topics=["AI"], published=False)
    bench.write("two.md", title="Two", topics=["Robots"], published=False)
    source: Source = source_of(bench.root, bench.config)
    with pytest.raises(ShrinkError):
        bench.site.sync(source, LATER, accept=refuse_shrinking)
    assert bench.catalog.pings.waiting() == (0, None)


def test_a_render_lets_go_only_once_the_folder_is_in_place(bench, tmp_path):
    """What a refused render has brought into the catalog is owed when the next one publishes it."""
    source, out = source_of(bench.root, bench.config), tmp_path / "out"
    render(bench.site, bench.catalog, source, out, now=NOW)
    bench.write("one.md", title="One", topics=["AI"], published=False)
    bench.write("two.md", title="Two", topics=["Robots"], published=False)
    with pytest.raises(ShrinkError):
        render(bench.site, bench.catalog, source, out, now=LATER)
    assert bench.catalog.pings.waiting() == (9, None)
    render(bench.site, bench.catalog, source, out, now=LATER, allow_shrink=True)
    assert bench.catalog.pings.waiting() == (9, LATER.timestamp())


def test_the_queue_is_no_longer_than_there_are_addresses(bench):
    for number in range(5):
        bench.write("one.md", title=f"One, edited {number}", topics=["AI"])
        bench.write("two.md", title=f"Two, edited {number}", topics=["Robots"])
        owed(bench, LATER + timedelta(minutes=number))
    topics = [planned for planned in bench.site.plan().values() if planned.topic]
    assert bench.catalog.pings.waiting().number == len(topics) == 9


def test_a_catalog_that_is_kept_by_another_is_neither_made_nor_made_anew(tmp_path):
    place = tmp_path / "catalog.db"
    with pytest.raises(CatalogError, match="there is no catalog yet"):
        Catalog.open_existing(place, read_only=False)
    assert not place.exists()
    with closing(Catalog(place)) as catalog:
        catalog._database.execute("PRAGMA user_version = 999")
    before = place.read_bytes()
    with pytest.raises(CatalogError, match="no catalog of this version"):
        Catalog.open_existing(place, read_only=False)
    assert place.read_bytes() == before
