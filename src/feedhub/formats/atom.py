"""Atom 1.0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedhub.formats._feedgen import atom_bytes

if TYPE_CHECKING:
    from feedhub.feed import Feed


def encode(feed: Feed) -> bytes:
    """Return the feed as Atom 1.0 in UTF-8."""
    return atom_bytes(feed, ".atom")
