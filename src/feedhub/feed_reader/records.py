"""What a feed of others says: its entries as plain records, the same for every format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from feedhub.article import Author
from feedhub.dates import parse_clock


class FeedReadError(ValueError):
    """The feed cannot be read; the message says why, `line` where."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """HTML as it stands in the feed, not cleaned; `base` resolves its addresses, "" if unstated."""

    html: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """A file that an entry refers to; numbers are None and texts "" where the feed has none."""

    url: str
    media_type: str = ""
    length: int | None = None
    width: int | None = None
    height: int | None = None
    duration: int | None = None
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEntry:
    """One entry, with "" or None for what it lacks.

    `id` is as it is written, else the link. `link` is absolute if the feed allows to make it so.
    `title` is plain text, unescaped. `summary` is RSS's description, `content` the full text where
    the format has a place of its own for it. Dates are in UTC, whole seconds.
    """

    id: str
    link: str = ""
    title: str = ""
    summary: Markup = Markup()
    content: Markup = Markup()
    published: datetime | None = None
    updated: datetime | None = None
    authors: tuple[Author, ...] = ()
    categories: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedContent:
    """A feed: its title, the address of its home page, its language and its entries in order.

    `format` is rss, atom or json; `address` is where it says that it is, "" if it does not.
    """

    format: str
    address: str = ""
    title: str = ""
    link: str = ""
    language: str = ""
    entries: tuple[ParsedEntry, ...] = ()


def unique(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts once each, in order, without empty ones."""
    return tuple(dict.fromkeys(filter(None, texts)))


def unique_authors(authors: Iterable[Author]) -> tuple[Author, ...]:
    """Return the authors that have a name, each name once."""
    found: dict[str, Author] = {}
    for author in authors:
        found.setdefault(author.name, author)
    found.pop("", None)
    return tuple(found.values())


def unique_enclosures(enclosures: Iterable[Enclosure]) -> tuple[Enclosure, ...]:
    """Return the enclosures that have an address, each address once.

    RSS says how long an enclosure takes in another element than where it is.
    """
    found: dict[str, Enclosure] = {}
    for enclosure in enclosures:
        known = found.setdefault(enclosure.url, enclosure)
        if known.duration is None and enclosure.duration:
            found[enclosure.url] = replace(known, duration=enclosure.duration)
    found.pop("", None)
    return tuple(found.values())


def seconds_of(text: str | None) -> int | None:
    """Return a length of time in seconds, as a number or as 1:02:05, or None."""
    whole = (text or "").strip().partition(".")[0]
    return count_of(whole) or parse_clock(whole) or None


def count_of(text: str | None) -> int | None:
    """Return a number of bytes or pixels, or None where there is none above zero."""
    digits = (text or "").strip().removesuffix("px")
    return (
        int(digits) or None
        if digits.isascii() and digits.isdecimal() and len(digits) < 16
        else None
    )
