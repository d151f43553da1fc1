"""Feeds that are built on request: that of a selection, and that of a story."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from feedhub.article import Article
from feedhub.catalog import Catalog
from feedhub.catalog.records import digest_of
from feedhub.dates import from_timestamp
from feedhub.feed import FeedState, story_entries
from feedhub.fingerprint import Value, fingerprint
from feedhub.text import cut

if TYPE_CHECKING:  # a render without selections does not import them
    from feedhub.catalog.search import Match
    from feedhub.selection import Selection

# How many selections have their matches cached until the catalog moves.
CACHED_SELECTIONS = 64
MAX_LABEL = 200


class EntryLine(NamedTuple):
    """What the fingerprint of a feed needs of an entry; times are Unix times."""

    content: Value
    published: int
    updated: int


class OnDemandFeeds:
    """Selections and stories as feeds, of documents of at most `max_bytes`.

    `shape` is the fingerprint of what documents are made with besides the articles.
    """

    def __init__(
        self, catalog: Catalog, *, authority: str, shape: str, max_bytes: int, language: str
    ) -> None:
        self._catalog = catalog
        self._language = language
        self._authority = authority
        self._shape = shape
        self._max_bytes = max_bytes
        self._find = lru_cache(CACHED_SELECTIONS)(catalog.find)
        self._count = lru_cache(CACHED_SELECTIONS)(catalog.count_matches)

    def forget(self) -> None:
        """Empty the cache: the catalog has moved."""
        self._find.cache_clear()
        self._count.cache_clear()

    def search(self, selection: Selection) -> FeedState:
        """Return the feed of a selection, under its one address."""
        from feedhub.selection import canonical_query, describe

        canonical = self._catalog.resolve(selection)
        text = describe(canonical, self._catalog.label, self._language)
        label = cut(text, MAX_LABEL)
        lines = [
            EntryLine((match.id, match.digest), match.published, match.updated)
            for match in self._matches(canonical)
        ]
        return self._state("search", canonical_query(canonical), label, lines)

    def story(self, slug: str) -> FeedState | None:
        """Return the feed of a story, or None if no story has this slug."""
        article = self._catalog.article_of_story(slug)
        if article is None:
            return None
        lines = [
            EntryLine(
                digest_of(entry),
                int(entry.published.timestamp()),
                int(entry.updated.timestamp()),
            )
            for entry in story_entries(article, self._authority)
        ]
        return self._state("story", slug, article.title, lines)

    def stories(self) -> list[FeedState]:
        """Return the feed of every story."""
        return [state for slug in self._catalog.story_slugs() if (state := self.story(slug))]

    def numbers(self, state: FeedState) -> list[int]:
        """Return the numbers of a search's articles, newest first."""
        canonical = self._catalog.resolve(selection_of(state))
        return [match.number for match in self._matches(canonical)]

    def hints(self, state: FeedState) -> tuple[int, tuple[str, ...]]:
        """Return how many articles a search finds, and the words to try where that is none."""
        selection = self._catalog.resolve(selection_of(state))
        total = self._count(selection)
        return total, () if total else self._catalog.near_words(selection)

    def story_articles(self, slug: str) -> tuple[Article, ...]:
        """Return the article of a story and its coverage, newest first; () if there is none."""
        article = self._catalog.article_of_story(slug)
        return story_entries(article, self._authority) if article else ()

    def _matches(self, selection: Selection) -> list[Match]:
        """Return the matches that fit into a document, at least one."""
        matches = self._find(selection)
        size = 0
        for count, match in enumerate(matches):
            size += match.size
            if count and size > self._max_bytes:
                return matches[:count]
        return matches

    def _state(self, kind: str, slug: str, label: str, lines: Sequence[EntryLine]) -> FeedState:
        return FeedState(
            kind=kind,
            slug=slug,
            label=label,
            count=len(lines),
            newest=from_timestamp(lines[0].published) if lines else None,
            updated=from_timestamp(max((line.updated for line in lines), default=0)),
            changed_at=self._catalog.changed_at(),
            fingerprint=fingerprint(self._shape, kind, slug, label, lines),
        )


def selection_of(state: FeedState) -> Selection:
    """Return the selection that is the slug of a search."""
    from feedhub.selection import parse_query

    return parse_query(state.slug.encode())
