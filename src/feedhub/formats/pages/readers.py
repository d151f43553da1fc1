"""Where common feed readers take the address of a feed to subscribe to."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote


class Reader(NamedTuple):
    """A reader's name, and the link that subscribes to a feed."""

    name: str
    url: str


# Each as the reader documents it: the feed's address goes to the end, with every sign quoted.
_READERS = (
    ("Feedly", "https://feedly.com/i/subscription/feed/"),
    ("Inoreader", "https://www.inoreader.com/?add_feed="),
    ("NewsBlur", "https://www.newsblur.com/?url="),
    ("Feedbin", "https://feedbin.com/?subscribe="),
    ("The Old Reader", "https://theoldreader.com/feeds/subscribe?url="),
)


def readers(feed_url: str) -> list[Reader]:
    """Return the readers with their links for one feed; the last opens the device's own."""
    quoted = quote(feed_url, safe="")
    # `feed:` before a whole address keeps whether it is http or https, which `feed://` does not.
    own = Reader("App on this device", f"feed:{feed_url}")
    return [*(Reader(name, url + quoted) for name, url in _READERS), own]
