"""RSS 2.0: the channel by feedgen, each item written once, as feedgen would write it."""

from __future__ import annotations

from dataclasses import replace
from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING

from feedhub.formats import _entry
from feedhub.formats._feedgen import rss_bytes
from feedhub.formats._said import said_of
from feedhub.formats._written import Written
from feedhub.formats._xml import block, elements, insert, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feedhub.article import Article
    from feedhub.feed import Channel, Feed


def encode(feed: Feed) -> bytes:
    """Return the feed as RSS 2.0 in UTF-8."""
    empty = rss_bytes(replace(feed, entries=()), ".rss")
    return insert(empty, b"  </channel>", _items.entries(feed))


def _item(article: Article, channel: Channel) -> bytes:
    said = said_of(article, channel)
    summary = text(escape(article.summary or article.title, quote=False))
    lines = [
        f"<title>{said.title}</title>",
        f"<link>{said.url}</link>",
        f"<description>{summary}</description>",
        f"<content:encoded>{said.html}</content:encoded>",
        f'<guid isPermaLink="false">{said.id}</guid>',
        *[f"<category>{tag}</category>" for tag in said.tags],
        f"<pubDate>{format_datetime(article.published)}</pubDate>",
        *[f"<dc:creator>{name}</dc:creator>" for name in said.names],
        *_sometimes(article, channel),
        *said.media,
    ]
    return block("    ", "<item>", lines, "</item>")


def _sometimes(article: Article, channel: Channel) -> Iterator[str]:
    if language := _entry.language(article, channel):
        yield f"<dc:language>{text(language)}</dc:language>"
    if revised := _entry.revised(article):
        yield f"<atom:updated>{revised.isoformat()}</atom:updated>"
    if enclosed := _entry.enclosure(article):
        length = str(enclosed.length or 0)
        named = {"url": enclosed.url, "length": length, "type": enclosed.media_type}
        yield from elements([("enclosure", named)])


_items = Written(_item)
