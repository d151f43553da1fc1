"""Atom 1.0: the feed by feedgen, each entry written once, as feedgen would write it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from feedhub.formats import _entry
from feedhub.formats._feedgen import atom_bytes, links
from feedhub.formats._said import said_of
from feedhub.formats._written import Written
from feedhub.formats._xml import attribute, block, elements, insert

if TYPE_CHECKING:
    from feedhub.article import Article
    from feedhub.feed import Channel, Feed


def encode(feed: Feed) -> bytes:
    """Return the feed as Atom 1.0 in UTF-8."""
    empty = atom_bytes(replace(feed, entries=()), ".atom")
    return insert(empty, b"</feed>", _entries.entries(feed))


def _entry_of(article: Article, channel: Channel) -> bytes:
    said = said_of(article, channel)
    language = _entry.language(article, channel)
    lines = [
        f"<id>{said.id}</id>",
        f"<title>{said.title}</title>",
        f"<updated>{article.updated.isoformat()}</updated>",
        *map(_author, said.names, said.addresses),
        f'<content type="html">{said.html}</content>',
        f'<link href="{said.address}"/>',
        *([f"<summary>{said.summary}</summary>"] if said.summary else []),
        *[f'<category term="{term}" label="{term}"/>' for term in said.terms],
        f"<published>{article.published.isoformat()}</published>",
        *elements(("link", attributes) for attributes in links(article, channel)),
        *said.media,
    ]
    opening = f'<entry xml:lang="{attribute(language)}">' if language else "<entry>"
    return block("  ", opening, lines, "</entry>")


def _author(name: str, address: str) -> str:
    uri = f"      <uri>{address}</uri>\n" if address else ""
    return f"<author>\n      <name>{name}</name>\n{uri}    </author>"


_entries = Written(_entry_of)
