"""Encoded entries in a feed say, byte for byte, what feedgen says of the whole feed."""

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
from feedhub.formats.entries import encode_entry
from tests.feedgen_oracle import atom_bytes, rss_bytes
from tests.golden import sample
from tests.golden.sample import SampleFeed
from tests.kit import Bench
from tests.strategies import articles

FEEDS = (sample.subscription, sample.archive, sample.empty, sample.drafts)
ARTICLES = st.lists(articles(), max_size=4, unique_by=lambda article: article.id)
STORIES = replace(sample.CHANNEL, stories="/")


def check(feed: SampleFeed) -> None:
    """Compare each format with the straight way to write the feed."""
    assert feed.encode("rss") == rss_bytes(feed, feed.articles)
    assert feed.encode("atom") == atom_bytes(feed, feed.articles)
    body = feed.encode("json")
    assert body == msgspec.json.format(msgspec.json.encode(json.loads(body)), indent=1) + b"\n"


@pytest.mark.parametrize("make", FEEDS)
def test_feeds_of_every_shape_are_as_feedgen_writes_them(make):
    check(make())


def test_entries_with_a_story_are_as_feedgen_writes_them():
    check(sample.subscription(channel=STORIES))


# Each example is a feed of articles, each of which is one elsewhere.
@settings(max_examples=settings().max_examples // 2)
@given(
    articles=ARTICLES.filter(lambda found: all(one.updated.year < 9999 for one in found)),
    stories=st.sampled_from(["", "/"]),
)
def test_any_articles_are_as_feedgen_writes_them(articles: list[Article], stories: str):
    channel = replace(sample.CHANNEL, language="fr", stories=stories)
    check(sample.subscription(*articles, channel=channel))


@pytest.mark.parametrize("folder", ["real", "seeds"])
def test_real_articles_are_as_feedgen_writes_them(folder, shared, seeds):
    source = seeds if folder == "seeds" else shared / "corpus" / "real"
    config = load_config(None, {}, {"site.base_url": "https://feeds.example.org"})
    bench = Bench(source, Catalog(None), config, drafts=True)
    bench.sync()
    articles = tuple(article for _, article in bench.catalog.articles())
    assert articles
    check(sample.sample_feed(sample.CHANNEL, sample.STATE, articles))


@pytest.mark.parametrize("whitespace", ["\r", "\n", "\t", "\r\n"])
def test_white_space_within_texts_is_escaped_as_lxml_does(whitespace):
    text = f"one{whitespace}two"
    check(sample.subscription(changed(sample.EVERYTHING, title=text, topics=(text,), url=text)))


def test_the_hub_and_the_links_of_pages_do_not_matter_to_entries():
    expected = encode_entry(sample.EVERYTHING, sample.CHANNEL)
    for channel in (replace(sample.CHANNEL, hub="https://hub.example/"), sample.links()):
        assert encode_entry(sample.EVERYTHING, channel) == expected


def test_entries_depend_on_language_and_stories_of_the_channel():
    expected = encode_entry(sample.EVERYTHING, sample.CHANNEL)
    for channel in (replace(sample.CHANNEL, language="fr"), STORIES):
        entry = encode_entry(sample.EVERYTHING, channel)
        assert all(entry[name] != expected[name] for name in expected)
