"""Articles that have come into feeds since a reader last looked, for streams of changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from feedhub.catalog import Catalog, SyncState
from feedhub.feed import FeedState

# With more new articles a reader gets the feed itself, which costs less than their list.
MAX_ARRIVALS = 50
# How many articles a reader is told of whose position is not known.
NEWEST = 10
# The path of the streams.
EVENTS_PATH = "events"
_POSITION = re.compile("([0-9]{1,18})-([0-9a-f]{1,16})")


class Arrival(NamedTuple):
    """A new article; `feeds` are the addresses of those feeds that it came into."""

    id: str
    url: str
    title: str
    published: datetime
    feeds: tuple[str, ...]


class Arrivals(NamedTuple):
    """The articles that came into feeds after a position, newest first, and the position now.

    With `is_reset` they are the newest few instead: the position was unknown or too old.
    """

    position: str
    articles: tuple[Arrival, ...] = ()
    is_reset: bool = False


def find_arrivals(catalog: Catalog, feeds: Mapping[str, FeedState], after: str) -> Arrivals:
    """Return what came into feeds, which are given by their addresses.

    `after` is a position, or the entity tag or fingerprint of a document of one of the feeds; "" is
    now. A position is the generation, and when the catalog that counts it was made.
    """
    state = catalog.read(SyncState)
    position = f"{state.generation}-{state.made_at:x}"
    if not after:
        return Arrivals(position)
    base = base_of(catalog, feeds, after, state)
    of_article: dict[int, list[str]] = {}
    for address, feed in feeds.items():
        new = catalog.entries(feed)[:NEWEST] if base is None else catalog.arrivals(feed, base)
        for number in new:
            of_article.setdefault(number, []).append(address)
    is_reset = base is None or len(of_article) > MAX_ARRIVALS
    articles = [
        Arrival(article.id, article.url, article.title, article.published, tuple(addresses))
        for number, addresses in of_article.items()
        for article in [catalog.article(number)]
    ]
    articles.sort(key=lambda article: (-article.published.timestamp(), article.id))
    return Arrivals(position, tuple(articles[:NEWEST] if is_reset else articles), is_reset)


def base_of(
    catalog: Catalog, feeds: Mapping[str, FeedState], after: str, state: SyncState
) -> int | None:
    """Return the generation that a position or entity tag is of, None where it is not known."""
    if match := _POSITION.fullmatch(after):
        generation, made_at = int(match[1]), int(match[2], 16)
        known = made_at == state.made_at and generation <= state.generation
        return generation if known else None
    fingerprint = after.removeprefix("W/").strip('"').partition("-")[0]
    found = (catalog.generation_of(feed, fingerprint) for feed in feeds.values())
    return next((generation for generation in found if generation is not None), None)
