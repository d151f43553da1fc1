"""Entries written once and put together say, byte for byte, what feedgen says of the whole feed."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from feedhub.article import Article
from feedhub.catalog import Catalog
from feedhub.config import load_config
from feedhub.feed import Feed, build_feed
from feedhub.formats import _entry, atom, jsonfeed, rss
from feedhub.formats._feedgen import atom_bytes, rss_bytes
from feedhub.formats._written import Written
from tests.anything import records
from tests.golden import sample
from tests.kit import Bench, make_bench

FEEDS = (sample.subscription, sample.archive, sample.empty, sample.drafts)
SEPARATE = st.lists(records(), max_size=4, unique_by=lambda article: article.id)


def check(feed: Feed) -> None:
    """Compare each format with the straight way to write the feed."""
    assert rss.encode(feed) == rss_bytes(feed, ".rss")
    assert atom.encode(feed) == atom_bytes(feed, ".atom")
    body = jsonfeed.encode(feed)
    assert body == msgspec.json.format(msgspec.json.encode(json.loads(body)), indent=1) + b"\n"


@pytest.mark.parametrize("make", FEEDS)
def test_a_feed_of_every_shape(make):
    check(make())


# Each example is a feed of articles, each of which is one elsewhere.
@settings(max_examples=settings().max_examples // 2)
@given(articles=SEPARATE.filter(lambda found: all(one.updated.year < 9999 for one in found)))
def test_any_articles(articles: list[Article]):
    check(sample.subscription(*articles, channel=replace(sample.CHANNEL, language="fr")))


@pytest.mark.parametrize("folder", ["real", "seeds"])
def test_real_articles(folder, shared, seeds):
    source = seeds if folder == "seeds" else shared / "corpus" / "real"
    config = load_config(None, {}, {"site.base_url": "https://feeds.example.org"})
    bench = Bench(source, Catalog(None), config, drafts=True)
    bench.sync()
    articles = tuple(article for _, article in bench.catalog.articles())
    assert articles
    check(build_feed(sample.CHANNEL, sample.STATE, articles))


def test_an_article_is_written_once_for_all_its_feeds():
    asked = []
    written = Written(lambda article, channel: asked.append(article.title))
    for _ in range(3):
        written.of(sample.NOTHING, sample.CHANNEL)
    assert asked == [sample.NOTHING.title]


def test_another_channel_is_another_text():
    written = Written(lambda article, channel: channel.title)
    other = replace(sample.CHANNEL, title="Other")
    assert written.of(sample.NOTHING, sample.CHANNEL) == sample.CHANNEL.title
    assert written.of(sample.NOTHING, other) == "Other"


def test_an_edited_article_is_another_article():
    written = Written(lambda article, channel: article.title)
    assert written.of(sample.NOTHING, sample.CHANNEL) == sample.NOTHING.title
    assert written.of(changed(sample.NOTHING, title="New"), sample.CHANNEL) == "New"


def test_what_was_written_is_known_as_long_as_the_article_is_held():
    written = Written(lambda article, channel: article.title)
    articles = [changed(sample.NOTHING, title=str(number)) for number in range(5)]
    for article in articles:
        written.of(article, sample.CHANNEL)
        written.of(article, replace(sample.CHANNEL, title="Other"))
    assert len(written._known) == 5
    del articles[:3], article
    assert [text for _, _, text in written._known.values()] == ["3", "4"]
    articles.clear()
    assert not written._known


def test_articles_and_what_is_written_of_them_are_held_under_a_budget(tmp_path, monkeypatch):
    monkeypatch.setattr("feedhub.site._KEPT", 12_000)
    bench = make_bench(tmp_path)
    for number in range(20):
        bench.write(f"{number}.md", title=f"Title {number}", body="word " * 200)
    bench.sync()
    site, before = bench.site, len(rss._items._known)
    with site.snapshot():
        site.document(site.plan()["all.rss"])
    assert 9_000 < site._articles.currsize <= 12_000
    assert len(rss._items._known) - before == len(site._articles) < 8


def test_the_content_is_the_same_in_every_format():
    html = _entry.html_of(sample.EVERYTHING, sample.CHANNEL)
    assert html == _entry.content_html(sample.EVERYTHING)
