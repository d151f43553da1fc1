"""JSON Feed 1.1."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from feedhub.feed import Feed

VERSION = "https://jsonfeed.org/version/1.1"


def encode(feed: Feed, entries: Iterable[bytes]) -> bytes:
    """Return the feed as JSON Feed 1.1 in UTF-8; `entries` are its items, newest first.

    Keys without a value are left out.
    """
    channel = feed.channel
    hub = "" if feed.current else channel.hub  # an archive never changes
    members = {
        "version": VERSION,
        "title": feed.title,
        "home_page_url": feed.home_page_url,
        "feed_url": feed.address(".json"),
        "description": feed.description,
        "next_url": channel.url(f"{feed.older}.json") if feed.older else "",
        "icon": channel.icon,
        "favicon": channel.icon,
        "language": feed.language,
        # An extension, which begins with an underscore.
        "_feedhub": {"languages": feed.languages} if feed.languages else {},
        "hubs": [{"type": "WebSub", "url": hub}] if hub else [],
    }
    given = {key: value for key, value in members.items() if value}
    # Items are encoded already: they go between the brackets of an empty list.
    head = msgspec.json.format(msgspec.json.encode(given | {"items": []}), indent=1)
    items = b",\n  ".join(entries)
    opening, closing = (b"\n  ", b"\n ]\n}\n") if items else (b"", b"]\n}\n")
    return b"".join([head.removesuffix(b"]\n}"), opening, items, closing])
