"""What the page of a search shows of it: each part as a box that can be unticked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

from feedhub.feed import labels_of
from feedhub.text import slugify

if TYPE_CHECKING:
    from feedhub.feed import Feed

_FACETS = {"topic": "Topic", "provider": "Publisher", "category": "Category", "author": "Author"}
_LEADS = {
    **_FACETS,
    **{f"not_{facet}": f"Not the {lead.lower()}" for facet, lead in _FACETS.items()},
    "limit": "At most",
    "min_quality": "Quality at least",
    "since": "Since",
}


class Part(NamedTuple):
    """A parameter of the search: its name and value, and how people are told."""

    name: str
    value: str
    lead: str
    label: str
    ticked: bool = True


class Search(NamedTuple):
    """A search as a form: the words as they may be typed, and the parts."""

    words: str
    parts: list[Part]


def search_of(feed: Feed) -> Search:
    """Return the form of a search.

    A label is called as one of the articles spells it, else by its slug.
    """
    pairs = parse_qsl(feed.query.removeprefix("?"))
    names = {
        (label.kind, slugify(label.key)): label.text
        for article in feed.entries
        for label in labels_of(article, _FACETS)
    }
    parts = [
        Part(name, value, _LEADS[name], names.get((name, value), value))
        for name, value in pairs
        if name in _LEADS
    ]
    every = dict(pairs).get("all")
    if every or len(parts) > len({part.name for part in parts}):
        parts.append(Part("all", "1", "Only what has all of them", "", ticked=bool(every)))
    return Search(dict(pairs).get("q", ""), parts)
