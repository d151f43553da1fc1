"""RSS 2.0: the channel by feedgen, filled with items that are encoded once for all feeds."""

from __future__ import annotations

from collections.abc import Iterable

from feedhub.feed import Feed
from feedhub.formats import podcasts
from feedhub.formats._feedgen import rss_generator, with_double_quotes


def encode(feed: Feed, entries: Iterable[bytes]) -> bytes:
    """Return the feed as RSS 2.0 in UTF-8; `entries` are its items, newest first."""
    document = with_double_quotes(rss_generator(feed, ".rss").rss_str(pretty=True))
    if feed.podcast:
        entries = map(podcasts.with_duration, entries)
    head, closing, tail = document.rpartition(b"  </channel>")
    return b"".join([head, *entries, closing, tail])
