"""Where each field of an article stands in each format, or why it does not.

A field without a row fails: decide where subscribers see it.
"""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import format_datetime
from typing import NamedTuple

import pytest
from msgspec.structs import fields, replace

from feedhub.article import Article, Author, Image, Media, Provider, Related
from feedhub.formats import SUBSCRIBED
from tests.golden.look import find, items
from tests.golden.sample import EPISODE, EVERYTHING, subscription

FILE = EPISODE.media[0]
LEAD = EVERYTHING.images[1]
AUTHOR = EVERYTHING.authors[0]
RELATED = EVERYTHING.related[0]
CONTENT = {"rss": "c:encoded", "atom": "a:content", "json": "content_html"}


class At(NamedTuple):
    """An element of an entry, as XPath or as keys of JSON joined by dots, and its text.

    A path that ends in ∋ holds more than the value.
    """

    path: str
    value: str
    article: Article = EVERYTHING


class Why(NamedTuple):
    """Why a format does not say it."""

    reason: str


def everywhere(rss: str, atom: str, key: str, value: str) -> dict[str, At | Why]:
    return {"rss": At(rss, value), "atom": At(atom, value), "json": At(key, value)}


def nowhere(reason: str) -> dict[str, At | Why]:
    return dict.fromkeys(SUBSCRIBED, Why(reason))


def in_content(fragment: str) -> dict[str, At | Why]:
    """Said within the entry's HTML, which is the same in all formats."""
    return {name: At(f"{path} ∋", fragment) for name, path in CONTENT.items()}


def dates(rss: str, atom: str, key: str, moment: datetime, written: str) -> dict[str, At | Why]:
    iso = moment.isoformat()
    return {
        "rss": At(rss, written),
        "atom": At(atom, iso),
        "json": At(key, iso.replace("+00:00", "Z")),
    }


def of_episode(rss: str, atom: str, key: str, value: str) -> dict[str, At | Why]:
    """Said of the first audio or video file, which is the enclosure."""
    return {
        "rss": At(f"enclosure/{rss}", value, EPISODE),
        "atom": At(f"a:link[@rel='enclosure'][1]/{atom}", value, EPISODE),
        "json": At(f"attachments.0.{key}", value, EPISODE),
    }


TABLE: dict[str, dict[str, At | Why]] = {
    "Article.id": everywhere("guid[@isPermaLink='false']", "a:id", "id", EVERYTHING.id),
    "Article.slug": nowhere("it names the article's own page; what a feed gives is the url"),
    "Article.title": everywhere("title", "a:title[not(@type)]", "title", EVERYTHING.title),
    "Article.summary": {
        # RSS says that a description is HTML, the others that a summary is plain text.
        "rss": At("description", "Tom &amp; Jerry say 5 &gt; 3 &lt;i&gt;and&lt;/i&gt; more."),
        "atom": At("a:summary[not(@type)]", EVERYTHING.summary),
        "json": At("summary", EVERYTHING.summary),
    },
    "Article.content_html": in_content(EVERYTHING.content_html),
    "Article.url": everywhere("link", "a:link[not(@rel)]/@href", "url", EVERYTHING.url),
    "Article.published": dates(
        "pubDate",
        "a:published",
        "date_published",
        EVERYTHING.published,
        format_datetime(EVERYTHING.published),
    ),
    "Article.updated": dates(
        "a:updated",
        "a:updated",
        "date_modified",
        EVERYTHING.updated,
        EVERYTHING.updated.isoformat(),
    ),
    "Article.language": everywhere("dc:language", "@xml:lang", "language", "fr"),
    "Article.provider": in_content(">Lire l’article</a> sur <a "),
    "Article.authors": everywhere(
        "dc:creator[2]", "a:author[2]/a:name", "authors.1.name", EVERYTHING.authors[1].name
    ),
    "Article.topics": everywhere(
        "category[2]", "a:category[2]/@term", "tags.1", EVERYTHING.topics[1]
    ),
    "Article.categories": everywhere(
        "category[3]", "a:category[3]/@label", "tags.2", EVERYTHING.categories[0]
    ),
    "Article.images": everywhere(
        "m:content[2]/@url", "m:content[2]/@url", "attachments.1.url", EVERYTHING.images[0].url
    ),
    "Article.media": {
        "rss": At("m:content[3]/@url", EPISODE.media[1].url, EPISODE),
        "atom": At("m:content[3]/@url", EPISODE.media[1].url, EPISODE),
        "json": At("attachments.1.url", EPISODE.media[1].url, EPISODE),
    },
    "Article.related": in_content("<p>Sur le même sujet\u00a0:</p>\n<ul><li>"),
    "Article.type": {
        name: At(f"{path} ∋", ">Regarder la vidéo</a> sur <a ", replace(EVERYTHING, type="video"))
        for name, path in CONTENT.items()
    },
    "Article.player_url": {
        "rss": At("m:player/@url", EVERYTHING.player_url),
        "atom": At("m:player/@url", EVERYTHING.player_url),
        "json": At("content_html ∋", ">Regarder la vidéo sur video.example</a>"),
    },
    "Article.duration": in_content("</a> (1:02:05)</p>"),
    "Article.quality": nowhere("the robot's score"),
    "Article.heat": nowhere("the robot's score"),
    "Image.url": everywhere("m:thumbnail/@url", "m:thumbnail/@url", "image", LEAD.url),
    "Image.width": {
        "rss": At("m:content[1]/@width", "1200"),
        "atom": At("m:content[1]/@width", "1200"),
        "json": At("content_html ∋", ' width="1200"'),
    },
    "Image.height": {
        "rss": At("m:content[1]/@height", "630"),
        "atom": At("m:content[1]/@height", "630"),
        "json": At("content_html ∋", ' height="630"'),
    },
    "Image.title": {
        # As media:title some readers take it for the title of the entry.
        "rss": At("c:encoded ∋", 'alt="A &quot;quoted&quot; lead &amp; more"'),
        "atom": At("a:content ∋", 'alt="A &quot;quoted&quot; lead &amp; more"'),
        "json": At("attachments.0.title", LEAD.title),
    },
    "Image.media_type": everywhere(
        "enclosure/@type",
        "a:link[@rel='enclosure']/@type",
        "attachments.0.mime_type",
        LEAD.media_type,
    ),
    "Image.length": everywhere(
        "enclosure/@length",
        "a:link[@rel='enclosure']/@length",
        "attachments.0.size_in_bytes",
        str(LEAD.length),
    ),
    "Media.url": of_episode("@url", "@href", "url", FILE.url),
    "Media.media_type": of_episode("@type", "@type", "mime_type", FILE.media_type),
    "Media.length": of_episode("@length", "@length", "size_in_bytes", str(FILE.length)),
    "Media.duration": {
        "rss": At("m:content[2]/@duration", "3725", EPISODE),
        "atom": At("m:content[2]/@duration", "3725", EPISODE),
        "json": At("attachments.0.duration_in_seconds", "3725", EPISODE),
    },
    "Media.title": {
        # As media:title some readers take it for the title of the entry.
        "rss": At("c:encoded ∋", '>Listen to The "whole" talk</a> (1:02:05)</p>', EPISODE),
        "atom": At("a:link[@rel='enclosure']/@title", FILE.title, EPISODE),
        "json": At("attachments.0.title", FILE.title, EPISODE),
    },
    "Provider.name": in_content(">News &amp; Co</a>"),
    "Provider.domain": in_content('<a href="https://news.example/">'),
    "Provider.picture": dict.fromkeys(
        SUBSCRIBED, Why("no format has a place for it; pages show it")
    ),
    "Author.name": everywhere("dc:creator", "a:author/a:name", "authors.0.name", AUTHOR.name),
    "Author.url": {
        "rss": Why("dc:creator is a name and nothing else"),
        "atom": At("a:author/a:uri", AUTHOR.url),
        "json": At("authors.0.url", AUTHOR.url),
    },
    "Related.title": {
        "rss": At("c:encoded ∋", ">The &lt;other&gt; side &amp; more</a>"),
        "atom": At("a:link[@rel='related']/@title", RELATED.title),
        "json": At("content_html ∋", ">The &lt;other&gt; side &amp; more</a>"),
    },
    "Related.url": {
        "rss": At("c:encoded ∋", '<a href="https://other.example/story?x=1&amp;y=2">'),
        "atom": At("a:link[@rel='related']/@href", RELATED.url),
        "json": At("content_html ∋", '<a href="https://other.example/story?x=1&amp;y=2">'),
    },
    "Related.provider": in_content("</a> (Other &amp; Sons, "),
    "Related.published": in_content(", 8 juin 2020)</li>"),
}
ELEMENTS = [
    pytest.param(name, element, id=f"{field}-{name}")
    for field, row in TABLE.items()
    for name, element in row.items()
    if isinstance(element, At)
]


def value_at(name: str, path: str, article: Article = EVERYTHING) -> str:
    """Return what the document of one article says at a path."""
    feed = subscription(article)
    if name != "json":
        return str(find(name, feed, f"string((//item|//a:entry)/{path})"))
    value = items(feed)[0]
    for key in path.split("."):
        value = value[int(key) if key.isdecimal() else key]
    return str(value)


def test_every_field_has_a_row_and_every_row_a_field():
    records = (Article, Image, Media, Provider, Author, Related)
    names = [f"{record.__name__}.{field.name}" for record in records for field in fields(record)]
    assert list(TABLE) == names


@pytest.mark.parametrize("field", TABLE)
def test_a_row_covers_every_format(field):
    assert list(TABLE[field]) == list(SUBSCRIBED)
    assert all(element[0] for element in TABLE[field].values())


def test_the_sample_uses_every_field():
    everything = replace(EVERYTHING, media=EPISODE.media, type="video")
    records = (everything, LEAD, FILE, EVERYTHING.provider or Provider(name=""), AUTHOR, RELATED)
    assert not [
        field for record in records for field in fields(record) if not getattr(record, field.name)
    ]


@pytest.mark.parametrize(("name", "element"), ELEMENTS)
def test_a_field_has_its_documented_element(name, element):
    path, within, _ = element.path.partition(" ∋")
    if within:
        assert element.value in value_at(name, path, element.article)
    else:
        assert value_at(name, path, element.article) == element.value


def test_the_content_is_the_same_in_every_format():
    assert len({value_at(name, path) for name, path in CONTENT.items()}) == 1


@pytest.mark.parametrize("name", SUBSCRIBED)
@pytest.mark.parametrize("score", [EVERYTHING.quality, EVERYTHING.heat])
def test_scores_are_in_no_document(name, score):
    assert str(score).encode() not in subscription(EVERYTHING).encode(name)


@pytest.mark.parametrize(
    ("text", "rss", "atom", "key"),
    [
        ("title", "channel/title", "a:title", "title"),
        ("description", "channel/description", "a:subtitle", "description"),
        ("home_page_url", "channel/link", "a:link[@rel='alternate']/@href", "home_page_url"),
    ],
)
def test_every_format_has_the_texts_of_the_feed(text, rss, atom, key):
    feed = subscription()
    document = json.loads(feed.encode("json"))
    found = [
        find("rss", feed, f"string({rss})"),
        find("atom", feed, f"string({atom})"),
        document[key],
    ]
    assert found == [getattr(feed, text)] * 3
