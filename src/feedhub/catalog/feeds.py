"""What each touched feed holds now: its address, its window, its archives, their fingerprints."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from feedhub.catalog.images import OWN
from feedhub.dates import month_bounds, month_of
from feedhub.feed import slug_for

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from feedhub.feed import Window


# How many earlier documents of a feed a subscriber may hold and still be told only what is new.
HISTORY = 32


class _Entry(NamedTuple):
    """One line of a feed: what its fingerprint needs."""

    published: int
    id: str
    digest: bytes
    updated: int
    size: int


class _State(NamedTuple):
    """A row of `states` without its feed."""

    period: str
    older: str
    newer: str
    length: int
    newest: int | None
    updated: int
    changed_at: int
    fingerprint: str
    content: str


class FeedSync:
    """Recomputes feeds inside the transaction of a sync; returns nothing, counts what changed."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        now: datetime,
        *,
        window: Window,
        archives: bool,
        shape: str,
        generation: int,
    ) -> None:
        self._sql = connection
        self._now = int(now.timestamp())
        self._window = window
        self._archives = archives
        self._shape = shape
        self._generation = generation
        self.changed = 0
        self.changed_feeds: list[tuple[str, str]] = []

    def name_new_feeds(self) -> None:
        """Give addresses to labels that have none: the label of the oldest article comes first."""
        taken: dict[str, set[str]] = {}
        for kind, slug in self._sql.execute("SELECT kind, slug FROM feeds WHERE slug IS NOT NULL"):
            taken.setdefault(kind, set()).add(slug)
        for number, kind, key in self._sql.execute(_UNNAMED).fetchall():
            slugs = taken.setdefault(kind, set())
            slug = slug_for(key, slugs) if key else ""
            slugs.add(slug)
            self._sql.execute("UPDATE feeds SET slug = ? WHERE number = ?", (slug, number))

    def add_site_feed(self) -> None:
        """The feed of everything exists even where there is no article yet."""
        self._sql.execute(
            "INSERT OR IGNORE INTO feeds (kind, key, label, slug) VALUES ('all', '', '', '')"
        )

    def forget_other_shapes(self) -> None:
        """Nobody who holds a document made otherwise can be told only what is new.

        What stays was labelled anew with this generation, like all articles.
        """
        self._sql.execute(_OTHER_SHAPES)
        self._sql.execute("UPDATE history SET generation = ?", (self._generation,))

    def refresh(self, feed: int, months: set[str] | None) -> None:
        """Recompute one feed; `months` are those whose entries moved, None stands for all."""
        before = {row[0]: _State._make(row) for row in self._sql.execute(_STATES_OF, (feed,))}
        entries, beyond = self._subscription(feed)
        periods = self._periods(feed, beyond) if self._archives and beyond is not None else []
        self._put(feed, before, "", entries, (periods[0] if periods else "", ""))
        for place, period in enumerate(periods):
            older = periods[place + 1] if place + 1 < len(periods) else ""
            newer = periods[place - 1] if place else ""
            old = before.get(period)
            # The newest archive ends where the subscription document begins, which moves.
            moved = not newer or months is None or period in months
            if moved or old is None or (old.older, old.newer) != (older, newer):
                rest = self._month(feed, period)[_count_of(entries, period) :]
                self._put(feed, before, period, rest, (older, newer))
        for gone in before.keys() - {"", *periods}:
            self._sql.execute("DELETE FROM states WHERE feed = ? AND period = ?", (feed, gone))

    def _subscription(self, feed: int) -> tuple[list[_Entry], int | None]:
        """Return the entries in the window, and when the first one beyond it was published."""
        entries: list[_Entry] = []
        size = 0
        for row in map(_Entry._make, self._sql.execute(_NEWEST, (feed,))):
            size += row.size
            if entries and not self._has_room(
                len(entries), size, entries[0].published - row.published
            ):
                return entries, row.published
            entries.append(row)
        return entries, None

    def _has_room(self, count: int, size: int, age: int) -> bool:
        """Tell whether one more entry fits, `age` seconds older than the newest."""
        window = self._window
        return size <= window.max_bytes and (count < window.limit or age <= window.days * 86400)

    def _periods(self, feed: int, beyond: int) -> list[str]:
        """Return the months with entries, newest first, from that of an entry at `beyond`.

        One look-up in the index for each month, however many entries it has.
        """
        periods: list[str] = []
        published: int | None = beyond
        while published is not None:
            periods.append(month_of(published))
            start = month_bounds(periods[-1])[0]
            published = self._sql.execute(_NEWEST_BEFORE, (feed, start)).fetchone()[0]
        return periods

    def _month(self, feed: int, period: str) -> list[_Entry]:
        rows = self._sql.execute(_BETWEEN, (feed, *month_bounds(period)))
        return [_Entry._make(row) for row in rows]

    def _put(
        self,
        feed: int,
        before: dict[str, _State],
        period: str,
        entries: Sequence[_Entry],
        beside: tuple[str, str],
    ) -> None:
        """Store a state; only a new fingerprint moves `changed_at` (RFC 9110, 8.8.2)."""
        old = before.get(period)
        updated = max((entry.updated for entry in entries), default=old.updated if old else 0)
        content = _content(entries, OWN)
        fingerprint = self._fingerprint(feed, period, beside, updated, _content(entries))
        if old is not None and old.fingerprint == fingerprint:
            return
        self.changed += 1
        changed_at = updated if old is None else max(self._now, old.changed_at + 1)
        newest = entries[0].published if entries else None
        told = (len(entries), newest, updated, changed_at, fingerprint, content)
        self._sql.execute(_PUT_STATE, (feed, period, *beside, *told))
        if not period:
            self._remember(feed, fingerprint, entries)
            if old is not None and old.content != content:
                self.changed_feeds.append(self._sql.execute(_FEED, (feed,)).fetchone()[:2])

    def _remember(self, feed: int, fingerprint: str, entries: Sequence[_Entry]) -> None:
        """Note what a subscriber of this document knows, for deltas from it (RFC 3229)."""
        last = (entries[-1].published, entries[-1].id) if entries else (None, "")
        self._sql.execute(_PUT_HISTORY, (feed, fingerprint, self._generation, *last))
        self._sql.execute(_PRUNE_HISTORY, (feed, feed, HISTORY))

    def _fingerprint(
        self,
        feed: int,
        period: str,
        beside: tuple[str, str],
        updated: int,
        content: str,
    ) -> str:
        kind, slug, label = self._sql.execute(_FEED, (feed,)).fetchone()
        every = (self._shape, kind, slug, label, period, *beside, updated, content)
        return hashlib.blake2b(repr(every).encode(), digest_size=16).hexdigest()


def _count_of(entries: Iterable[_Entry], period: str) -> int:
    """Return how many entries were published in a month."""
    return sum(month_of(entry.published) == period for entry in entries)


def _content(entries: Iterable[_Entry], size: int | None = None) -> str:
    """Return a digest of what a document tells a subscriber, whatever shapes it.

    Of each entry's digest `size` bytes count: `OWN` leaves out what servers say of its images.
    """
    digest = hashlib.blake2b(digest_size=16)
    for entry in entries:
        digest.update(b"%b\0%b%d\n" % (entry.id.encode(), entry.digest[:size], entry.updated))
    return digest.hexdigest()


_UNNAMED = """
SELECT feeds.number, kind, feeds.key FROM feeds LEFT JOIN labels ON labels.feed = feeds.number
WHERE slug IS NULL GROUP BY feeds.number ORDER BY kind, MIN(published), feeds.key
"""
_STATES_OF = """
SELECT period, older, newer, count, newest, updated, changed_at, fingerprint, content
FROM states WHERE feed = ?
"""
_ENTRIES = """
SELECT labels.published, labels.id, digest, updated, size
FROM labels JOIN articles ON articles.number = labels.article WHERE feed = ?
"""
_ORDER = "ORDER BY labels.published DESC, labels.id"
_NEWEST = f"{_ENTRIES} {_ORDER}"
_BETWEEN = f"{_ENTRIES} AND labels.published >= ? AND labels.published < ? {_ORDER}"
_NEWEST_BEFORE = "SELECT MAX(published) FROM labels WHERE feed = ? AND published < ?"
_PUT_STATE = "INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_HISTORY = "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?, ?)"
_PRUNE_HISTORY = """
DELETE FROM history WHERE feed = ? AND generation NOT IN
    (SELECT generation FROM history WHERE feed = ? ORDER BY generation DESC LIMIT ?)
"""
_OTHER_SHAPES = """
DELETE FROM history WHERE fingerprint NOT IN
    (SELECT fingerprint FROM states WHERE states.feed = history.feed AND period = '')
"""
_FEED = "SELECT kind, slug, label FROM feeds WHERE number = ?"
