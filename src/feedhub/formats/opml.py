"""OPML 2.0: one subscription list of every feed of the site, in groups by kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from lxml.etree import Element, SubElement, tostring

from feedhub.dates import format_rfc822
from feedhub.feed import Channel, Feed


def encode(
    channel: Channel,
    groups: Iterable[tuple[str, Sequence[Feed]]],
    suffix: str,
    *,
    updated: datetime | None = None,
) -> bytes:
    """Return the list of feeds, each once, in the format whose addresses end in `suffix`.

    A group is a heading and its feeds. Without a heading its feeds are at the top level; without
    feeds it is left out. The list is as new as its newest feed, or as `updated` if that is later.
    """
    opml = Element("opml", version="2.0")
    head, body = SubElement(opml, "head"), SubElement(opml, "body")
    SubElement(head, "title").text = channel.display_title(channel.title)
    given = [(heading, feeds) for heading, feeds in groups if feeds]
    if given:
        newest = max(feed.updated for _, feeds in given for feed in feeds)
        SubElement(head, "dateModified").text = format_rfc822(max(newest, updated or newest))
    for heading, feeds in given:
        parent = SubElement(body, "outline", text=heading) if heading else body
        for feed in feeds:
            SubElement(parent, "outline", outline_attributes(feed, suffix))
    # lxml would write the declaration with single quotes.
    declaration = b'<?xml version="1.0" encoding="UTF-8"?>\n'
    return declaration + tostring(opml, encoding="UTF-8", xml_declaration=False, pretty_print=True)


def outline_attributes(feed: Feed, suffix: str) -> dict[str, str]:
    """Return what an outline says of a feed; `type` is `rss` for every format (OPML 2.0)."""
    return {
        "type": "rss",
        "text": feed.title,
        "title": feed.title,
        "xmlUrl": feed.channel.url(feed.path + suffix),
        "htmlUrl": feed.home_page_url,
        "description": feed.description,
        "language": feed.language,
    }
