"""RSS 2.0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedhub.formats._feedgen import rss_bytes

if TYPE_CHECKING:
    from feedhub.feed import Feed


def encode(feed: Feed) -> bytes:
    """Return the feed as RSS 2.0 in UTF-8."""
    return rss_bytes(feed, ".rss")
