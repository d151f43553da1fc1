"""Documents that are made for who asks: the feed of a selection, and that of a story."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from feedhub.catalog.records import digest_of
from feedhub.dates import from_timestamp
from feedhub.feed import FeedState, story_entries
from feedhub.fingerprint import Value, fingerprint
from feedhub.text import cut

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feedhub.article import Article
    from feedhub.catalog import Catalog
    from feedhub.catalog.search import Match
    from feedhub.selection import Selection

# How many selections stay answered until the catalog moves, and how long the words of one may be.
_KEPT, _LONGEST = 64, 200


class OnDemandFeeds:
    """Selections and stories as feeds; `shape` stands for what their documents are made with.

    `max_bytes` is how long a document may be.
    """

    def __init__(self, catalog: Catalog, *, authority: str, shape: str, max_bytes: int) -> None:
        self._catalog = catalog
        self._authority = authority
        self._shape = shape
        self._max_bytes = max_bytes
        self._find = lru_cache(_KEPT)(catalog.find)

    def forget(self) -> None:
        """Look again: the catalog has moved."""
        self._find.cache_clear()

    def search(self, selection: Selection) -> FeedState:
        """Return the feed of a selection, under its one address."""
        # A render without selections spares this import.
        from feedhub.selection import canonical_query, describe

        canonical = self._catalog.resolved(selection)
        matches = self._fitting(canonical)
        label = cut(describe(canonical, self._catalog.label), _LONGEST)
        return self._state("search", canonical_query(canonical), label, map(_line, matches))

    def story(self, slug: str) -> FeedState | None:
        """Return the feed of a story, or None where there is none at this address."""
        article = self._catalog.article_of_story(slug)
        if article is None:
            return None
        entries = story_entries(article, self._authority)
        return self._state("story", slug, article.title, map(_seen, entries))

    def stories(self) -> list[FeedState]:
        """Return the feed of every story."""
        return [state for slug in self._catalog.story_slugs() if (state := self.story(slug))]

    def current(self, state: FeedState) -> FeedState | None:
        """Return what has become of one of these feeds, or None where it is gone."""
        if state.kind == "story":
            return self.story(state.slug)
        return self.search(_selection(state))

    def numbers(self, state: FeedState) -> list[int]:
        """Return the numbers of a search's articles, newest first."""
        canonical = self._catalog.resolved(_selection(state))
        return [match.number for match in self._fitting(canonical)]

    def story_articles(self, slug: str) -> tuple[Article, ...]:
        """Return the article of a story and its coverage, newest first."""
        found = self._catalog.article_of_story(slug)
        return story_entries(found, self._authority) if found else ()

    def _fitting(self, selection: Selection) -> list[Match]:
        """Return the matches that fit into a document, at least one."""
        found = self._find(selection)
        size = 0
        for place, match in enumerate(found):
            size += match.size
            if place and size > self._max_bytes:
                return found[:place]
        return found

    def _state(
        self, kind: str, slug: str, label: str, lines: Iterable[tuple[Value, int, int]]
    ) -> FeedState:
        """Return a state; each line is what stands for an entry's bytes, its dates in seconds."""
        rows = list(lines)
        updated = max((row[2] for row in rows), default=0)
        return FeedState(
            kind=kind,
            slug=slug,
            label=label,
            count=len(rows),
            newest=from_timestamp(rows[0][1]) if rows else None,
            updated=from_timestamp(updated),
            changed_at=self._catalog.changed_at(),
            fingerprint=fingerprint(self._shape, kind, slug, label, rows),
        )


def _selection(state: FeedState) -> Selection:
    from feedhub.selection import parse_query

    return parse_query(state.slug.encode())


def _line(match: Match) -> tuple[Value, int, int]:
    return (match.id, match.digest), match.published, match.updated


def _seen(article: Article) -> tuple[Value, int, int]:
    dates = int(article.published.timestamp()), int(article.updated.timestamp())
    return digest_of(article), *dates
