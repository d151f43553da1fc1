"""The queue of changes: what each receiver, such as a hub or a search engine, must still be told.

There is one row for each receiver and path. What a sync adds is held back until the new bytes can
be fetched. Each receiver has a queue of its own, so one that is slow or down holds up no other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from feedhub.catalog.database import Database
from feedhub.catalog.state import ReceiverState, read_record, write_record

# Receivers that are told of feeds, by the paths of their documents.
FEED_RECEIVERS = ("hub", "push", "cloud")


class Change(NamedTuple):
    """A path in a queue, and the generation of the sync that changed it last.

    What a path is depends on the receiver: that of a document, the address of an article, a cache
    tag. `since` is the Unix time from which the change could be fetched; `tries` is how often the
    receiver could not be told.
    """

    path: str
    generation: int
    since: float
    tries: int


class QueueStatus(NamedTuple):
    """How many changes wait, those held back among them, and when the first was due, or None."""

    waiting: int
    due: float | None


class ChangeQueue:
    """The queue of one receiver in an open catalog; it has each path at most once."""

    def __init__(self, database: Database, receiver: str) -> None:
        self._database = database
        self._receiver = receiver

    def enqueue(
        self, paths: Iterable[str], generation: int, now: float, *, new: bool = False
    ) -> None:
        """Add or renew paths that a sync changed; all are held back until they are released.

        `new` marks those that have just been published.
        """
        rows = [(self._receiver, path, generation, now, new) for path in paths]
        self._database.execute_many(_ENQUEUE, rows)

    def enqueue_released(self, paths: Iterable[str], generation: int, now: float) -> None:
        """Add paths that can be fetched already; those in the queue stay as they are."""
        rows = [(self._receiver, path, generation, now, now) for path in paths]
        self._database.execute_many(_ENQUEUE_RELEASED, rows)

    def due(self, now: float | None) -> list[Change]:
        """Return what is due at a Unix time, or all that is released; what never failed first."""
        latest = math.inf if now is None else now
        return [Change._make(row) for row in self._database.iterate(_DUE, (self._receiver, latest))]

    def status(self) -> QueueStatus:
        """Return how many changes wait, and since when."""
        return QueueStatus._make(self._database.fetch_all(_WAITING, (self._receiver,))[0])

    def oldest(self) -> float | None:
        """Return since when the oldest change that is released waits, or None."""
        value: float | None = self._database.fetch_value(_OLDEST, (self._receiver,))
        return value

    def has_older(self, since: float) -> bool:
        """Return whether a change waits that could be fetched at that Unix time already."""
        oldest = self.oldest()
        return oldest is not None and oldest <= since

    def remove(self, changes: Iterable[Change]) -> None:
        """Remove changes, unless their paths have changed again meanwhile."""
        rows = [(self._receiver, change.path, change.generation) for change in changes]
        self._database.execute_many(_REMOVE, rows)

    def defer(self, change: Change, until: float) -> None:
        """Have one change wait until a Unix time, and store its `tries`."""
        values = (change.tries, until, self._receiver, change.path, change.generation)
        self._database.execute(_DEFER, values)

    def defer_due(self, now: float, until: float) -> None:
        """Have what is due at `now` wait until later."""
        self._database.execute(_DEFER_DUE, (until, self._receiver, now))

    def expire(self, before: float) -> int:
        """Remove what changed before a Unix time and is released; return how many those were."""
        return self._database.execute_counted(_EXPIRE, (self._receiver, before))

    def mark_told(self, now: float) -> None:
        """Note that the receiver is told of what is due, whatever it replies."""
        self._database.execute(_MARK_TOLD, (self._receiver, now))

    def mark_each_told(self, changes: Iterable[Change]) -> None:
        """Note that the receiver is told of these changes, whatever it replies."""
        rows = [(self._receiver, change.path) for change in changes]
        self._database.execute_many(_MARK_EACH_TOLD, rows)

    def forget_new(self, paths: Iterable[str]) -> set[str]:
        """Remove those of these paths that the receiver was not told of since they were published.

        Returns them: they may never have been public, or for a moment only.
        """
        execute = self._database.execute_counted
        return {path for path in paths if execute(_FORGET_NEW, (self._receiver, path))}

    def state(self) -> ReceiverState:
        """Return how the receiver was when it was last talked to."""
        return read_record(self._database, ReceiverState, self._receiver)

    def write_state(self, state: ReceiverState) -> None:
        """Replace the state of the receiver."""
        with self._database.transaction():
            write_record(self._database, state, self._receiver)


def release(database: Database, now: float) -> None:
    """Release what all queues hold back: the new bytes can be fetched since the Unix time `now`."""
    database.execute(_RELEASE, (now, now))


def clear_others(database: Database, receivers: Iterable[str]) -> None:
    """Empty the queues of all receivers but these."""
    present = {row[0] for row in database.fetch_all("SELECT DISTINCT receiver FROM changes")}
    for receiver in present - set(receivers):
        database.execute("DELETE FROM changes WHERE receiver = ?", (receiver,))


# A row without `due` is held back.
_ENQUEUE = """
INSERT INTO changes (receiver, path, generation, since, tries, due, is_new)
VALUES (?, ?, ?, ?, 0, NULL, ?)
ON CONFLICT (receiver, path) DO UPDATE SET
    generation = excluded.generation, since = excluded.since, tries = 0, due = NULL,
    is_new = changes.is_new OR excluded.is_new
"""
_ENQUEUE_RELEASED = """
INSERT INTO changes (receiver, path, generation, since, tries, due) VALUES (?, ?, ?, ?, 0, ?)
ON CONFLICT (receiver, path) DO NOTHING
"""
_RELEASE = "UPDATE changes SET since = ?, due = ? WHERE due IS NULL"
_DUE = """
SELECT path, generation, since, tries FROM changes
WHERE receiver = ? AND due <= ? ORDER BY tries, since, path
"""
_WAITING = "SELECT count(*), MIN(due) FROM changes WHERE receiver = ?"
_OLDEST = "SELECT MIN(since) FROM changes WHERE receiver = ? AND due IS NOT NULL"
_REMOVE = "DELETE FROM changes WHERE receiver = ? AND path = ? AND generation = ?"
_DEFER = """
UPDATE changes SET tries = ?, due = ? WHERE receiver = ? AND path = ? AND generation = ?
"""
_DEFER_DUE = "UPDATE changes SET due = ? WHERE receiver = ? AND due <= ?"
_EXPIRE = "DELETE FROM changes WHERE receiver = ? AND since < ? AND due IS NOT NULL"
_MARK_TOLD = "UPDATE changes SET is_new = FALSE WHERE receiver = ? AND due <= ?"
_MARK_EACH_TOLD = "UPDATE changes SET is_new = FALSE WHERE receiver = ? AND path = ?"
_FORGET_NEW = "DELETE FROM changes WHERE receiver = ? AND path = ? AND is_new"
