"""Whether two folders hold the same feeds with the same entries: else no time may be compared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from bench.places import BASE_URL

_ATOM = "{http://www.w3.org/2005/Atom}"

Entry = tuple[str, datetime]


class Compared(NamedTuple):
    """What was counted: feeds and entries of both sides, and feeds that are not quite alike.

    `ties` are feeds that end with another article of the very same date; `order` are feeds whose
    articles of one date stand in another order.
    """

    feeds: int
    entries: int
    ties: int
    order: int


def compare(one: dict[str, Path], other: dict[str, Path]) -> Compared:
    """Compare feeds by name; SystemExit where they differ in more than articles of one date."""
    if one.keys() != other.keys():
        odd = sorted(one.keys() ^ other.keys())
        raise SystemExit(f"{len(one)} feeds here, {len(other)} there: {', '.join(odd[:5])}")
    entries = ties = order = 0
    for name in one:
        suffix = Path(name).suffix
        mine, others = entries_of(one[name], suffix), entries_of(other[name], suffix)
        entries += len(mine)
        if Counter(mine) != Counter(others):
            _must_be_a_tie(name, mine, others)
            ties += 1
        elif mine != others:
            order += 1
    return Compared(len(one), entries, ties, order)


def entries_of(place: Path, suffix: str) -> list[Entry]:
    """Return link and date of each entry of a feed, in order; `suffix` tells its format.

    Generators that can link to pages of their own alone were given articles whose pages have the
    articles' addresses, below that of the site.
    """
    found = _READERS[suffix](place.read_bytes())
    return [(link.replace(f"{BASE_URL}/", "https://", 1), date) for link, date in found]


def _must_be_a_tie(name: str, mine: list[Entry], others: list[Entry]) -> None:
    """Where the last place is disputed by articles of one date, each generator has its choice."""
    odd = (Counter(mine) - Counter(others)) + (Counter(others) - Counter(mine))
    if len(mine) != len(others) or {date for _, date in odd} != {mine[-1][1]}:
        raise SystemExit(f"{name} has other entries there: {[link for link, _ in odd][:3]}")


def _rss(body: bytes) -> list[Entry]:
    items = ElementTree.fromstring(body).iter("item")
    return [(_text(i, "link"), parsedate_to_datetime(_text(i, "pubDate"))) for i in items]


def _atom(body: bytes) -> list[Entry]:
    entries = ElementTree.fromstring(body).iter(f"{_ATOM}entry")
    return [(_alternate(one), datetime.fromisoformat(_atom_date(one))) for one in entries]


def _alternate(entry: ElementTree.Element) -> str:
    """Return the first link; feedgen has others, of images, that do not say what they are."""
    links = entry.findall(f"{_ATOM}link")
    found = (link for link in links if link.get("rel", "alternate") == "alternate")
    return next((link.get("href", "") for link in found), "")


def _atom_date(entry: ElementTree.Element) -> str:
    return _text(entry, f"{_ATOM}published") or _text(entry, f"{_ATOM}updated")


def _json(body: bytes) -> list[Entry]:
    items = json.loads(body)["items"]
    return [(item["url"], datetime.fromisoformat(item["date_published"])) for item in items]


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(name) or ""


_READERS: dict[str, Callable[[bytes], list[Entry]]] = {
    ".rss": _rss,
    ".atom": _atom,
    ".json": _json,
}
