"""The catalog: what is published, in which feeds, and since when; it can always be made again."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from feedhub.catalog.feeds import FeedSync
from feedhub.catalog.months import month_bounds
from feedhub.catalog.records import decode_article
from feedhub.catalog.store import BUSY_SECONDS, TABLES, connect, transaction
from feedhub.catalog.sync import ArticleSync
from feedhub.errors import CatalogError
from feedhub.feed import FeedState, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from feedhub.article import Article
    from feedhub.errors import Problem
    from feedhub.sources import Source

__all__ = ["Catalog", "Changes", "Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What shapes feeds besides the articles.

    `shape` stands for everything else that documents are made with. `private` is true where
    unpublished articles are let in: such a catalog is never mixed with a public one.
    """

    kinds: tuple[str, ...]
    window: Window
    archives: bool
    shape: str
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What one sync found.

    Files by state; how many were rejected (some stay shown in an earlier version), how many were
    read, how many feed states changed; and every problem of every file.
    """

    states: dict[str, int]
    rejected: int
    read: int
    changed: int
    problems: tuple[Problem, ...]

    @property
    def articles(self) -> int:
        """How many files there are."""
        return sum(self.states.values())


class Catalog:
    """The catalog at a place, or in memory where `place` is None. Raises CatalogError."""

    def __init__(self, place: Path | None) -> None:
        self._sql = connect(place)
        self._place = place

    def close(self) -> None:
        """Let go of the file."""
        self._sql.close()

    def sync(
        self,
        source: Source,
        settings: Settings,
        now: datetime,
        step: Callable[[], object] = lambda: None,
    ) -> Changes:
        """Bring the catalog up to the source as it is to be shown at `now`; all or nothing.

        Waits for another process that does the same. `step` is called for each file of the source.
        """
        with self._guard(), transaction(self._sql):
            changes = self._sync(source, settings, now, step)
        self._truncate_log()
        return changes

    def _truncate_log(self) -> None:
        """Empty the log, which holds withdrawn texts; a reader in the way is not waited for."""
        with self._guard():
            self._sql.execute("PRAGMA busy_timeout = 0")
            self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._sql.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")

    def _sync(
        self, source: Source, settings: Settings, now: datetime, step: Callable[[], object]
    ) -> Changes:
        self._separate(settings)
        signature, shape = source.signature, repr(settings)
        reread, reshape = self._meta("source") != signature, self._meta("shape") != shape
        articles = ArticleSync(self._sql, source, now, settings.kinds)
        articles.run(reread=reread, relabel=reshape, step=step)
        feeds = FeedSync(
            self._sql,
            now,
            window=settings.window,
            archives=settings.archives,
            shape=settings.shape,
        )
        feeds.add_site_feed()
        feeds.name_new_feeds()
        everything = [row[0] for row in self._sql.execute("SELECT number FROM feeds")]
        for feed in everything if reshape else articles.touched.months:
            feeds.refresh(feed, None if reshape else articles.touched.months[feed])
        self._put_meta(source=signature, shape=shape)
        return Changes(
            states=dict(self._sql.execute("SELECT state, count(*) FROM articles GROUP BY state")),
            rejected=self._number("SELECT count(*) FROM articles WHERE rejected"),
            read=articles.read,
            changed=feeds.changed,
            problems=articles.problems(),
        )

    def _separate(self, settings: Settings) -> None:
        """Keep drafts and the public site apart: a catalog that held the one is emptied first."""
        private = str(settings.private)
        if self._meta("private") not in (None, private):
            for table in TABLES:
                self._sql.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        self._put_meta(private=private)

    def _number(self, query: str) -> int:
        return int(self._sql.execute(query).fetchone()[0])

    def _meta(self, key: str) -> str | None:
        row = self._sql.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row and str(row[0])

    def _put_meta(self, **values: str) -> None:
        self._sql.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise CatalogError(f"{self._place}: the catalog cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            advice = "delete it; the next run makes it again"
            raise CatalogError(f"{self._place}: the catalog is damaged: {advice}") from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold still: whatever is asked within sees one state, though another process writes."""
        with self._guard(), transaction(self._sql, "DEFERRED"):
            yield

    def count(self) -> int:
        """Return how many articles are published."""
        return self._number("SELECT count(*) FROM articles WHERE state = 'shown'")

    def feeds(self, kinds: tuple[str, ...]) -> list[FeedState]:
        """Return every state of every feed of these kinds, in order of kind, slug and period."""
        rows = self._sql.execute(_FEEDS)
        wanted = [_feed_state(row) for row in rows if row[0] in kinds]
        return sorted(wanted, key=lambda state: (kinds.index(state.kind), state.slug, state.period))

    def entries(self, state: FeedState) -> list[int]:
        """Return the numbers of a feed's articles, newest first, as many as its state says."""
        feed = (state.kind, state.slug)
        if state.period:
            rows = self._sql.execute(_MONTH, (*feed, *month_bounds(state.period)))
        else:
            rows = self._sql.execute(_NEWEST, (*feed, state.count))
        return [row[0] for row in rows]

    def article(self, number: int) -> Article:
        """Return one article by its number."""
        row = self._sql.execute("SELECT record FROM records WHERE number = ?", (number,)).fetchone()
        return decode_article(row[0])

    def articles(self) -> Iterator[tuple[str, Article]]:
        """Yield every published article with its path, in order of path."""
        for path, record in self._sql.execute(_ARTICLES):
            yield path, decode_article(record)

    def next_due(self) -> datetime | None:
        """Return when the first file must be read again though nothing changed, or None."""
        row = self._sql.execute("SELECT MIN(due) FROM articles").fetchone()
        return None if row[0] is None else _moment(row[0])

    def outputs(self, root: str) -> dict[str, tuple[str, str]]:
        """Return what was last written below `root`: path -> (fingerprint, stamp)."""
        rows = self._sql.execute(
            "SELECT path, fingerprint, stamp FROM outputs WHERE root = ?", (root,)
        )
        return {path: (fingerprint, stamp) for path, fingerprint, stamp in rows}

    def remember_outputs(self, root: str, outputs: dict[str, tuple[str, str]]) -> None:
        """Replace what is remembered of `root` by what differs in `outputs`."""
        known = self.outputs(root)
        gone = [(root, path) for path in known.keys() - outputs.keys()]
        new = [(root, path, *row) for path, row in outputs.items() if known.get(path) != row]
        if gone or new:
            with self._guard(), transaction(self._sql):
                self._sql.executemany("DELETE FROM outputs WHERE root = ? AND path = ?", gone)
                self._sql.executemany("INSERT OR REPLACE INTO outputs VALUES (?, ?, ?, ?)", new)


_ARTICLES = """
SELECT path, record FROM articles JOIN records USING (number) WHERE state = 'shown' ORDER BY path
"""
_FEEDS = """
SELECT kind, slug, label, period, older, newer, count, newest, updated, changed_at, fingerprint
FROM states JOIN feeds ON feeds.number = states.feed
"""
_OF_FEED = """
SELECT article FROM labels JOIN feeds ON feeds.number = labels.feed WHERE kind = ? AND slug = ?
"""
_NEWEST = f"{_OF_FEED} ORDER BY published DESC, id LIMIT ?"
_MONTH = f"{_OF_FEED} AND published >= ? AND published < ? ORDER BY published DESC, id"


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
        newest=None if newest is None else _moment(newest),
        updated=_moment(updated),
        changed_at=_moment(changed_at),
        fingerprint=print_,
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
