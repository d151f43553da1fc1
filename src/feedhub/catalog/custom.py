"""Named selections: feeds whose articles are those that a selection finds."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from feedhub.catalog.search import resolved, select
from feedhub.dates import month_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from feedhub.selection import NamedSelection

_Line = tuple[int, str, int]  # published, id, number of the article


class CustomSync:
    """Labels articles with the selections that they are in, inside the transaction of a sync.

    `touched` are the months of feeds that must be looked at again, by feed number.
    """

    def __init__(self, connection: sqlite3.Connection, generation: int) -> None:
        self._sql = connection
        self._generation = generation
        self.touched: defaultdict[int, set[str]] = defaultdict(set)

    def run(self, selections: Iterable[NamedSelection]) -> None:
        """Bring every named selection up to date; one that is named no more leaves nothing."""
        names = set()
        for named in selections:
            names.add(named.name)
            self._sql.execute(_PUT_FEED, (named.name, named.title, named.name))
            feed = self._sql.execute(_FEED, (named.name,)).fetchone()[0]
            found = select(self._sql, resolved(self._sql, named.selection))
            self._label(feed, {(row.published, row.id, row.number) for row in found})
        for feed, name in self._sql.execute(_ALL).fetchall():
            if name not in names:
                self._forget(feed)

    def _label(self, feed: int, wanted: set[_Line]) -> None:
        known: set[_Line] = set(self._sql.execute(_LABELS, (feed,)))
        for _, _, number in known - wanted:
            self._sql.execute("DELETE FROM labels WHERE feed = ? AND article = ?", (feed, number))
        for published, identity, number in wanted - known:
            self._sql.execute(_ADD, (feed, published, identity, number, self._generation))
        self.touched[feed].update(month_of(line[0]) for line in known ^ wanted)
        if known - wanted:
            # What has left cannot be said by a delta, and its id is not kept.
            self._sql.execute("DELETE FROM history WHERE feed = ?", (feed,))

    def _forget(self, feed: int) -> None:
        for table in ("labels", "states", "history"):
            query = f"DELETE FROM {table} WHERE feed = ?"  # noqa: S608 - our own names
            self._sql.execute(query, (feed,))
        self._sql.execute("DELETE FROM feeds WHERE number = ?", (feed,))


_PUT_FEED = """
INSERT INTO feeds (kind, key, label, slug) VALUES ('custom', ?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET label = excluded.label
"""
_ALL = "SELECT number, key FROM feeds WHERE kind = 'custom'"
_FEED = "SELECT number FROM feeds WHERE kind = 'custom' AND key = ?"
_LABELS = "SELECT published, id, article FROM labels WHERE feed = ?"
_ADD = "INSERT INTO labels VALUES (?, ?, ?, ?, ?)"
