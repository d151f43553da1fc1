"""The formats feedhub writes, one row each; what a row needs is imported when it is first used."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from feedhub.article import Article
from feedhub.feed import Channel, Feed

if TYPE_CHECKING:
    from feedhub.formats.pages.feed import PageItem  # Jinja2, which feeds do not need

PAGE_MEDIA_TYPE = "text/html; charset=utf-8"
OPML_MEDIA_TYPE = "text/x-opml; charset=utf-8"
# Raise it when the same articles give other bytes: it is part of every fingerprint.
WRITERS = 7


class Format(NamedTuple):
    """A way to write a feed.

    Its name in configurations, that for people, the ending of addresses, the media type (RFC 9110,
    8.3), and the module that encodes.
    """

    name: str
    title: str
    suffix: str
    media_type: str
    module: str

    def encode(self, feed: Feed, entries: Sequence[bytes] | Sequence[PageItem]) -> bytes:
        """Return the feed's document in UTF-8; equal arguments give equal bytes.

        `entries`, newest first, are made by `entries.encode_entry`, of pages by
        `pages.feed.encode_item`.
        """
        body: bytes = import_module(self.module, __name__).encode(feed, entries)
        return body

    def encode_item(self, article: Article, channel: Channel) -> bytes:
        """Return one article as the format's own module writes it; RSS, Atom and JSON have none."""
        item: bytes = import_module(self.module, __name__).encode_item(article, channel)
        return item


FORMATS = {
    row.name: row
    for row in (
        Format("rss", "RSS", ".rss", "application/rss+xml; charset=utf-8", ".rss"),
        Format("atom", "Atom", ".atom", "application/atom+xml; charset=utf-8", ".atom"),
        Format("json", "JSON Feed", ".json", "application/feed+json", ".jsonfeed"),
        Format("html", "Page", "/index.html", PAGE_MEDIA_TYPE, ".pages.feed"),
    )
}
# For people; a feed has one for its newest articles, and none for its archives.
PAGE = FORMATS["html"]
# For feed readers.
SUBSCRIBED = {name: row for name, row in FORMATS.items() if row is not PAGE}


def is_document(path: str) -> bool:
    """Return whether a path is that of a feed in one format, not that of the feed."""
    return path.endswith(tuple(row.suffix for row in SUBSCRIBED.values()))
