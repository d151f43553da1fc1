"""Entries are encoded once for all documents, stay within bounds, and follow the catalog."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from types import ModuleType
from typing import Any, BinaryIO

import pytest

from feedhub.catalog import Catalog
from feedhub.formats import FORMATS, SUBSCRIBED, Format
from feedhub.formats.entries import encode_entry
from feedhub.formats.pages import feed as feed_page
from feedhub.selection import parse_query
from feedhub.site import Site, entry_store
from tests.golden import sample
from tests.kit import Bench, make_bench
from tests.renders import render_bench
from tests.sites import later

COUNT = 30


@pytest.fixture
def bench(tmp_path) -> Iterator[Bench]:
    bench = make_bench(tmp_path, tmp_path / "catalog.sqlite", feeds__stories="yes")
    for number in range(COUNT):
        bench.write(
            f"{number}.md",
            title=f"Title {number}",
            topics=[f"Topic {number % 3}"],
            body="word " * 200,
            related=[{"title": "Other", "webUrl": f"https://other.example/{number}"}],
        )
    bench.sync()
    yield bench
    bench.catalog.close()


@pytest.fixture
def encoded(monkeypatch) -> Counter[str]:
    """Count how often each article is encoded, by its title."""
    counts: Counter[str] = Counter()
    for module, name in ((entry_store, "encode_entry"), (feed_page, "encode_item")):
        monkeypatch.setattr(module, name, partial(counted, counts, name, getattr(module, name)))
    return counts


def counted(counts: Counter[str], name: str, encode: Any, article: Any, channel: Any) -> Any:
    counts[f"{name} {article.title}"] += 1
    return encode(article, channel)


def build_all(site: Site, *, stories: bool = False) -> dict[str, bytes]:
    plan = site.plan(stories=stories)
    return {path: site.document(planned).body for path, planned in plan.items()}


def test_an_article_is_encoded_once_for_all_feeds_and_formats(bench, encoded):
    build_all(bench.site)
    assert set(encoded.values()) == {1}
    assert len(encoded) == 2 * COUNT


def test_a_story_is_encoded_once_for_all_formats(bench, encoded):
    site = bench.site
    slug = bench.catalog.story_slugs()[0]
    for suffix in ("rss", "atom", "json"):
        site.document(site.plan()[f"stories/{slug}.{suffix}"])
    assert sorted(encoded.values()) == [1, 1]


def test_caches_are_bounded_in_bytes(bench, monkeypatch):
    for name in ("ARTICLE", "ENTRY", "PAGE"):
        monkeypatch.setattr(entry_store, f"{name}_CACHE_BYTES", 12_000)
    site = bench.site
    expected = build_all(bench.site, stories=True)
    assert build_all(site, stories=True) == expected
    store = site._entries
    for cache in (store._articles, store._entries, store._items):
        assert 0 < cache.currsize <= 12_000
        assert len(cache) < COUNT


def test_an_article_larger_than_the_cache_is_served(bench, monkeypatch):
    expected = build_all(bench.site)
    for name in ("ARTICLE", "ENTRY", "PAGE"):
        monkeypatch.setattr(entry_store, f"{name}_CACHE_BYTES", 10)
    site = bench.site
    assert build_all(site) == expected
    assert not site._entries._articles


def test_an_edit_is_seen_by_the_next_snapshot(bench, tmp_path):
    with closing(Catalog.open_existing(tmp_path / "catalog.sqlite", read_only=True)) as catalog:
        site = Site(catalog, bench.config)
        with site.snapshot():
            before = build_all(site)
        bench.write("3.md", title="Edited", topics=["Topic 0"])
        bench.sync(later(60))
        with site.snapshot():
            after = build_all(site)
    assert all(b"Title 3<" in before[path] for path in ("all.rss", "all.atom", "all/index.html"))
    for path in ("all.rss", "all.atom", "all.json", "all/index.html"):
        assert b"Edited" in after[path]
        assert b"Title 3<" not in after[path]


def test_a_sync_by_the_same_site_is_seen_at_once(bench):
    site = bench.site
    build_all(site)
    bench.write("3.md", title="Edited", topics=["Topic 0"])
    bench.sync_with(site, later(60))
    assert b"Edited" in build_all(site)["all.json"]


def test_a_page_follows_labels_that_moved(bench):
    """Two labels of one slug: the page of the second has another address, its links follow."""
    site = bench.site
    build_all(site)
    bench.write("3.md", title="Slash", topics=["Topic/0"])
    bench.sync_with(site, later(60))
    (moved,) = (state for state in site.states() if state.label == "Topic/0")
    assert f"topics/{moved.slug}/".encode() in build_all(site)["all/index.html"]


def test_documents_on_request_name_no_hub(tmp_path):
    bench = make_bench(tmp_path, websub__hub="https://hub.example.org/", feeds__search="yes")
    bench.write("a.md", title="A", topics=["AI"])
    bench.sync()
    site = bench.site
    feed = json.loads(site.document(site.plan()["topics/ai.json"]).body)
    planned = site.on_demand(parse_query(b"topic=ai"), FORMATS["json"])
    assert planned
    search = json.loads(site.document(planned).body)
    assert "hubs" in feed
    assert "hubs" not in search
    assert feed["items"] == search["items"]


# The spool of large renders


@contextmanager
def spool(site: Site, processes: int = 1) -> Iterator[None]:
    """Have the entries of all documents of a site in a temporary file."""
    documents = site.plan().values()
    begin = partial(site._catalog.follow_fork, site._catalog.share_snapshot())
    with site.entries_spooled(documents, tempfile.TemporaryFile, processes, begin):
        yield


def test_documents_from_the_spool_are_the_same(bench, monkeypatch, encoded):
    expected = build_all(bench.site, stories=True)
    monkeypatch.setattr(entry_store, "MIN_SPOOLED", 10)
    encoded.clear()
    site = bench.site
    with spool(site):
        assert build_all(site, stories=True) == expected
        assert not site._entries._entries
    for number in range(COUNT):
        assert encoded[f"encode_entry Title {number}"] == 2, "for its story once more"
        assert encoded[f"encode_item Title {number}"] == 1
    assert build_all(site, stories=True) == expected, "without the spool"


def test_few_articles_need_no_file(bench):
    def refuse() -> Any:
        raise AssertionError("a file was opened")

    site = bench.site
    with site.entries_spooled(site.plan().values(), refuse, 2, lambda: None):
        assert b"Title 3<" in build_all(site)["all.rss"]


@pytest.mark.parametrize("processes", [1, 3])
def test_entries_of_several_processes_do_not_overlap(tmp_path, processes, monkeypatch):
    bench = make_bench(tmp_path, tmp_path / "catalog.sqlite")
    for number in range(300):
        bench.write(f"{number}.md", title=f"Title {number}", topics=[f"Topic {number % 3}"])
    bench.sync()
    expected, site, fstat = build_all(bench.site), bench.site, os.fstat

    def slow_fstat(descriptor: int) -> os.stat_result:
        """Leave other processes time to write between the look at the end and the write."""
        status = fstat(descriptor)
        time.sleep(0.001)
        return status

    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", slow_fstat)
        with spool(site, processes):
            assert build_all(site) == expected


def test_a_write_may_stop_halfway(bench, monkeypatch):
    """POSIX lets a write take less than it was given."""
    expected, write = build_all(bench.site), os.pwrite
    monkeypatch.setattr(entry_store, "MIN_SPOOLED", 10)
    monkeypatch.setattr(os, "pwrite", lambda file, body, at: write(file, body[:1000], at))
    site = bench.site
    with spool(site):
        assert build_all(site) == expected


def test_a_render_spools_and_leaves_nothing_behind(bench, tmp_path, monkeypatch):
    render_bench(bench, tmp_path / "plain")
    monkeypatch.setattr(entry_store, "MIN_SPOOLED", 10)
    opened: list[BinaryIO] = []
    temporary = tempfile.TemporaryFile

    def open_file(**options: Any) -> Any:
        opened.append(temporary(**options))
        return opened[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", open_file)
    render_bench(bench, tmp_path / "spooled")
    (file,) = opened
    assert file.closed
    assert not (tmp_path / "spooled/.feedhub/stage").exists()
    for name in ("all.rss", "all.atom", "all.json", "topics/topic-1.rss"):
        assert (tmp_path / "plain" / name).read_bytes() == (
            tmp_path / "spooled" / name
        ).read_bytes()


def test_an_entry_is_encoded_for_each_format_that_people_subscribe_to():
    assert set(encode_entry(sample.EVERYTHING, sample.CHANNEL)) == set(SUBSCRIBED)


def test_a_format_of_its_own_module_encodes_its_entries(monkeypatch):
    module: Any = ModuleType("feedhub.formats.of_a_test")
    module.encode_item = lambda article, channel: f"{article.title} in {channel.title}".encode()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    row = Format("plain", "Plain text", ".txt", "text/plain", ".of_a_test")
    monkeypatch.setitem(SUBSCRIBED, "plain", row)
    entry = encode_entry(sample.EVERYTHING, sample.CHANNEL)
    assert entry["plain"].decode() == f"{sample.EVERYTHING.title} in {sample.CHANNEL.title}"


def test_an_article_that_only_pages_hold_is_spooled_for_them_alone(bench, monkeypatch, encoded):
    monkeypatch.setattr(entry_store, "MIN_SPOOLED", 1)
    store = bench.site._entries
    (number,) = bench.catalog.entries(bench.site.states()[0])[:1]
    expected = bench.site._entries.page_item(number)
    encoded.clear()
    with store.spooled({}, {number: None}, tempfile.TemporaryFile, 1, lambda: None):
        assert store.page_item(number) == expected
    assert [name for name in encoded if name.startswith("encode_entry")] == []
