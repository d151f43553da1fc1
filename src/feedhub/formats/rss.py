"""RSS 2.0: the channel by feedgen, each item written once, as feedgen would write it."""

from __future__ import annotations

from dataclasses import replace
from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING

from feedhub.formats import _entry
from feedhub.formats._feedgen import media, rss_bytes
from feedhub.formats._written import Written
from feedhub.formats._xml import element, insert, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feedhub.article import Article
    from feedhub.feed import Channel, Feed


def encode(feed: Feed) -> bytes:
    """Return the feed as RSS 2.0 in UTF-8."""
    empty = rss_bytes(replace(feed, entries=()), ".rss")
    return insert(empty, b"  </channel>", _items.entries(feed))


def _item(article: Article, channel: Channel) -> str:
    return f"    <item>\n{lines('      ', _elements(article, channel))}    </item>\n"


def _elements(article: Article, channel: Channel) -> Iterator[str]:
    yield element("title", {}, article.title)
    yield element("link", {}, article.url)
    yield element("description", {}, escape(article.summary or article.title, quote=False))
    yield element("content:encoded", {}, _entry.html_of(article, channel))
    yield element("guid", {"isPermaLink": "false"}, article.id)
    for tag in _entry.tags(article):
        yield element("category", {}, tag)
    yield element("pubDate", {}, format_datetime(article.published))
    for person in _entry.people(article):
        yield element("dc:creator", {}, person.name)
    if language := _entry.language(article, channel):
        yield element("dc:language", {}, language)
    if revised := _entry.revised(article):
        yield element("atom:updated", {}, revised.isoformat())
    if enclosed := _entry.enclosure(article):
        named = {"url": enclosed.url, "length": "0", "type": enclosed.media_type}
        yield element("enclosure", named)
    for name, attributes in media(article):
        yield element(f"media:{name}", attributes)


_items = Written(_item)
