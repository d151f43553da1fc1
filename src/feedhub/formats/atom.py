"""Atom 1.0: the feed by feedgen, each entry written once, as feedgen would write it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from feedhub.formats import _entry
from feedhub.formats._feedgen import atom_bytes, links, media
from feedhub.formats._written import Written
from feedhub.formats._xml import attribute, element, insert, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feedhub.article import Article, Author
    from feedhub.feed import Channel, Feed


def encode(feed: Feed) -> bytes:
    """Return the feed as Atom 1.0 in UTF-8."""
    empty = atom_bytes(replace(feed, entries=()), ".atom")
    return insert(empty, b"</feed>", _entries.entries(feed))


def _entry_of(article: Article, channel: Channel) -> str:
    language = _entry.language(article, channel)
    named = f' xml:lang="{attribute(language)}"' if language else ""
    return f"  <entry{named}>\n{lines('    ', _elements(article, channel))}  </entry>\n"


def _elements(article: Article, channel: Channel) -> Iterator[str]:
    yield element("id", {}, article.id)
    yield element("title", {}, article.title)
    yield element("updated", {}, article.updated.isoformat())
    for person in _entry.people(article):
        yield _author(person)
    yield element("content", {"type": "html"}, _entry.html_of(article, channel))
    yield element("link", {"href": article.url})
    if article.summary:
        yield element("summary", {}, article.summary)
    for tag in _entry.tags(article):
        yield element("category", {"term": tag, "label": tag})
    yield element("published", {}, article.published.isoformat())
    for attributes in links(article):
        yield element("link", attributes)
    for name, attributes in media(article):
        yield element(f"media:{name}", attributes)


def _author(person: Author) -> str:
    parts = {"name": person.name} | ({"uri": person.url} if person.url else {})
    inside = lines("      ", (element(name, {}, value) for name, value in parts.items()))
    return f"<author>\n{inside}    </author>"


_entries = Written(_entry_of)
