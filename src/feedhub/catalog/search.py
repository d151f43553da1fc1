"""Selections as queries to the catalog, and the feeds that the configuration makes of some."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from feedhub.catalog.database import Database
from feedhub.catalog.labels import ADD_ARTICLES, ADD_LABEL
from feedhub.dates import month_of
from feedhub.feed import slug_for
from feedhub.kinds import FACETS, KINDS
from feedhub.selection import NamedSelection, Selection, normalized
from feedhub.text import label_key, slugify

# A larger number of results says no more to a reader.
MAX_COUNT = 1_000


class Match(NamedTuple):
    """An article that was selected: what a fingerprint and a window need of it."""

    number: int
    id: str
    published: int
    digest: bytes
    updated: int
    size: int


def resolve(database: Database, selection: Selection) -> Selection:
    """Return the selection with each label by its slug; it may be named by slug or by label.

    A label that no article has gets the slug that it would have.
    """

    def slugs(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple((facet, slug_of(database, facet, text)) for facet, text in pairs)

    return normalized(
        replace(selection, wanted=slugs(selection.wanted), unwanted=slugs(selection.unwanted))
    )


def slug_of(database: Database, facet: str, text: str) -> str:
    """Return the slug of a label that is named by slug or by label."""
    key = label_key(text)
    for query, value in ((_BY_SLUG, text), (_BY_KEY, key), (_BY_SLUG, slugify(text))):
        slug = database.fetch_value(query, (facet, value))
        if slug is not None:
            return str(slug)
    return slug_for(key, set())


def label_of(database: Database, facet: str, slug: str) -> str:
    """Return the name of a label, or its slug where no article has it."""
    row = database.fetch_one(_LABEL, (facet, slug))
    return KINDS[facet].name_of(str(row[0])) if row else slug


def select(database: Database, selection: Selection, limit: int = sys.maxsize) -> Iterator[Match]:
    """Yield the published articles of a resolved selection, newest first."""
    query = SelectionQuery(database, selection)
    if not query.is_empty:
        yield from map(Match._make, database.iterate(query.text, [*query.values, limit]))


def count(database: Database, selection: Selection) -> int:
    """Return how many articles `select` would yield, counted up to MAX_COUNT."""
    query = SelectionQuery(database, selection)
    if query.is_empty:
        return 0
    return int(database.fetch_value(_COUNT.format(query.text), [*query.values, MAX_COUNT]))


class SelectionQuery:
    """The SQL of a selection; `is_empty` where no article has a label that is wanted."""

    def __init__(self, database: Database, selection: Selection) -> None:
        self._database = database
        self._conditions: list[str] = []
        self.values: list[object] = []
        self.is_empty = False
        # Facets are joined by AND; the labels of one facet by OR, or by AND with `every`.
        for facet in FACETS:
            feeds = self._feeds(selection.wanted, facet)
            groups = [[feed] for feed in feeds] if selection.every else [feeds] if feeds else []
            for group in groups:
                known = [feed for feed in group if feed is not None]
                self.is_empty = self.is_empty or not known
                self._add_labels("IN", known)
        unwanted = [feed for facet in FACETS for feed in self._feeds(selection.unwanted, facet)]
        self._add_labels("NOT IN", [feed for feed in unwanted if feed is not None])
        phrases = [(term.words, term.prefix) for term in selection.terms if not term.excluded]
        excluded = [(term.words, term.prefix) for term in selection.terms if term.excluded]
        if phrases:
            found, values = database.matching(phrases, every=True)
            self._add(f"+listed.article IN ({found})", *values)
        if excluded:
            found, values = database.matching(excluded, every=False)
            self._add(f"+listed.article NOT IN ({found})", *values)
        if selection.since is not None:
            self._add("listed.published >= ?", int(selection.since.timestamp()))
        if selection.min_quality is not None:
            self._add("quality >= ?", selection.min_quality)

    @property
    def text(self) -> str:
        """The statement; its last value is the limit."""
        return _SELECT.format(" AND ".join(["TRUE", *self._conditions]))

    def _feeds(self, pairs: Iterable[tuple[str, str]], facet: str) -> list[int | None]:
        """Return the numbers of the labels' feeds, None for a label that no article has."""
        slugs = [slug for name, slug in pairs if name == facet]
        return [self._database.fetch_value(_NUMBER, (facet, slug)) for slug in slugs]

    def _add_labels(self, operator: str, feeds: list[int]) -> None:
        if feeds:
            marks = ", ".join("?" * len(feeds))
            labelled = f"SELECT article FROM labels WHERE feed IN ({marks})"  # noqa: S608 - our own words
            self._add(f"+listed.article {operator} ({labelled})", *feeds)

    def _add(self, condition: str, *values: object) -> None:
        self._conditions.append(condition)
        self.values += values


class NamedSelectionSync:
    """Labels articles with the named selections that find them, inside the transaction of a sync.

    `touched` are the months of feeds that must be computed again, by feed number. `left` is as in
    LabelSync.
    """

    def __init__(
        self, database: Database, generation: int, left: Mapping[tuple[int, str], int]
    ) -> None:
        self._database = database
        self._generation = generation
        self._left = left
        self.touched: defaultdict[int, set[str]] = defaultdict(set)

    def run(self, selections: Iterable[NamedSelection]) -> None:
        """Bring every named selection up to date, and delete those that are named no more."""
        names = set()
        for named in selections:
            names.add(named.name)
            self._database.execute(_PUT_FEED, (named.name, named.title, named.name))
            feed = self._database.fetch_value(_NAMED_FEED, (named.name,))
            found = select(self._database, resolve(self._database, named.selection))
            self._label(feed, {(match.published, match.id, match.number) for match in found})
        for feed, name in self._database.fetch_all(_NAMED_FEEDS):
            if name not in names:
                for delete in _DELETE_FEED:
                    self._database.execute(delete, (feed,))

    def _label(self, feed: int, wanted: set[tuple[int, str, int]]) -> None:
        """Label these articles, and no others; each is given as published, id and number."""
        known = set(self._database.iterate(_LABELS, (feed,)))
        gone = [(feed, number) for _, _, number in known - wanted]
        self._database.execute_many(_DELETE_LABEL, gone)
        generation = self._generation
        new = [
            (feed, *label, generation, self._left.get((feed, label[1]), generation), None)
            for label in wanted - known
        ]
        self._database.execute_many(ADD_LABEL, new)
        self._database.execute(ADD_ARTICLES, (len(wanted) - len(known), feed))
        self.touched[feed].update(month_of(published) for published, _, _ in known ^ wanted)
        if gone:
            # A delta cannot express what has left, and the id of that is not stored.
            self._database.execute("DELETE FROM history WHERE feed = ?", (feed,))


_BY_SLUG = "SELECT slug FROM feeds WHERE kind = ? AND slug = ?"
_BY_KEY = "SELECT slug FROM feeds WHERE kind = ? AND key = ?"
_LABEL = "SELECT label FROM feeds WHERE kind = ? AND slug = ? AND emptied_at IS NULL"
_NUMBER = "SELECT number FROM feeds WHERE kind = ? AND slug = ?"
# The pluses and CROSS JOIN make SQLite read the newest articles first: most selections have few
# terms and find enough among those.
_SELECT = """
SELECT listed.article, listed.id, listed.published, articles.digest, updated, size
FROM labels AS listed CROSS JOIN articles CROSS JOIN search_entries
WHERE listed.feed = (SELECT number FROM feeds WHERE kind = 'all' AND key = '')
    AND articles.number = listed.article AND search_entries.number = listed.article AND {}
ORDER BY listed.published DESC, listed.id LIMIT ?
"""
_COUNT = "SELECT count(*) FROM ({}) AS found"
_PUT_FEED = """
INSERT INTO feeds (kind, key, label, slug) VALUES ('custom', ?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET label = excluded.label
"""
_NAMED_FEEDS = "SELECT number, key FROM feeds WHERE kind = 'custom'"
_NAMED_FEED = "SELECT number FROM feeds WHERE kind = 'custom' AND key = ?"
_LABELS = "SELECT published, id, article FROM labels WHERE feed = ?"
_DELETE_LABEL = "DELETE FROM labels WHERE feed = ? AND article = ?"
_DELETE_FEED = (
    "DELETE FROM labels WHERE feed = ?",
    "DELETE FROM states WHERE feed = ?",
    "DELETE FROM history WHERE feed = ?",
    "DELETE FROM feeds WHERE number = ?",
)
