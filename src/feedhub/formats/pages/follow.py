"""What the sheet shows with which a feed is followed: its addresses, and readers by name."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from feedhub.feed import Channel

# Where common readers take the address of a feed to subscribe to, each as the reader documents it:
# the feed's address goes to the end, with every sign quoted.
_READERS = (
    ("Feedly", "https://feedly.com/i/subscription/feed/"),
    ("Inoreader", "https://www.inoreader.com/?add_feed="),
    ("NewsBlur", "https://www.newsblur.com/?url="),
    ("Feedbin", "https://feedbin.com/?subscribe="),
    ("The Old Reader", "https://theoldreader.com/feeds/subscribe?url="),
)


class FeedLink(NamedTuple):
    """A document of a feed: the format's name, its media type without parameters, its address."""

    name: str
    media_type: str
    url: str


class ReaderLink(NamedTuple):
    """A feed reader's name, and the link that subscribes to a feed."""

    name: str
    url: str


class FollowSheet(NamedTuple):
    """The label of a feed, "" for that of the whole site, its addresses, and readers."""

    label: str
    addresses: list[FeedLink]
    readers: list[ReaderLink]


def follow_sheet(channel: Channel, path: str, label: str, query: str = "") -> FollowSheet:
    """Return the sheet of the feed at a path; the first of its addresses is the one to copy."""
    addresses = [
        FeedLink(name, media_type, channel.url(path + suffix) + query)
        for name, media_type, suffix in channel.links.formats
    ]
    return FollowSheet(label, addresses, reader_links(addresses[0].url) if addresses else [])


def reader_links(feed_url: str) -> list[ReaderLink]:
    """Return the readers with their links for one feed.

    The last has no name: it is the app that the device has for feeds.
    """
    quoted = quote(feed_url, safe="")
    # `feed:` before a complete address keeps http or https, which `feed://` does not.
    own = ReaderLink("", f"feed:{feed_url}")
    return [*(ReaderLink(name, url + quoted) for name, url in _READERS), own]
