"""RSS: 0.9x and 2.0, and the RDF of 0.9 and 1.0, with the modules that carry text and people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, tzinfo

from feedhub.article import Author
from feedhub.feed_reader.dates import parse_feed_date
from feedhub.feed_reader.records import (
    Enclosure,
    FeedContent,
    FeedReadError,
    Markup,
    ParsedEntry,
    count_of,
    seconds_of,
    unique,
    unique_authors,
    unique_enclosures,
)
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
)
from feedhub.messages.tags import language_or_none
from feedhub.text import plain_text

CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
DC = "{http://purl.org/dc/elements/1.1/}"
DC_TERMS = "{http://purl.org/dc/terms/}"
MEDIA = "{http://search.yahoo.com/mrss/}"
ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"

# `mail@host (Name)`, as RSS has it, and `Name <mail@host>` or `Name (mail@host)`.
_PERSON = re.compile(
    r"[^\s@]++@[^\s@(]++\s*+\(([^()]++)\)"
    r"|([^<>]+?)(?:<[^<>\s@]++@[^<>\s@]++>|\([^()\s@]++@[^()\s@]++\))"
)


def read_rss(root: Element, address: str, zone: tzinfo) -> FeedContent:
    """Return the feed whose root element is `rss` or `RDF`; raises FeedReadError."""
    channel = next((child for child in root if local_name(child) == "channel"), None)
    if channel is None:
        raise FeedReadError("has no channel")
    # In RDF the items stand beside the channel.
    items = [child for place in (channel, root) for child in place if local_name(child) == "item"]
    own = Children(channel)
    home = join(base_of(channel, address) or address, text_of(own.first("link")))
    language = text_of(own.first("language")) or text_of(own.first(f"{DC}language"))
    return FeedContent(
        format="rss",
        address=self_address(channel, address),
        title=plain_text(text_of(own.first("title"))),
        link=home,
        language=language_or_none(language) or language_of(channel),
        entries=tuple(read_item(item, home or address, zone) for item in items),
    )


def read_item(item: Element, address: str, zone: tzinfo) -> ParsedEntry:
    """Return one item; `address` resolves what is relative and has no `xml:base`."""
    fields = Children(item)
    guid = fields.first("guid")
    identity = text_of(guid) or item.get(f"{RDF}about", "").strip()
    link = text_of(fields.first("link"))
    if not link and guid is not None and guid.get("isPermaLink", "true").lower() == "true":
        link = identity
    description, encoded = fields.first("description"), fields.first(f"{CONTENT}encoded")
    if encoded is None:
        encoded = next((fields.first(XHTML + name) for name in ("body", "div")), None)
    published = fields.date(
        zone, "pubDate", f"{DC}date", f"{DC_TERMS}issued", f"{DC_TERMS}created", f"{ATOM}published"
    )
    updated = fields.date(zone, f"{ATOM}updated", f"{DC_TERMS}modified")
    return ParsedEntry(
        id=identity or link,
        link=join(base_of(item, address) or address, link) if link else "",
        title=plain_text(text_of(fields.first("title", f"{DC}title"))),
        summary=Markup() if description is None else inner_markup(description, address),
        content=Markup() if encoded is None else inner_markup(encoded, address),
        published=published,
        updated=updated,
        authors=read_authors(fields),
        categories=unique(
            plain_text(text_of(element)) for element in fields.all("category", f"{DC}subject")
        ),
        enclosures=unique_enclosures(read_enclosures(fields, address)),
        language=language_or_none(text_of(fields.first(f"{DC}language"))) or language_of(item),
    )


def read_authors(fields: Children) -> tuple[Author, ...]:
    """Return the people that `dc:creator` names, else those of `author`."""
    creators = fields.all(f"{DC}creator") or fields.all("author")
    return unique_authors(Author(name=name_of(text_of(element))) for element in creators)


def name_of(text: str) -> str:
    """Return the name of a person without the address beside it, else the text."""
    match = _PERSON.fullmatch(text)
    return plain_text((match[1] or match[2]) if match else text)


def read_enclosures(fields: Children, address: str) -> Iterator[Enclosure]:
    """Yield the enclosures of an item, then its media, then their thumbnails."""
    media = [*fields.all(f"{MEDIA}content"), *fields.all(f"{MEDIA}thumbnail")]
    for group in fields.all(f"{MEDIA}group"):
        inner = Children(group)
        media += [*inner.all(f"{MEDIA}content"), *inner.all(f"{MEDIA}thumbnail")]
    enclosures = fields.all("enclosure")
    # A podcast has one enclosure, and says how long that is beside it.
    own = dict.fromkeys(enclosures[:1], text_of(fields.first(f"{ITUNES}duration")))
    for element in [*enclosures, *media]:
        title = element.find(f"{MEDIA}title")
        image = element.tag == f"{MEDIA}thumbnail" or element.get("medium") == "image"
        yield Enclosure(
            url=join(base_of(element, address) or address, element.get("url", "").strip()),
            media_type=element.get("type", "").strip().lower() or ("image/*" if image else ""),
            length=count_of(element.get("length") or element.get("fileSize")),
            width=count_of(element.get("width")),
            height=count_of(element.get("height")),
            duration=seconds_of(element.get("duration") or own.get(element)),
            title=plain_text(text_of(title)),
        )


class Children:
    """The children of an element by name; those of RSS itself have no namespace, whatever theirs.

    Modules keep theirs: an `atom:link` is not the link of an item.
    """

    def __init__(self, parent: Element) -> None:
        own = str(parent.tag).rpartition("}")[0]
        self._found: dict[str, list[Element]] = {}
        for child in parent:
            tag = str(child.tag)
            if own and own != MEDIA[:-1] and tag.startswith(f"{own}}}"):
                tag = tag.rpartition("}")[2]
            self._found.setdefault(tag, []).append(child)

    def all(self, *names: str) -> list[Element]:
        """Return the children of these names, in this order of names."""
        return [child for name in names for child in self._found.get(name, ())]

    def first(self, *names: str) -> Element | None:
        """Return the first child with text of the first name that has one."""
        return next((child for child in self.all(*names) if len(child) or text_of(child)), None)

    def date(self, zone: tzinfo, *names: str) -> datetime | None:
        """Return the first of these children that is a date."""
        dates = (parse_feed_date(text_of(child), zone) for child in self.all(*names))
        return next(filter(None, dates), None)


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]
