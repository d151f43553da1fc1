"""What the catalog can be asked: counts, feeds, their articles, and what has changed."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from feedhub.catalog.database import transaction
from feedhub.catalog.images import with_facts
from feedhub.catalog.records import decode_article
from feedhub.dates import from_timestamp, month_bounds
from feedhub.errors import CatalogError
from feedhub.feed import FeedState, Window
from feedhub.kinds import LABEL_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from feedhub.article import Article
    from feedhub.catalog.search import Match
    from feedhub.selection import NamedSelection, Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What shapes feeds besides the articles.

    `shape` stands for everything else that documents are made with, `plan` for what decides which
    documents there are. `private` is true where unpublished articles are let in: such a catalog is
    never mixed with a public one. `named` are selections that are feeds; `searched` and `stories`
    tell whether anybody may ask for a selection or a story.
    """

    kinds: tuple[str, ...]
    window: Window
    archives: bool
    shape: str
    plan: str = ""
    private: bool = False
    named: tuple[NamedSelection, ...] = ()
    stories: bool = False
    searched: bool = False

    @property
    def indexed(self) -> bool:
        """Tell whether the catalog keeps what selections and stories are found by."""
        return self.searched or self.stories or bool(self.named)

    @property
    def shown(self) -> tuple[str, ...]:
        """The kinds of feeds that are published."""
        return (*self.kinds, *(["custom"] if self.named else []))

    @property
    def labelled(self) -> tuple[str, ...]:
        """The kinds of labels that are kept: a selection may ask for any."""
        return LABEL_KINDS if self.searched or self.named else self.kinds

    @property
    def wordy(self) -> bool:
        """Tell whether anybody asks for words."""
        return self.searched or any(named.selection.terms for named in self.named)


class Reading:
    """A catalog that is open, as far as it is only looked at."""

    _sql: sqlite3.Connection
    _place: Path | None

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise CatalogError(f"{self._place}: the catalog cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            advice = "delete it; the next run makes it again"
            raise CatalogError(f"{self._place}: the catalog is damaged: {advice}") from error

    def _number(self, query: str) -> int:
        return int(self._sql.execute(query).fetchone()[0])

    def _meta(self, key: str) -> str | None:
        row = self._sql.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row and str(row[0])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold still: whatever is asked within sees one state, though another process writes."""
        with self._guard(), transaction(self._sql, "DEFERRED"):
            yield

    def version(self) -> int:
        """Return what changes when another process has written."""
        with self._guard():
            return self._number("PRAGMA data_version")

    def generation(self) -> int:
        """Return how many syncs have changed a feed."""
        return int(self.noted("generation") or 0)

    def matches(self, settings: Settings) -> bool:
        """Tell whether the last sync had these settings, so that fingerprints stand for bytes."""
        return self._meta("shape") == repr(settings)

    def noted(self, name: str) -> str:
        """Return a text that was kept, or ""."""
        with self._guard():
            return self._meta(name) or ""

    def moved_at(self) -> datetime:
        """Return when what can be searched changed, at least a second after the time before."""
        return from_timestamp(int(self._meta("moved") or 0))

    def resolved(self, selection: Selection) -> Selection:
        """Return the selection as its one address has it: labels by their slugs."""
        from feedhub.catalog.search import resolved  # which a render without selections spares

        return resolved(self._sql, selection)

    def label(self, facet: str, slug: str) -> str:
        """Return the name of a label, or its slug where nobody knows it."""
        from feedhub.catalog.search import label_of

        return label_of(self._sql, facet, slug)

    def find(self, selection: Selection) -> list[Match]:
        """Return the articles of a resolved selection, newest first.

        Raises CatalogError where that takes too long.
        """
        from feedhub.catalog.search import hurried, select

        with self._guard(), hurried(self._sql):
            return list(select(self._sql, selection, selection.limit))

    def told(self, slug: str) -> Article | None:
        """Return the article whose story has this address, or None."""
        row = self._sql.execute(_STORY, (slug,)).fetchone()
        return row and with_facts(decode_article(row[0]), row[1])

    def stories(self) -> list[str]:
        """Return the address of every story, in order."""
        return [row[0] for row in self._sql.execute(_STORIES)]

    def count(self) -> int:
        """Return how many articles are published."""
        return self._number("SELECT count(*) FROM articles WHERE state = 'shown'")

    def feeds(self, kinds: tuple[str, ...]) -> list[FeedState]:
        """Return every state of every feed of these kinds, in order of kind, slug and period."""
        rows = self._sql.execute(_FEEDS)
        wanted = [_feed_state(row) for row in rows if row[0] in kinds]
        return sorted(wanted, key=lambda state: (kinds.index(state.kind), state.slug, state.period))

    def current(self, state: FeedState) -> FeedState | None:
        """Return what has become of one state, or None where it is gone."""
        key = (state.kind, state.slug, state.period)
        row = self._sql.execute(_ONE_FEED, key).fetchone()
        return row and _feed_state(row)

    def delta(self, state: FeedState, base: str) -> list[int] | None:
        """Return which of a feed's articles whoever holds the document `base` has not seen.

        `base` is a fingerprint; None where it is not known or too old.
        """
        feed = (state.kind, state.slug)
        known = self._sql.execute(_BASE, (*feed, base)).fetchone()
        if known is None:
            return None
        rows = self._sql.execute(_NEWEST, (*feed, state.count))
        last = (-known[1], known[2]) if known[1] is not None else ()
        return [
            number
            for number, generation, published, identity in rows
            if generation > known[0] or (-published, identity) > last
        ]

    def entries(self, state: FeedState) -> list[int]:
        """Return the numbers of a feed's articles, newest first, as many as its state says."""
        feed = (state.kind, state.slug)
        if state.period:
            rows = self._sql.execute(_OLDEST, (*feed, *month_bounds(state.period), state.count))
            return [row[0] for row in rows][::-1]
        return [row[0] for row in self._sql.execute(_NEWEST, (*feed, state.count))]

    def article(self, number: int) -> Article:
        """Return one article by its number."""
        record, facts = self._sql.execute(_ARTICLE, (number,)).fetchone()
        return with_facts(decode_article(record), facts)

    def articles(self) -> Iterator[tuple[str, Article]]:
        """Yield every published article with its path, in order of path."""
        for path, record in self._sql.execute(_ARTICLES):
            yield path, decode_article(record)

    def totals(self) -> dict[tuple[str, str], int]:
        """Return how many articles each feed has, archives included, by kind and slug."""
        rows = self._sql.execute(_TOTALS)
        return {(kind, slug): count for kind, slug, count in rows}

    def named(self) -> Iterator[tuple[str, str, str]]:
        """Yield kind, key and slug of every feed that has an address."""
        yield from self._sql.execute("SELECT kind, key, slug FROM feeds WHERE slug IS NOT NULL")

    def next_due(self) -> datetime | None:
        """Return when the first file must be read again though nothing changed, or None."""
        row = self._sql.execute("SELECT MIN(due) FROM articles").fetchone()
        return None if row[0] is None else from_timestamp(row[0])


_ARTICLES = """
SELECT path, record FROM articles JOIN records USING (number) WHERE state = 'shown' ORDER BY path
"""
_FEEDS = """
SELECT kind, slug, label, period, older, newer, count, newest, updated, changed_at, fingerprint
FROM states JOIN feeds ON feeds.number = states.feed
"""
_ARTICLE = "SELECT record, facts FROM records LEFT JOIN pictured USING (number) WHERE number = ?"
_STORY = """
SELECT record, facts FROM searched JOIN records USING (number) LEFT JOIN pictured USING (number)
WHERE story = ?
"""
_STORIES = "SELECT story FROM searched WHERE story IS NOT NULL ORDER BY story"
_ONE_FEED = f"{_FEEDS} WHERE kind = ? AND slug = ? AND period = ?"
_TOTALS = """
SELECT kind, slug, count(*) FROM labels JOIN feeds ON feeds.number = labels.feed
GROUP BY labels.feed
"""
_OF_FEED = """
SELECT article, generation, published, id
FROM labels JOIN feeds ON feeds.number = labels.feed WHERE kind = ? AND slug = ?
"""
_NEWEST = f"{_OF_FEED} ORDER BY published DESC, id LIMIT ?"
# Of a month whose newest stand in the subscription document, an archive holds the others.
_OLDEST = f"{_OF_FEED} AND published >= ? AND published < ? ORDER BY published, id DESC LIMIT ?"
_BASE = """
SELECT generation, published, id FROM history JOIN feeds ON feeds.number = history.feed
WHERE kind = ? AND slug = ? AND fingerprint = ?
"""


def _feed_state(row: tuple[Any, ...]) -> FeedState:
    kind, slug, label, period, older, newer, count, newest, updated, changed_at, print_ = row
    return FeedState(
        kind=kind,
        slug=slug,
        label=label,
        period=period,
        older=older,
        newer=newer,
        count=count,
        newest=None if newest is None else from_timestamp(newest),
        updated=from_timestamp(updated),
        changed_at=from_timestamp(changed_at),
        fingerprint=print_,
    )
