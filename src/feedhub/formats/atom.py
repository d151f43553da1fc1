"""Atom 1.0: the feed by feedgen, filled with entries that are encoded once for all feeds."""

from __future__ import annotations

from collections.abc import Iterable

from feedhub.feed import Feed
from feedhub.formats._feedgen import atom_generator, with_double_quotes


def encode(feed: Feed, entries: Iterable[bytes]) -> bytes:
    """Return the feed as Atom 1.0 in UTF-8; `entries` are its entries, newest first."""
    document = with_double_quotes(atom_generator(feed, ".atom").atom_str(pretty=True))
    # feedgen would encode every entry again for each feed that has it.
    head, closing, tail = document.rpartition(b"</feed>")
    return b"".join([head, *entries, closing, tail])
