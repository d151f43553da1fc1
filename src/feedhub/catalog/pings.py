"""What a hub is still to be told: one row an address, held back until the new bytes are out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from feedhub.catalog.database import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager


class Ping(NamedTuple):
    """One address to tell of: its path, the sync that changed it last, since when that is out.

    `since` is a Unix time; `tries` is how often it failed.
    """

    path: str
    generation: int
    since: float
    tries: int


class Waiting(NamedTuple):
    """How many addresses wait, those held back among them, and when the first was due, or None."""

    number: int
    due: float | None


class Pings:
    """The queue in an open catalog; it is never longer than the site has addresses."""

    def __init__(
        self, connection: sqlite3.Connection, guard: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._sql = connection
        self._guard = guard

    def enqueue(self, paths: Iterable[str], generation: int, now: float) -> None:
        """Note, in the transaction of a sync, that these changed; a second change joins the first.

        They are held back until `release`.
        """
        self._sql.executemany(_OWE, ((path, generation, now) for path in paths))

    def enqueue_released(self, paths: Iterable[str], generation: int, now: float) -> None:
        """Owe what is out already, outside a sync; what waits or is held back goes on doing so."""
        self._write(_OWE_AT_ONCE, ((path, generation, now, now) for path in paths))

    def clear(self) -> None:
        """Owe nothing any more."""
        self._sql.execute("DELETE FROM pings")

    def release(self, now: float) -> None:
        """Let those go that were held back: their new bytes are out since `now`, a Unix time."""
        with self._guard():
            self._sql.execute(_RELEASE, (now, now))

    def due(self, now: float | None) -> list[Ping]:
        """Return what may go at the Unix time `now`, or at any; what never failed comes first."""
        with self._guard():
            return [Ping._make(row) for row in self._sql.execute(_DUE, (now, now))]

    def waiting(self) -> Waiting:
        """Return how much waits."""
        with self._guard():
            return Waiting._make(self._sql.execute(_WAITING).fetchone())

    def remove(self, pings: Iterable[Ping]) -> None:
        """Forget what was told or given up, unless it has changed again meanwhile."""
        self._write(_REMOVE, ((ping.path, ping.generation) for ping in pings))

    def defer(self, ping: Ping, until: float) -> None:
        """Have one wait until a Unix time; its `tries` are kept as they are given."""
        self._write(_PUT_OFF, [(ping.tries, until, ping.path, ping.generation)])

    def defer_due(self, now: float, until: float) -> None:
        """Have what is due at `now` wait until later."""
        self._write(_PUT_OFF_DUE, [(until, now)])

    def expire(self, before: float) -> int:
        """Forget what changed before a Unix time and is not held back; return how much it was."""
        with self._guard():
            return self._sql.execute(_GIVE_UP, (before,)).rowcount

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with self._guard(), transaction(self._sql):
            self._sql.executemany(statement, rows)


_OWE = """
INSERT INTO pings (path, generation, since, tries, due) VALUES (?, ?, ?, 0, NULL)
ON CONFLICT (path) DO UPDATE SET
    generation = excluded.generation, since = excluded.since, tries = 0, due = NULL
"""
_OWE_AT_ONCE = "INSERT OR IGNORE INTO pings VALUES (?, ?, ?, 0, ?)"
_RELEASE = "UPDATE pings SET since = ?, due = ? WHERE due IS NULL"
_DUE = """
SELECT path, generation, since, tries FROM pings
WHERE due IS NOT NULL AND (due <= ? OR ? IS NULL) ORDER BY tries, since, path
"""
_WAITING = "SELECT count(*), MIN(due) FROM pings"
_REMOVE = "DELETE FROM pings WHERE path = ? AND generation = ?"
_PUT_OFF = "UPDATE pings SET tries = ?, due = ? WHERE path = ? AND generation = ?"
_PUT_OFF_DUE = "UPDATE pings SET due = ? WHERE due <= ?"
_GIVE_UP = "DELETE FROM pings WHERE since < ? AND due IS NOT NULL"
