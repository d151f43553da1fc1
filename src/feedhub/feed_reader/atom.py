"""Atom 1.0 (RFC 4287), and its draft 0.3 that old programs still write."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator
from datetime import datetime, tzinfo

from feedhub.article import Author
from feedhub.feed_reader.dates import parse_feed_date
from feedhub.feed_reader.records import (
    Enclosure,
    FeedContent,
    Markup,
    ParsedEntry,
    count_of,
    seconds_of,
    unique,
    unique_authors,
    unique_enclosures,
)
from feedhub.feed_reader.rss import MEDIA
from feedhub.feed_reader.xml import (
    ATOM,
    XHTML,
    Element,
    base_of,
    inner_markup,
    join,
    language_of,
    self_address,
    text_of,
    text_of_html,
)
from feedhub.text import one_line, plain_text

NAMESPACES = (ATOM, "{http://purl.org/atom/ns#}")


def read_atom(root: Element, address: str, zone: tzinfo) -> FeedContent:
    """Return the feed whose root element is `feed`."""
    reader = AtomReader(str(root.tag).removesuffix("feed"), address, zone)
    authors = tuple(reader.authors(root))
    return FeedContent(
        format="atom",
        address=self_address(root, address),
        title=reader.title(root),
        link=reader.link(root),
        language=language_of(root),
        entries=tuple(reader.entry(entry, authors) for entry in root.findall(f"{reader.ns}entry")),
    )


class AtomReader:
    """Reads the elements of one feed; `ns` is its namespace in braces."""

    def __init__(self, ns: str, address: str, zone: tzinfo) -> None:
        self.ns = ns
        self._address = address
        self._zone = zone

    def entry(self, entry: Element, feed_authors: tuple[Author, ...]) -> ParsedEntry:
        """Return one entry; without authors of its own it has its source's, else the feed's."""
        link = self.link(entry)
        source = entry.find(f"{self.ns}source")
        authors = unique_authors(self.authors(entry))
        if not authors and source is not None:
            authors = unique_authors(self.authors(source))
        return ParsedEntry(
            id=text_of(entry.find(f"{self.ns}id")) or link,
            link=link,
            title=self.title(entry),
            summary=self.markup(entry.find(f"{self.ns}summary")),
            content=self.markup(entry.find(f"{self.ns}content")),
            published=self.date(entry, "published", "issued", "created"),
            updated=self.date(entry, "updated", "modified"),
            authors=authors or feed_authors,
            categories=unique(
                plain_text(category.get("label") or category.get("term") or text_of(category))
                for category in entry.findall(f"{self.ns}category")
            ),
            enclosures=unique_enclosures(self.enclosures(entry)),
            language=language_of(entry),
        )

    def link(self, parent: Element) -> str:
        """Return the address of the page: the first alternate link that is HTML, else the first."""
        found = ""
        for link in parent.findall(f"{self.ns}link"):
            href = link.get("href", "").strip()
            if not href or link.get("rel", "alternate") != "alternate":
                continue
            url = join(base_of(link, self._address) or self._address, href)
            if "html" in link.get("type", "text/html"):
                return url
            found = found or url
        return found

    def title(self, parent: Element) -> str:
        """Return a title as plain text, by the type that it states."""
        element = parent.find(f"{self.ns}title")
        if element is None:
            return ""
        if is_text(element):
            return one_line(text_of(element))
        return text_of_html(self.markup(element).html)

    def markup(self, element: Element | None) -> Markup:
        """Return a text construct or content as HTML; nothing where it lies elsewhere."""
        if element is None or element.get("src"):
            return Markup()
        base = base_of(element, self._address)
        if is_text(element):
            return Markup(html=html.escape(text_of(element), quote=False), base=base)
        if element.get("mode") == "base64":
            try:
                return Markup(html=base64.b64decode(text_of(element)).decode(), base=base)
            except ValueError:
                return Markup()
        inner = element.find(f"{XHTML}div")
        if inner is not None and len(element) == 1:
            # The one div around XHTML is no part of the content (RFC 4287, 3.1.1.3).
            return inner_markup(inner, self._address, xhtml=True)
        return inner_markup(element, self._address)

    def date(self, entry: Element, *names: str) -> datetime | None:
        """Return the first of these elements that is a date."""
        texts = (text_of(entry.find(self.ns + name)) for name in names)
        return next(filter(None, (parse_feed_date(text, self._zone) for text in texts)), None)

    def authors(self, parent: Element) -> Iterator[Author]:
        """Yield the people of an entry, a source or a feed."""
        for author in parent.findall(f"{self.ns}author"):
            url = text_of(author.find(f"{self.ns}uri")) or text_of(author.find(f"{self.ns}url"))
            url = join(base_of(author, self._address) or self._address, url) if url else ""
            yield Author(name=plain_text(text_of(author.find(f"{self.ns}name"))), url=url)

    def enclosures(self, entry: Element) -> Iterator[Enclosure]:
        """Yield the enclosures of an entry, then its media."""
        for link in entry.findall(f"{self.ns}link"):
            if link.get("rel") == "enclosure":
                yield self.enclosure(link, link.get("href", ""), "")
        for tag, media_type in (("content", ""), ("thumbnail", "image/*")):
            for media in entry.iter(MEDIA + tag):
                kind = "image/*" if media.get("medium") == "image" else media_type
                yield self.enclosure(media, media.get("url", ""), kind)

    def enclosure(self, element: Element, url: str, media_type: str) -> Enclosure:
        """Return the file that an element names."""
        return Enclosure(
            url=join(base_of(element, self._address) or self._address, url.strip()),
            media_type=element.get("type", "").strip().lower() or media_type,
            length=count_of(element.get("length") or element.get("fileSize")),
            width=count_of(element.get("width")),
            height=count_of(element.get("height")),
            duration=seconds_of(element.get("duration")),
            title=plain_text(element.get("title", "")),
        )


def is_text(element: Element) -> bool:
    """Return whether a text construct is plain text: in Atom 0.3 what is escaped is HTML."""
    is_encoded = element.get("mode") in ("escaped", "base64")
    return (
        element.get("type", "text").lower() in ("text", "text/plain")
        and not is_encoded
        and not len(element)
    )
