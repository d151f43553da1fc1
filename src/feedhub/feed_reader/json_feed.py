"""JSON Feed 1.0 and 1.1."""

from __future__ import annotations

import html
from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any

import msgspec

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
from feedhub.messages.tags import language_or_none
from feedhub.text import one_line

Values = dict[str, Any]


def read_json_feed(data: bytes, address: str, zone: tzinfo) -> FeedContent:
    """Return the feed in JSON; raises FeedReadError."""
    from feedhub.feed_reader.xml import join

    try:
        feed = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise FeedReadError(f"is not valid JSON: {error}") from None
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        raise FeedReadError("is JSON, but no feed: it has no list of items")
    authors = read_authors(feed)
    home = join(address, text(feed, "home_page_url"))

    def entry(item: Values) -> ParsedEntry:
        link = text(item, "url") or text(item, "external_url")
        plain = html.escape(text(item, "content_text"), quote=False)
        paragraphs = "".join(f"<p>{part}</p>" for part in plain.split("\n\n") if part.strip())
        return ParsedEntry(
            id=text(item, "id") or link,
            link=join(home or address, link) if link else "",
            title=one_line(text(item, "title")),
            summary=Markup(html=html.escape(text(item, "summary"), quote=False)),
            content=Markup(html=text(item, "content_html") or paragraphs),
            published=date(item, "date_published", zone),
            updated=date(item, "date_modified", zone),
            authors=read_authors(item) or authors,
            categories=unique(one_line(str(tag)) for tag in listed(item, "tags", str)),
            enclosures=unique_enclosures(read_enclosures(item)),
            language=language_or_none(text(item, "language")),
        )

    return FeedContent(
        format="json",
        address=join(address, text(feed, "feed_url")),
        title=one_line(text(feed, "title")),
        link=home,
        language=language_or_none(text(feed, "language")),
        entries=tuple(entry(item) for item in listed(feed, "items", dict)),
    )


def text(values: Values, name: str) -> str:
    """Return a text; a number, which some write as an id, as its digits."""
    value = values.get(name)
    return str(value).strip() if isinstance(value, str | int) else ""


def listed(values: Values, name: str, kind: type) -> list[Any]:
    """Return the items of a list that are of the kind."""
    items = values.get(name)
    return [item for item in items if isinstance(item, kind)] if isinstance(items, list) else []


def date(values: Values, name: str, zone: tzinfo) -> datetime | None:
    """Return a date, or None."""
    return parse_feed_date(text(values, name), zone)


def read_authors(values: Values) -> tuple[Author, ...]:
    """Return the authors of a feed or an item, in the word of either version."""
    people = listed(values, "authors", dict)
    if isinstance(author := values.get("author"), dict):
        people.append(author)
    return unique_authors(
        Author(name=one_line(text(person, "name")), url=text(person, "url")) for person in people
    )


def read_enclosures(item: Values) -> Iterator[Enclosure]:
    """Yield the picture of an item, then its attachments."""
    for name in ("image", "banner_image"):
        yield Enclosure(url=text(item, name), media_type="image/*")
    for attachment in listed(item, "attachments", dict):
        yield Enclosure(
            url=text(attachment, "url"),
            media_type=text(attachment, "mime_type").lower(),
            length=count_of(text(attachment, "size_in_bytes")),
            duration=seconds_of(text(attachment, "duration_in_seconds")),
            title=one_line(text(attachment, "title")),
        )
