"""What each touched feed holds now: its address, its window, its archives, their fingerprints."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from feedhub.catalog.database import Database, upsert
from feedhub.catalog.records import FILE_DIGEST_BYTES
from feedhub.dates import month_bounds, month_of
from feedhub.feed import Window, feed_path
from feedhub.fingerprint import fingerprint, named_values
from feedhub.kinds import LABEL_KINDS, PER_LABEL_KINDS
from feedhub.messages import translation_digest

if TYPE_CHECKING:  # a render without selections does not import it
    from feedhub.selection import NamedSelection

# How many earlier documents of a feed a delta may start from (RFC 3229).
MAX_HISTORY = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What shapes feeds besides the articles.

    `shape` is a fingerprint of everything else that documents depend on, `plan` one of what decides
    which documents there are, `headers` one of what header fields depend on, `messages` one of the
    messages in all languages, of which the fingerprint of a feed covers its own. `authority` is
    that of all ids, `language` that of articles which state none. With `unique_addresses` one of
    several articles with the same address is published. `private` is true where unpublished
    articles are let in: such a catalog is never mixed with a public one. `named` are the selections
    that are feeds; `searched` and `stories` tell whether a server offers searches or stories. A
    feed without articles is retired after `keep_empty` days. A feed of a label has archives from
    `archive_from` articles on; those of the kinds and at the paths in `archived` always.
    """

    kinds: tuple[str, ...]
    window: Window
    archives: bool
    shape: str
    plan: str = ""
    headers: str = ""
    messages: str = ""
    authority: str = ""
    language: str = ""
    unique_addresses: bool = True
    private: bool = False
    named: tuple[NamedSelection, ...] = ()
    stories: bool = False
    searched: bool = False
    keep_empty: int = 30
    archive_from: int = 1
    archived: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What stands for these settings in the catalog."""
        window = named_values(
            limit=self.window.limit, days=self.window.days, max_bytes=self.window.max_bytes
        )
        named = []
        if self.named:
            from feedhub.selection import canonical_query

            named = [(row.name, row.title, canonical_query(row.selection)) for row in self.named]
        return fingerprint(
            named_values(
                kinds=self.kinds,
                window=window,
                archives=self.archives,
                shape=self.shape,
                plan=self.plan,
                headers=self.headers,
                messages=self.messages,
                authority=self.authority,
                language=self.language,
                unique_addresses=self.unique_addresses,
                private=self.private,
                named=named,
                stories=self.stories,
                searched=self.searched,
                keep_empty=self.keep_empty,
                archive_from=self.archive_from,
                archived=self.archived,
            )
        )

    @property
    def has_search_index(self) -> bool:
        """Whether the catalog has a search index, which selections and stories need."""
        return self.searched or self.stories or bool(self.named)

    @property
    def published_kinds(self) -> tuple[str, ...]:
        """The kinds of feeds that are published."""
        return (*self.kinds, *(["custom"] if self.named else []))

    @property
    def label_kinds(self) -> tuple[str, ...]:
        """The kinds of labels that are stored; a selection may name any."""
        return LABEL_KINDS if self.searched or self.named else self.kinds

    @property
    def index_text(self) -> bool:
        """Whether selections may look for words."""
        return self.searched or any(named.selection.terms for named in self.named)


class FeedEntry(NamedTuple):
    """An article in a feed, as far as its window and its fingerprint need it."""

    published: int
    id: str
    digest: bytes
    updated: int
    size: int


class StoredState(NamedTuple):
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
    """Computes feeds anew inside the transaction of a sync.

    `silent` tells that the configuration or the code changed what documents say: that is no update.
    `changed` counts the states that changed; `changed_states` are kind, slug and period of these
    and of the archives that are gone. `changed_feeds` are kind and slug of the feeds that existed
    before and have other content now.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        now: datetime,
        generation: int,
        *,
        silent: bool,
    ) -> None:
        self._database = database
        self._settings = settings
        self._silent = silent
        self._now = int(now.timestamp())
        self._generation = generation
        self.changed = 0
        self.changed_states: list[tuple[str, str, str]] = []
        self.changed_feeds: list[tuple[str, str]] = []

    def refresh_all(
        self, touched: Mapping[int, set[str]], respelled: Collection[int], *, reshape: bool
    ) -> None:
        """Compute the feeds anew whose months are touched, or all with other settings.

        A feed whose label is spelled differently now has another title in every document.
        """
        feeds: Collection[int] = touched.keys()
        if (
            reshape or self._settings.has_search_index
        ):  # then there may be feeds that are not published
            rows = self._database.iterate("SELECT number, kind FROM feeds WHERE slug IS NOT NULL")
            shown = {number for number, kind in rows if kind in self._settings.published_kinds}
            feeds = shown if reshape else shown & touched.keys()
        for feed in sorted(feeds):
            self.refresh(feed, None if reshape or feed in respelled else touched[feed])
        if reshape:
            # No delta may start from a document that was made with other settings. The articles of
            # the others were labelled anew with this generation.
            self._database.execute(_DELETE_OTHER_SHAPES)
            self._database.execute("UPDATE history SET generation = ?", (self._generation,))

    def refresh(self, feed: int, months: set[str] | None) -> None:
        """Compute one feed anew; `months` are those whose entries moved, None stands for all."""
        rows = self._database.fetch_all(_STATES_OF, (feed,))
        before = {row[0]: StoredState._make(row) for row in rows}
        entries, beyond = self._subscription(feed)
        periods: list[str] = []
        if beyond is not None and self._has_archives(feed):
            periods = self._periods(feed, beyond)
        self._put(feed, before, "", entries, (periods[0] if periods else "", ""))
        for index, period in enumerate(periods):
            older = periods[index + 1] if index + 1 < len(periods) else ""
            newer = periods[index - 1] if index else ""
            old = before.get(period)
            # The newest archive ends where the subscription document begins, which moves.
            moved = not newer or months is None or period in months
            if moved or old is None or not old.length or (old.older, old.newer) != (older, newer):
                bounds = month_bounds(period)
                month = self._database.iterate(_BETWEEN, (feed, *bounds))
                subscribed = sum(month_of(entry.published) == period for entry in entries)
                archived = [FeedEntry._make(row) for row in month][subscribed:]
                self._put(feed, before, period, archived, (older, newer))
        for gone in before.keys() - {"", *periods}:
            if before[gone].length:
                kind, slug, _ = self._database.fetch_all(_FEED, (feed,))[0]
                self.changed_states.append((kind, slug, gone))
            self._database.execute(_EMPTY_ARCHIVE, (self._generation, feed, gone))

    def _subscription(self, feed: int) -> tuple[list[FeedEntry], int | None]:
        """Return the entries in the window, and when the first one beyond it was published."""
        window = self._settings.window
        entries: list[FeedEntry] = []
        size = 0
        for entry in map(FeedEntry._make, self._database.iterate(_NEWEST, (feed,))):
            size += entry.size
            if entries:  # the newest is in the window, however large it is
                age = entries[0].published - entry.published
                recent = len(entries) < window.limit or age <= window.days * 86_400
                if size > window.max_bytes or not recent:
                    return entries, entry.published
            entries.append(entry)
        return entries, None

    def _has_archives(self, feed: int) -> bool:
        """Return whether articles beyond the window stand in archives.

        Those of a label with few articles would be many documents of hardly any content.
        """
        settings = self._settings
        kind, slug, _ = self._database.fetch_all(_FEED, (feed,))[0]
        if not settings.archives or kind not in PER_LABEL_KINDS:
            return settings.archives
        if kind in settings.archived or feed_path(kind, slug) in settings.archived:
            return True
        return bool(self._database.fetch_value(_HAS_ARTICLES, (feed, settings.archive_from - 1)))

    def _periods(self, feed: int, beyond: int) -> list[str]:
        """Return the months with entries, newest first, from that of an entry at `beyond`.

        That is one look-up in the index for each month, however many entries it has.
        """
        periods: list[str] = []
        published: int | None = beyond
        while published is not None:
            periods.append(month_of(published))
            start = month_bounds(periods[-1])[0]
            published = self._database.fetch_value(_NEWEST_BEFORE, (feed, start))
        return periods

    def _put(
        self,
        feed: int,
        before: dict[str, StoredState],
        period: str,
        entries: Sequence[FeedEntry],
        neighbours: tuple[str, str],
    ) -> None:
        """Store a state; only a new fingerprint moves `changed_at` (RFC 9110, 8.8.2).

        The feed's own date, `updated`, moves with its content and never goes back (RFC 4287,
        4.2.15). It is that of its newest update, which is the same in each catalog, unless that
        stays behind what readers have: then it is now.
        """
        old = before.get(period)
        kind, slug, label = self._database.fetch_all(_FEED, (feed,))[0]
        content = fingerprint(label, content_digest(entries, FILE_DIGEST_BYTES))
        updated = max((entry.updated for entry in entries), default=0)
        if old is not None and updated <= old.updated:
            same = self._silent or old.content == content
            later = max(self._now, old.changed_at + 1, old.updated + 1)
            updated = old.updated if same else later
        parts = (self._settings.shape, kind, slug, label, period, *neighbours, updated)
        # The texts of such a feed are in its own language.
        texts = [version] if kind == "language" and (version := translation_digest(label)) else []
        new_fingerprint = fingerprint(*parts, content_digest(entries), *texts)
        if old is not None and old.fingerprint == new_fingerprint:
            return
        self.changed += 1
        self.changed_states.append((kind, slug, period))
        # Last-Modified has whole seconds: two versions of a document never share one.
        changed_at = updated if old is None else max(self._now, old.changed_at + 1)
        newest = entries[0].published if entries else None
        state = StoredState(
            period, *neighbours, len(entries), newest, updated, changed_at, new_fingerprint, content
        )
        self._database.execute(_PUT_STATE, (feed, *state, self._generation))
        if not period:
            last = (entries[-1].published, entries[-1].id) if entries else (None, "")
            self._database.execute(_PUT_HISTORY, (feed, new_fingerprint, self._generation, *last))
            self._database.execute(_PRUNE_HISTORY, (feed, feed, MAX_HISTORY))
            if old is not None and old.content != content:
                self.changed_feeds.append((kind, slug))


def content_digest(entries: Iterable[FeedEntry], size: int | None = None) -> str:
    """Return a digest of the content of a document, which does not depend on its shape.

    Of each entry's digest `size` bytes count: FILE_DIGEST_BYTES leaves out the facts about
    its images.
    """
    digest = hashlib.blake2b(digest_size=16)
    for entry in entries:
        digest.update(b"%b\0%b%d\n" % (entry.id.encode(), entry.digest[:size], entry.updated))
    return digest.hexdigest()


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
_PUT_STATE = upsert(
    "states",
    "feed period",
    "older newer count newest updated changed_at fingerprint content generation",
)
# It is listed no more, but its dates must not go back when it returns.
_EMPTY_ARCHIVE = """
UPDATE states SET count = 0, content = '', fingerprint = '', generation = ?
WHERE feed = ? AND period = ?
"""
_PUT_HISTORY = upsert("history", "feed fingerprint", "generation published id")
_PRUNE_HISTORY = """
DELETE FROM history WHERE feed = ? AND generation NOT IN
    (SELECT generation FROM history WHERE feed = ? ORDER BY generation DESC LIMIT ?)
"""
_DELETE_OTHER_SHAPES = """
DELETE FROM history WHERE fingerprint NOT IN
    (SELECT fingerprint FROM states WHERE states.feed = history.feed AND period = '')
"""
_HAS_ARTICLES = "SELECT EXISTS (SELECT 1 FROM labels WHERE feed = ? LIMIT 1 OFFSET ?)"
_FEED = "SELECT kind, slug, label FROM feeds WHERE number = ?"
