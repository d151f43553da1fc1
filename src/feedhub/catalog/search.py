"""Selections as questions to the catalog: which articles, and what their labels are called."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from feedhub.feed import slug_for
from feedhub.kinds import FACETS
from feedhub.selection import normalized
from feedhub.text import label_key, slugify

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from feedhub.selection import Selection, Term

# How long one question may hold up all others, in seconds, and how often that is looked at.
_PATIENCE, _STEPS = 2.0, 20_000


class Match(NamedTuple):
    """An article that was selected: what a fingerprint and a window need."""

    number: int
    id: str
    published: int
    digest: bytes
    updated: int
    size: int


def resolved(sql: sqlite3.Connection, selection: Selection) -> Selection:
    """Return the selection with each label by its slug; it may be given by slug or by name.

    A label that nobody knows keeps the slug it will have once it is there.
    """

    def slugs(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple((facet, _slug(sql, facet, text)) for facet, text in pairs)

    return normalized(
        replace(selection, wanted=slugs(selection.wanted), unwanted=slugs(selection.unwanted))
    )


def label_of(sql: sqlite3.Connection, facet: str, slug: str) -> str:
    """Return the name of a label, or its slug where nobody knows it."""
    row = sql.execute(_LABEL, (facet, slug)).fetchone()
    return str(row[0]) if row else slug


def select(sql: sqlite3.Connection, selection: Selection, limit: int = -1) -> Iterator[Match]:
    """Yield the published articles of a resolved selection, newest first; all for a limit of -1."""
    question = _Question(sql, selection)
    if not question.hopeless:
        yield from map(Match._make, sql.execute(question.text, [*question.values, limit]))


@contextmanager
def hurried(sql: sqlite3.Connection) -> Iterator[None]:
    """Break off, with sqlite3.OperationalError, what takes longer than anybody may wait for."""
    end = time.monotonic() + _PATIENCE
    sql.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    finally:
        sql.set_progress_handler(None, 0)


class _Question:
    """The SQL of a selection; `hopeless` where a wanted label is nobody's."""

    def __init__(self, sql: sqlite3.Connection, selection: Selection) -> None:
        self._sql = sql
        self._conditions: list[str] = []
        self.values: list[object] = []
        self.hopeless = False
        for facet in FACETS:
            feeds = self._feeds(selection.wanted, facet)
            groups = [[feed] for feed in feeds] if selection.every else [feeds] if feeds else []
            for group in groups:
                self._ask_for(group)
        unwanted = [feed for facet in FACETS for feed in self._feeds(selection.unwanted, facet)]
        self._add("NOT IN", filter(None, unwanted))
        self._ask_for_words(selection.terms)
        if selection.since is not None:
            self._conditions.append("listed.published >= ?")
            self.values.append(int(selection.since.timestamp()))
        if selection.min_quality is not None:
            self._conditions.append("quality >= ?")
            self.values.append(selection.min_quality)

    @property
    def text(self) -> str:
        return _SELECT.format(" AND ".join(["TRUE", *self._conditions]))

    def _feeds(self, pairs: Iterable[tuple[str, str]], facet: str) -> list[int | None]:
        """Return the numbers of the labels' feeds, None for a label that nobody has."""
        slugs = [slug for name, slug in pairs if name == facet]
        rows = [self._sql.execute(_NUMBER, (facet, slug)).fetchone() for slug in slugs]
        return [row and row[0] for row in rows]

    def _ask_for(self, group: list[int | None]) -> None:
        known = [feed for feed in group if feed is not None]
        self.hopeless = self.hopeless or not known
        self._add("IN", known)

    def _add(self, how: str, feeds: Iterable[int]) -> None:
        if numbers := list(feeds):
            marks = ", ".join("?" * len(numbers))
            asked = f"SELECT article FROM labels WHERE feed IN ({marks})"  # noqa: S608 - our own words
            self._conditions.append(f"+listed.article {how} ({asked})")
            self.values += numbers

    def _ask_for_words(self, terms: Iterable[Term]) -> None:
        wanted = " AND ".join(_matching(term) for term in terms if not term.excluded)
        excluded = " OR ".join(_matching(term) for term in terms if term.excluded)
        for how, expression in (("IN", wanted), ("NOT IN", excluded)):
            if expression:
                self._conditions.append(f"+listed.article {how} ({_WORDS})")
                self.values.append(expression)


def _matching(term: Term) -> str:
    """Return a term as FTS5 writes it; words are letters and digits, so nothing can break out."""
    return f'"{" ".join(term.words)}"{" *" * term.prefix}'


def _slug(sql: sqlite3.Connection, facet: str, text: str) -> str:
    key = label_key(text)
    candidates = (("slug", text), ("key", key), ("slug", slugify(text)))
    for column, value in candidates:
        row = sql.execute(_FIND[column], (facet, value)).fetchone()
        if row:
            return str(row[0])
    return slug_for(key, set())


_FIND = {
    "slug": "SELECT slug FROM feeds WHERE kind = ? AND slug = ?",
    "key": "SELECT slug FROM feeds WHERE kind = ? AND key = ?",
}
_LABEL = "SELECT label FROM feeds WHERE kind = ? AND slug = ?"
_NUMBER = "SELECT number FROM feeds WHERE kind = ? AND slug = ?"
_WORDS = "SELECT rowid FROM words WHERE words MATCH ?"
# The pluses and CROSS JOIN have the newest looked at first: most questions are answered by few.
_SELECT = """
SELECT listed.article, listed.id, listed.published, articles.digest, updated, size
FROM labels AS listed CROSS JOIN articles ON articles.number = listed.article
CROSS JOIN searched ON searched.number = listed.article
WHERE listed.feed = (SELECT number FROM feeds WHERE kind = 'all' AND key = '') AND {}
ORDER BY listed.published DESC, listed.id LIMIT ?
"""
