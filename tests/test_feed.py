"""Feeds: labels, slugs, addresses and texts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from feedhub.article import Article, Author, Provider
from feedhub.feed import (
    Channel,
    FeedState,
    build_feed,
    feed_path,
    labels_of,
    page_path,
    slug_for,
)
from feedhub.kinds import KINDS
from feedhub.text import label_key
from tests.kit import make_bench

MOMENT = datetime(2020, 6, 9, tzinfo=UTC)
ARTICLE = Article(
    id="tag:x,2026:1",
    slug="t",
    title="T",
    summary="",
    content_html="",
    url="https://news.example/t",
    published=MOMENT,
    updated=MOMENT,
    provider=Provider(name="The Next Web"),
    authors=(Author(name="Ada"),),
    topics=("AI", "ai", "Computer Vision"),
    categories=("news",),
)
CHANNEL = Channel(
    base_url="https://feeds.example.org/base",
    authority="example.org,2026",
    title="Example",
    home_page_url="https://feeds.example.org/base/",
)
STATE = FeedState(
    kind="topic",
    slug="computer-vision",
    label="Computer Vision",
    count=0,
    newest=None,
    updated=MOMENT,
    changed_at=MOMENT,
    fingerprint="",
)


def test_an_article_has_each_label_once():
    labels = [(label.kind, label.text) for label in labels_of(ARTICLE, tuple(KINDS))]

    assert labels == [
        ("all", ""),
        ("topic", "AI"),
        ("topic", "Computer Vision"),
        ("provider", "The Next Web"),
        ("category", "news"),
        ("author", "Ada"),
    ]


def test_an_article_without_publisher_has_no_such_label():
    assert labels_of(changed(ARTICLE, provider=None), ("provider",)) == []


@pytest.mark.parametrize(
    ("label", "slug"),
    [
        ("Computer Vision", "computer-vision"),
        ("C", "c"),
        ("C#", "c-sharp"),
        ("C++", "c-plus-plus"),
        (".NET", "net"),
        ("AT&T", "at-t"),
        ("Künstliche Intelligenz", "künstliche-intelligenz"),
        ("人工知能", "人工知能"),
        ("Träffar", "träffar"),
        ("#PowerApps", "powerapps"),
        ("../../etc/passwd", "etc-passwd"),
        ("a\u200b\u202eb", "ab"),
        ("Ｆｕｌｌ　Ｗｉｄｔｈ", "full-width"),
        ("हिन्दी", "हिन्दी"),
    ],
)
def test_slugs_are_readable(label, slug):
    assert slug_for(label_key(label), set()) == slug


@pytest.mark.parametrize("label", ["!!!", "…", "🤖", "/"])
def test_a_label_without_letters_still_has_an_address(label):
    slug = slug_for(label_key(label), set())

    assert slug.startswith("label-")
    assert slug == slug_for(label_key(label), {"label"})


def test_the_hash_of_a_taken_slug_depends_on_the_label_alone():
    first = slug_for("at/t", {"at-t"})

    assert first == slug_for("at/t", {"at-t", "other"})
    assert first != slug_for("at t", {"at-t"})
    assert first.startswith("at-t-")


@given(st.text(min_size=1))
def test_any_label_makes_one_safe_path_segment(text):
    slug = slug_for(label_key(text), set())
    path = feed_path("topic", slug)

    assert slug
    assert not set(slug) & set("./\\?#%&\0: ")
    assert slug == slug.casefold() or not slug.isascii()
    assert len(f"{slug}.atom.gz".encode()) < 200
    url = CHANNEL.url(path)
    assert url.isascii()
    assert unquote(urlsplit(url).path) == f"/base/topics/{slug}"


@given(st.text(min_size=1), st.text(min_size=1))
def test_labels_with_one_key_have_one_slug(one, other):
    if label_key(one) == label_key(other):
        assert slug_for(label_key(one), set()) == slug_for(label_key(other), set())


def test_addresses():
    assert feed_path("all", "") == "all"
    assert feed_path("all", "", "2020-06") == "all/2020-06"
    assert feed_path("topic", "ai", "2020-06") == "topics/ai/2020-06"
    assert page_path("all", "") == "all/"
    assert page_path("provider", "cnet") == "providers/cnet/"
    assert CHANNEL.url("topics/ü.rss") == "https://feeds.example.org/base/topics/%C3%BC.rss"


def test_a_subscription_feed_links_to_its_newest_archive():
    feed = build_feed(CHANNEL, replace(STATE, older="2020-05"))

    assert feed.path == "topics/computer-vision"
    assert (feed.older, feed.newer, feed.current) == ("topics/computer-vision/2020-05", "", "")
    assert feed.id == "tag:example.org,2026:feeds/topics/computer-vision"
    assert feed.title == "Computer Vision · Example"
    assert feed.description == "The newest articles about Computer Vision."
    assert feed.home_page_url == "https://feeds.example.org/base/"


def test_an_archive_links_to_its_neighbours_and_is_part_of_the_same_feed():
    state = replace(STATE, period="2020-05", older="2020-04", newer="2020-06")
    feed = build_feed(CHANNEL, state, pages=True)

    assert feed.path == "topics/computer-vision/2020-05"
    assert feed.older == "topics/computer-vision/2020-04"
    assert feed.newer == "topics/computer-vision/2020-06"
    assert feed.current == "topics/computer-vision"
    assert feed.id == build_feed(CHANNEL, STATE).id
    assert feed.title == "Computer Vision · Example, 2020-05"
    assert feed.home_page_url == "https://feeds.example.org/base/topics/computer-vision/"


def test_titles_differ_by_kind_and_keep_braces():
    for kind in ("topic", "provider", "category", "author"):
        state = replace(STATE, kind=kind, label="{site} {0}")
        assert build_feed(CHANNEL, state).title.startswith("{site} {0}")
    titles = {build_feed(CHANNEL, replace(STATE, kind=kind)).title for kind in KINDS}
    assert len(titles) == len(KINDS)


def test_the_feed_of_everything_has_the_description_of_the_site():
    channel = replace(CHANNEL, description="All of it.", drafts=True)
    feed = build_feed(channel, replace(STATE, kind="all", slug="", label=""))

    assert (feed.title, feed.description) == ("[drafts] Example", "All of it.")


def test_opml_names_a_format_that_importers_know(tmp_path):
    bench = make_bench(tmp_path, feeds__formats=["json", "atom"])
    bench.write("a.md", title="A")
    bench.drafts = True
    bench.sync()
    listed = bench.documents()["feeds.opml"].body

    assert b'xmlUrl="https://feeds.example.org/all.atom"' in listed
    assert b"<title>[drafts] Feeds</title>" in listed
    only = make_bench(tmp_path, feeds__formats=["json"])
    only.sync()
    assert b'xmlUrl="https://feeds.example.org/all.json"' in only.documents()["feeds.opml"].body
