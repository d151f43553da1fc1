"""The one reader of feeds that others have written: RSS 0.9 to 2.0, Atom, JSON Feed.

It says what the feed says: nothing is sanitised, shortened or made up.
"""

from __future__ import annotations

from datetime import UTC, tzinfo

from feedhub.feed_reader.records import (
    Enclosure,
    FeedContent,
    FeedReadError,
    Markup,
    ParsedEntry,
)

__all__ = [
    "MAX_FEED_BYTES",
    "Enclosure",
    "FeedContent",
    "FeedReadError",
    "Markup",
    "ParsedEntry",
    "looks_like_feed",
    "read_feed",
]

# More is no feed that somebody reads; its tree takes about ten times as much memory.
MAX_FEED_BYTES = 64 * 1024 * 1024
_ROOTS = (b"<rss", b"<feed", b"<rdf:rdf", b"<rdf")


def looks_like_feed(beginning: bytes) -> bool:
    """Return whether the first bytes of a file may be a feed's: its root, or JSON Feed's name."""
    head = beginning.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"{"):
        return b"jsonfeed.org/version" in head
    folded = head.lower()
    return folded.startswith(b"<") and any(root in folded for root in _ROOTS)


def read_feed(data: bytes, address: str = "", zone: tzinfo = UTC) -> FeedContent:
    """Return what a feed says, in whatever format it is; raises FeedReadError.

    `address` is that of the feed, "" if it is not known; dates without a zone are in `zone`.
    """
    if len(data) > MAX_FEED_BYTES:
        raise FeedReadError(f"is longer than {MAX_FEED_BYTES // 2**20} megabytes")
    head = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head:
        raise FeedReadError("is empty")
    if head.startswith(b"{"):
        from feedhub.feed_reader.json_feed import read_json_feed

        return read_json_feed(data, address, zone)
    # Imported here because JSON needs no XML parser.
    from feedhub.feed_reader.atom import NAMESPACES, read_atom
    from feedhub.feed_reader.rss import local_name, read_rss
    from feedhub.feed_reader.xml import parse_xml

    root = parse_xml(data)
    name = local_name(root)
    if name == "feed" and (root.tag == "feed" or str(root.tag).startswith(NAMESPACES)):
        return read_atom(root, address, zone)
    if name.lower() in ("rss", "rdf"):
        return read_rss(root, address, zone)
    raise FeedReadError("is no feed: its root is neither rss, feed nor RDF")
