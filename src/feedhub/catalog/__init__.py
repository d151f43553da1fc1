"""The catalog: what is published, in which feeds, and since when; it can always be made again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feedhub.catalog.database import (
    BUSY_SECONDS,
    TABLES,
    connect,
    connect_to_kept,
    leave_readable,
    transaction,
)
from feedhub.catalog.feeds import FeedSync
from feedhub.catalog.images import Images, ImageSync
from feedhub.catalog.pings import Ping, Pings, Waiting
from feedhub.catalog.reading import Reading, Settings
from feedhub.catalog.sync import ArticleSync
from feedhub.errors import CatalogError, ShrinkError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from feedhub.errors import Problem
    from feedhub.sources import Source

__all__ = [
    "Accept",
    "Catalog",
    "Changes",
    "Ping",
    "Settings",
    "Waiting",
    "accept_all",
    "leave_readable",
    "refuse_shrinking",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What one sync found.

    Files by state; how many were rejected (some stay shown in an earlier version), how many were
    read, how many feed states changed; every problem of every file; and kind and slug of each feed
    that was there before and now tells its subscribers something else.
    """

    states: dict[str, int]
    rejected: int
    read: int
    changed: int
    problems: tuple[Problem, ...]
    changed_feeds: tuple[tuple[str, str], ...] = ()

    @property
    def articles(self) -> int:
        """How many files there are."""
        return sum(self.states.values())

    @property
    def published(self) -> int:
        """How many articles are published."""
        return self.states.get("shown", 0)


Accept = Callable[[Changes, int], object]
"""Looks at what a sync found, and at how many articles were published before; may raise."""


def accept_all(changes: Changes, before: int) -> None:
    """Nothing is refused."""


def refuse_shrinking(changes: Changes, before: int) -> None:
    """Raise ShrinkError where nothing, or less than half of what was published, is left."""
    if changes.published == 0:
        found = f"none of {changes.articles} files can be published"
        advice = "--allow-shrink writes empty feeds"
    elif changes.published * 2 < before:
        found = f"only {changes.published} of {before} articles are left"
        advice = "--allow-shrink publishes what is left"
    else:
        return
    raise ShrinkError(f"{found}; the old output stays ({advice})", changes.problems)


class Catalog(Reading):
    """The catalog at a place, or in memory where `path` is None. Raises CatalogError.

    With `read_only` another process writes it; then only what looks at it may be called. With
    `kept` another process keeps it: then it is there already, and only notes and pings are written.
    """

    def __init__(self, place: Path | None, *, read_only: bool = False, kept: bool = False) -> None:
        there = place is not None and (read_only or kept)
        self._sql = connect_to_kept(place, write=kept) if there and place else connect(place)
        self._place = place

    @property
    def pings(self) -> Pings:
        """What a hub is still to be told."""
        return Pings(self._sql, self._guard)

    @property
    def images(self) -> Images:
        """What servers of images say of them."""
        return Images(self._sql, self._guard)

    def close(self) -> None:
        """Let go of the file."""
        self._sql.close()

    def follow_fork(self, generation: int) -> None:
        """Be usable in a process that was forked from the one that opened the catalog, to read.

        Raises CatalogError where there is no file, or another generation by now.
        """
        # SQLite: a connection must not be used on the other side, nor be closed.
        self._of_parent = self._sql
        if self._place is None:
            raise CatalogError("a catalog in memory has no second reader")
        self._sql = connect_to_kept(self._place, write=False)
        self._sql.execute("BEGIN DEFERRED")
        if self.generation() != generation:
            raise CatalogError(f"{self._place}: the catalog has changed meanwhile")

    def sync(
        self,
        source: Source,
        settings: Settings,
        now: datetime,
        on_progress: Callable[[], object] = lambda: None,
        accept: Accept = accept_all,
        *,
        processes: int = 1,
    ) -> Changes:
        """Bring the catalog up to the source as it is to be shown at `now`; all or nothing.

        Waits for another process that does the same. Files are read by so many processes.
        `on_progress` is called for each file of the source. What `accept` raises leaves the catalog
        as it was.
        """
        with self._guard(), transaction(self._sql):
            before = self.count()
            changes = self._sync(source, settings, now, on_progress, processes)
            accept(changes, before)
        self._truncate_log()
        return changes

    def _truncate_log(self) -> None:
        """Empty the log, which holds withdrawn texts; a reader in the way is not waited for."""
        with self._guard():
            self._sql.execute("PRAGMA busy_timeout = 0")
            self._sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._sql.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")

    def _sync(
        self,
        source: Source,
        settings: Settings,
        now: datetime,
        on_progress: Callable[[], object],
        processes: int,
    ) -> Changes:
        self._separate(settings)
        signature, shape = source.signature, repr(settings)
        reread, reshape = self._meta("source") != signature, self._meta("shape") != shape
        generation = self.generation() + 1
        articles = ArticleSync(
            self._sql, source, now, kinds=settings.labelled, generation=generation
        )
        articles.run(reread=reread, relabel=reshape, processes=processes, on_progress=on_progress)
        ImageSync(self._sql, generation).run(articles.touched)
        feeds = FeedSync(
            self._sql,
            now,
            window=settings.window,
            archives=settings.archives,
            shape=settings.shape,
            generation=generation,
        )
        feeds.add_site_feed()
        feeds.name_new_feeds()
        touched = articles.touched
        moved = self._select(settings, generation, touched, anew=reread or reshape)
        for feed in self._shown_feeds(settings) if reshape or settings.indexed else touched:
            if reshape or feed in touched:
                feeds.refresh(feed, None if reshape else touched[feed])
        if reshape:
            feeds.forget_other_shapes()
        self._put_meta(source=signature, shape=shape)
        if feeds.changed or reshape or moved:
            self._put_meta(generation=str(generation), moved=self._moment_of_change(now))
        return Changes(
            states=dict(self._sql.execute("SELECT state, count(*) FROM articles GROUP BY state")),
            rejected=self._number("SELECT count(*) FROM articles WHERE rejected"),
            read=articles.read,
            changed=feeds.changed,
            problems=articles.problems(),
            changed_feeds=tuple(feeds.changed_feeds),
        )

    def _select(
        self, settings: Settings, generation: int, touched: dict[int, set[str]], *, anew: bool
    ) -> bool:
        """Bring up to date what selections look into, and those that are feeds.

        Adds the months of their feeds to `touched`; tells whether a search may answer otherwise.
        """
        kept = anew and self._number("SELECT EXISTS (SELECT 1 FROM searched)")
        if not (settings.indexed or kept):
            return False
        from feedhub.catalog.custom import CustomSync  # a render without selections needs neither
        from feedhub.catalog.search_index import SearchIndexSync

        index = SearchIndexSync(self._sql, wordy=settings.wordy, anew=anew)
        if settings.indexed:
            index.run()
        selections = CustomSync(self._sql, generation)
        if anew or index.moved:
            selections.run(settings.named)
        for feed, months in selections.touched.items():
            touched.setdefault(feed, set()).update(months)
        return index.moved and settings.indexed

    def _shown_feeds(self, settings: Settings) -> list[int]:
        """Return the feeds that are published; others may be there for selections."""
        rows = self._sql.execute("SELECT number, kind FROM feeds").fetchall()
        return [number for number, kind in rows if kind in settings.shown]

    def _moment_of_change(self, now: datetime) -> str:
        """Return the present, later than what was noted; in a fresh catalog the newest update."""
        known = self._meta("moved")
        if known is not None:
            return str(max(int(now.timestamp()), int(known) + 1))
        newest = "SELECT MAX(updated) FROM articles WHERE state = 'shown'"
        return str(self._sql.execute(newest).fetchone()[0] or 0)

    def _separate(self, settings: Settings) -> None:
        """Keep drafts and the public site apart: a catalog that held the one is emptied first."""
        private, generation = str(settings.private), self._meta("generation")
        if self._meta("private") not in (None, private):
            for table in TABLES:
                self._sql.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        self._put_meta(private=private, generation=generation or "0")

    def _put_meta(self, **values: str) -> None:
        self._sql.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def note(self, **texts: str) -> None:
        """Keep texts beside the articles, in the transaction of a sync if one is under way."""
        if self._sql.in_transaction:
            self._put_meta(**texts)
            return
        with self._guard(), transaction(self._sql):
            self._put_meta(**texts)

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
