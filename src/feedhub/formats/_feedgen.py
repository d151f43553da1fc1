"""The channels of RSS 2.0 and Atom 1.0 by feedgen: the only module that knows it and its traps.

Dates are always given (its default is the clock), `alternate` is the last link (it becomes the
channel's), and what its own extensions get wrong (the hub and RFC 5005 in RSS) is written by the
extension below. It writes no entries: `entries` does, many times faster, with the same bytes.
"""

from __future__ import annotations

from typing import Any

import feedgen.entry
import feedgen.feed
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml.etree import SubElement

from feedhub.dates import format_rfc822
from feedhub.feed import Feed
from feedhub.formats import podcasts
from feedhub.sources.urls import image_media_type

ATOM = "http://www.w3.org/2005/Atom"
MEDIA = "http://search.yahoo.com/mrss/"
DC = "http://purl.org/dc/elements/1.1/"
# What the categories of a feed with several languages are tags of.
LANGUAGES = "urn:ietf:bcp:47"
HISTORY = "http://purl.org/syndication/history/1.0"

# feedgen's own function for RSS dates sets the locale of the process, and so of all threads.
feedgen.feed.formatRFC2822 = feedgen.entry.formatRFC2822 = format_rfc822


def rss_generator(feed: Feed, suffix: str) -> Any:
    """Return the generator of RSS 2.0 (RSS Best Practices Profile) for an address with `suffix`."""
    generator = make_generator(feed, suffix, "application/rss+xml")
    generator.docs("https://www.rssboard.org/rss-specification")
    generator.ttl(feed.channel.ttl)
    # RSS 2.0: a GIF, JPEG or PNG; many readers show no SVG.
    pictures = (feed.channel.icon, feed.channel.logo)
    generator.image(
        next((url for url in pictures if url and image_media_type(url) != "image/svg+xml"), None)
    )
    names = podcasts.namespaces(feed.podcast) if feed.podcast else {}
    extend(generator, feed, suffix, {"media": MEDIA, "dc": DC} | names)
    return generator


def atom_generator(feed: Feed, suffix: str) -> Any:
    """Return the generator of Atom 1.0 (RFC 4287) for an address with `suffix`."""
    generator = make_generator(feed, suffix, "application/atom+xml")
    generator.author(name=feed.channel.title)
    generator.icon(feed.channel.icon or None)
    generator.logo(feed.channel.logo or None)
    extend(generator, feed, suffix, {"media": MEDIA})
    return generator


def with_double_quotes(document: bytes) -> bytes:
    """Give the declaration the quotes that every other writer uses."""
    declaration, _, rest = document.partition(b"\n")
    return declaration.replace(b"'", b'"') + b"\n" + rest


def make_generator(feed: Feed, suffix: str, media_type: str) -> Any:
    """Return a generator with the fields that RSS and Atom share."""
    generator = FeedGenerator()
    generator.id(feed.id)
    generator.title(feed.title)
    generator.description(feed.description)
    generator.updated(feed.updated)
    generator.language(feed.language)
    generator.generator("feedhub")
    generator.category([{"term": tag, "scheme": LANGUAGES} for tag in feed.languages])
    generator.rights(feed.channel.copyright or None)
    generator.link(href=feed.address(suffix), rel="self", type=media_type)
    generator.link(href=feed.home_page_url, rel="alternate", type="text/html")
    return generator


def extend(generator: Any, feed: Feed, suffix: str, namespaces: dict[str, str]) -> None:
    """Add the extension below, and the namespaces that entries need."""
    generator.register_extension("feedhub", ChannelExtension, BaseEntryExtension)
    extension = generator.feedhub
    extension.feed, extension.suffix, extension.namespaces = feed, suffix, namespaces


class ChannelExtension(BaseExtension):  # type: ignore[misc] # feedgen is untyped
    """The links that feedgen has no way to write: the hub (WebSub, 4), archives (RFC 5005, 4)."""

    feed: Feed
    suffix: str
    namespaces: dict[str, str]

    def extend_ns(self) -> dict[str, str]:
        """Return the namespaces of the document."""
        return self.namespaces | ({"fh": HISTORY} if self.feed.current else {})

    def extend_atom(self, root: Any) -> Any:
        """Add the links to the feed element."""
        self._add_links(root, "link")
        return root

    def extend_rss(self, root: Any) -> Any:
        """Add the links to the channel element."""
        self._add_links(root[0], f"{{{ATOM}}}link")
        if self.feed.podcast:
            podcasts.add_channel_elements(root[0], self.feed.podcast)
        return root

    def _add_links(self, parent: Any, link: str) -> None:
        feed = self.feed
        if feed.channel.hub and not feed.current:
            SubElement(parent, link, {"rel": "hub", "href": feed.channel.hub})
        related = {"prev-archive": feed.older, "next-archive": feed.newer, "current": feed.current}
        for rel, path in related.items():
            if path:
                SubElement(parent, link, {"rel": rel, "href": feed.channel.url(path + self.suffix)})
        if feed.current:
            SubElement(parent, f"{{{HISTORY}}}archive")
