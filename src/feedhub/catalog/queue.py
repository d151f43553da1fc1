"""The queues of addresses whose change a hub or a search engine must learn of: one row for each.

What a sync adds is held back until the new bytes can be fetched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from feedhub.catalog.database import Database


class Ping(NamedTuple):
    """An address in the queue: its path and the generation of the sync that changed it last.

    `since` is the Unix time from which the change could be fetched; `tries` is how often the ping
    failed.
    """

    path: str
    generation: int
    since: float
    tries: int


class QueueStatus(NamedTuple):
    """How many addresses wait, those held back among them, and when the first was due, or None."""

    waiting: int
    due: float | None


class PingQueue:
    """The queue of feeds in an open catalog; it is never longer than the site has addresses."""

    table = "pings"

    def __init__(self, database: Database) -> None:
        self._database = database

    def _execute(self, statement: str, values: Sequence[object] = ()) -> int:
        return self._database.execute(statement.format(self.table), values)

    def _execute_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        self._database.execute_many(statement.format(self.table), rows)

    def enqueue(self, paths: Iterable[str], generation: int, now: float) -> None:
        """Add or renew paths that a sync changed; all of them are held back until `release`."""
        rows = [(path, generation, now) for path in paths]
        self._execute_many(_ENQUEUE, rows)

    def enqueue_released(self, paths: Iterable[str], generation: int, now: float) -> None:
        """Add paths that can be fetched already; those in the queue stay as they are."""
        rows = [(path, generation, now, now) for path in paths]
        self._execute_many(_ENQUEUE_RELEASED, rows)

    def clear(self) -> None:
        """Remove every address."""
        # Without a condition, SQLite writes a page even where there is no row.
        self._execute("DELETE FROM {} WHERE TRUE")

    def release(self, now: float) -> None:
        """Release what was held back: the new bytes can be fetched since the Unix time `now`."""
        self._execute(_RELEASE, (now, now))

    def due(self, now: float | None) -> list[Ping]:
        """Return what is due at a Unix time, or all that is released; what never failed first."""
        latest = math.inf if now is None else now
        return [
            Ping._make(row) for row in self._database.iterate(_DUE.format(self.table), (latest,))
        ]

    def status(self) -> QueueStatus:
        """Return how many addresses wait, and since when."""
        return QueueStatus._make(self._database.fetch_all(_WAITING.format(self.table))[0])

    def remove(self, pings: Iterable[Ping]) -> None:
        """Remove addresses, unless they have changed again meanwhile."""
        rows = [(ping.path, ping.generation) for ping in pings]
        self._execute_many(_REMOVE, rows)

    def defer(self, ping: Ping, until: float) -> None:
        """Have one address wait until a Unix time, and store its `tries`."""
        self._execute(_DEFER, (ping.tries, until, ping.path, ping.generation))

    def defer_due(self, now: float, until: float) -> None:
        """Have what is due at `now` wait until later."""
        self._execute(_DEFER_DUE, (until, now))

    def expire(self, before: float) -> int:
        """Remove what changed before a Unix time and is released; return how many those were."""
        return self._execute(_EXPIRE, (before,))


class AddressQueue(PingQueue):
    """The queue of addresses of articles, for search engines."""

    table = "addresses"

    def enqueue_new(self, urls: Iterable[str], generation: int, now: float) -> None:
        """Add addresses that have just been published, held back until `release`."""
        rows = [(url, generation, now) for url in urls]
        self._execute_many(_ENQUEUE_NEW, rows)

    def mark_told(self, now: float) -> None:
        """Note that search engines are told of what is due, whatever they reply."""
        self._execute("UPDATE {} SET is_new = FALSE WHERE due <= ?", (now,))

    def forget_new(self, urls: Iterable[str]) -> set[str]:
        """Remove those of these addresses that nobody was told of since they were published.

        Returns them: they may never have been public, or for a moment only.
        """
        delete = "DELETE FROM {} WHERE path = ? AND is_new"
        return {url for url in urls if self._execute(delete, (url,))}


# A row without `due` is held back.
_ENQUEUE = """
INSERT INTO {} (path, generation, since, tries, due) VALUES (?, ?, ?, 0, NULL)
ON CONFLICT (path) DO UPDATE SET
    generation = excluded.generation, since = excluded.since, tries = 0, due = NULL
"""
_ENQUEUE_RELEASED = """
INSERT INTO {} (path, generation, since, tries, due) VALUES (?, ?, ?, 0, ?)
ON CONFLICT (path) DO NOTHING
"""
_RELEASE = "UPDATE {} SET since = ?, due = ? WHERE due IS NULL"
_DUE = """
SELECT path, generation, since, tries FROM {}
WHERE due <= ? ORDER BY tries, since, path
"""
_WAITING = "SELECT count(*), MIN(due) FROM {}"
_REMOVE = "DELETE FROM {} WHERE path = ? AND generation = ?"
_DEFER = "UPDATE {} SET tries = ?, due = ? WHERE path = ? AND generation = ?"
_DEFER_DUE = "UPDATE {} SET due = ? WHERE due <= ?"
_EXPIRE = "DELETE FROM {} WHERE since < ? AND due IS NOT NULL"
_ENQUEUE_NEW = """
INSERT INTO {} (path, generation, since, tries, due, is_new) VALUES (?, ?, ?, 0, NULL, TRUE)
ON CONFLICT (path) DO UPDATE SET
    generation = excluded.generation, since = excluded.since, tries = 0, due = NULL
"""
