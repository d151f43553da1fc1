"""The queue of addresses whose change the hub must learn of: one row for each address.

What a sync adds is held back until the new bytes can be fetched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
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
    """The queue in an open catalog; it is never longer than the site has addresses."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(self, paths: Iterable[str], generation: int, now: float) -> None:
        """Add or renew paths that a sync changed; all of them are held back until `release`."""
        rows = [(path, generation, now) for path in paths]
        self._database.execute_many(_ENQUEUE, rows)

    def enqueue_released(self, paths: Iterable[str], generation: int, now: float) -> None:
        """Add paths that can be fetched already; those in the queue stay as they are."""
        rows = [(path, generation, now, now) for path in paths]
        self._database.execute_many(_ENQUEUE_RELEASED, rows)

    def clear(self) -> None:
        """Remove every address."""
        # Without a condition, SQLite writes a page even where there is no row.
        self._database.execute("DELETE FROM pings WHERE TRUE")

    def release(self, now: float) -> None:
        """Release what was held back: the new bytes can be fetched since the Unix time `now`."""
        self._database.execute(_RELEASE, (now, now))

    def due(self, now: float | None) -> list[Ping]:
        """Return what is due at a Unix time, or all that is released; what never failed first."""
        latest = math.inf if now is None else now
        return [Ping._make(row) for row in self._database.iterate(_DUE, (latest,))]

    def status(self) -> QueueStatus:
        """Return how many addresses wait, and since when."""
        return QueueStatus._make(self._database.fetch_all(_WAITING)[0])

    def remove(self, pings: Iterable[Ping]) -> None:
        """Remove addresses, unless they have changed again meanwhile."""
        rows = [(ping.path, ping.generation) for ping in pings]
        self._database.execute_many(_REMOVE, rows)

    def defer(self, ping: Ping, until: float) -> None:
        """Have one address wait until a Unix time, and store its `tries`."""
        self._database.execute(_DEFER, (ping.tries, until, ping.path, ping.generation))

    def defer_due(self, now: float, until: float) -> None:
        """Have what is due at `now` wait until later."""
        self._database.execute(_DEFER_DUE, (until, now))

    def expire(self, before: float) -> int:
        """Remove what changed before a Unix time and is released; return how many those were."""
        return self._database.execute(_EXPIRE, (before,))


# A row without `due` is held back.
_ENQUEUE = """
INSERT INTO pings (path, generation, since, tries, due) VALUES (?, ?, ?, 0, NULL)
ON CONFLICT (path) DO UPDATE SET
    generation = excluded.generation, since = excluded.since, tries = 0, due = NULL
"""
_ENQUEUE_RELEASED = """
INSERT INTO pings (path, generation, since, tries, due) VALUES (?, ?, ?, 0, ?)
ON CONFLICT (path) DO NOTHING
"""
_RELEASE = "UPDATE pings SET since = ?, due = ? WHERE due IS NULL"
_DUE = """
SELECT path, generation, since, tries FROM pings
WHERE due <= ? ORDER BY tries, since, path
"""
_WAITING = "SELECT count(*), MIN(due) FROM pings"
_REMOVE = "DELETE FROM pings WHERE path = ? AND generation = ?"
_DEFER = "UPDATE pings SET tries = ?, due = ? WHERE path = ? AND generation = ?"
_DEFER_DUE = "UPDATE pings SET due = ? WHERE due <= ?"
_EXPIRE = "DELETE FROM pings WHERE since < ? AND due IS NOT NULL"
