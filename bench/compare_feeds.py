"""Check that two generators wrote the same feeds with the same entries; else times mean nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from bench.environment import BASE_URL

ATOM = "{http://www.w3.org/2005/Atom}"

# Link and date.
FeedEntry = tuple[str, datetime]


class Comparison(NamedTuple):
    """The numbers of feeds and entries of both sides, and of feeds that differ slightly.

    `ties` are feeds that end with another article of the same date; `order` are feeds in which
    articles of one date have another order.
    """

    feeds: int
    entries: int
    ties: int
    order: int


def compare(one: dict[str, Path], other: dict[str, Path]) -> Comparison:
    """Compare feeds by name; SystemExit if they differ in more than articles of one date."""
    if one.keys() != other.keys():
        different = sorted(one.keys() ^ other.keys())
        raise SystemExit(f"{len(one)} feeds here, {len(other)} there: {', '.join(different[:5])}")
    entries = ties = order = 0
    for name in one:
        suffix = Path(name).suffix
        first, second = read_entries(one[name], suffix), read_entries(other[name], suffix)
        entries += len(first)
        if Counter(first) != Counter(second):
            different_entries = Counter(first) - Counter(second)
            different_entries += Counter(second) - Counter(first)
            dates = {date for _, date in different_entries}
            # Which article of one date is the last of a feed is up to each generator.
            if len(first) != len(second) or dates != {first[-1][1]}:
                links = [link for link, _ in different_entries]
                raise SystemExit(f"{name} has other entries there: {links[:3]}")
            ties += 1
        elif first != second:
            order += 1
    return Comparison(len(one), entries, ties, order)


def read_entries(path: Path, suffix: str) -> list[FeedEntry]:
    """Return link and date of each entry of a feed, in order; the suffix names its format.

    Generators that can only link to their own pages got articles whose pages have the path of the
    article's URL below the base URL: such links are turned back into it.
    """
    entries = _PARSERS[suffix](path.read_bytes())
    return [(link.replace(f"{BASE_URL}/", "https://", 1), date) for link, date in entries]


def read_rss(body: bytes) -> list[FeedEntry]:
    """Return the entries of RSS 2.0."""
    items = ElementTree.fromstring(body).iter("item")
    return [
        (item.findtext("link") or "", parsedate_to_datetime(item.findtext("pubDate") or ""))
        for item in items
    ]


def read_atom(body: bytes) -> list[FeedEntry]:
    """Return the entries of Atom: an entry need not have `published`, and feedgen links images."""
    entries = []
    for entry in ElementTree.fromstring(body).iter(f"{ATOM}entry"):
        links = entry.findall(f"{ATOM}link")
        alternate = (link for link in links if link.get("rel", "alternate") == "alternate")
        link = next((link.get("href", "") for link in alternate), "")
        date = entry.findtext(f"{ATOM}published") or entry.findtext(f"{ATOM}updated") or ""
        entries.append((link, datetime.fromisoformat(date)))
    return entries


def read_json_feed(body: bytes) -> list[FeedEntry]:
    """Return the entries of JSON Feed."""
    items = json.loads(body)["items"]
    return [(item["url"], datetime.fromisoformat(item["date_published"])) for item in items]


_PARSERS: dict[str, Callable[[bytes], list[FeedEntry]]] = {
    ".rss": read_rss,
    ".atom": read_atom,
    ".json": read_json_feed,
}
