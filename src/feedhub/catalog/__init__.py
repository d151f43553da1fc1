"""The catalog: what is published, in which feeds, and since when; it can always be made again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from feedhub.article import Article
from feedhub.catalog.address_changes import AddressChanges, AddressWatch
from feedhub.catalog.assets import Assets
from feedhub.catalog.database import CatalogAddress, Database, is_address, name_of, upsert
from feedhub.catalog.feeds import Settings
from feedhub.catalog.images import Images, with_facts
from feedhub.catalog.index_documents import IndexDocument, IndexDocuments
from feedhub.catalog.ledger import (
    Ledger,
    LedgerStamp,
    read_ledger,
    write_ledger,
)
from feedhub.catalog.queue import Change, ChangeQueue, QueueStatus, clear_others, release
from feedhub.catalog.records import address_digest, decode_article
from feedhub.catalog.state import (
    CatalogRecord,
    FeedCounts,
    Identity,
    R,
    ReceiverState,
    StoredConfig,
    SyncReport,
    SyncState,
    read_record,
    write_record,
)
from feedhub.catalog.sync import (
    Accept,
    Changes,
    accept_all,
    refuse_shrinking,
    sync_catalog,
)
from feedhub.dates import from_timestamp, month_bounds, month_of
from feedhub.errors import CatalogError, NoCatalogError
from feedhub.feed import FeedState
from feedhub.fingerprint import digest
from feedhub.kinds import KINDS, PER_LABEL_KINDS
from feedhub.sources import Source

if TYPE_CHECKING:  # a render without selections does not import them
    from feedhub.catalog.search import Match
    from feedhub.selection import Selection

__all__ = [
    "Accept",
    "AddressChanges",
    "AddressWatch",
    "Catalog",
    "CatalogAddress",
    "CatalogFollower",
    "Change",
    "ChangeQueue",
    "Changes",
    "FeedCounts",
    "Identity",
    "IndexDocument",
    "Ledger",
    "ListedFeed",
    "QueueStatus",
    "ReceiverState",
    "Settings",
    "StoredConfig",
    "SyncReport",
    "SyncState",
    "accept_all",
    "is_address",
    "leave_readable",
    "name_of",
    "refuse_shrinking",
]

# A revision of which no ledger is.
NOT_NAMED = -2
# How many seconds one search may hold up all others.
SEARCH_TIMEOUT = 2.0
# More changed feeds are not named one by one.
MAX_CHANGED = 10_000
# Before every year that a date may have.
FIRST_SECOND = -(2**40)


class ListedFeed(NamedTuple):
    """A feed that lists name, and how many articles it has, those beyond its document included."""

    state: FeedState
    articles: int


class Catalog:
    """The catalog at `address`, made if there is none, or one in memory where that is None.

    A damaged one is made anew after `on_damage`. Every method may raise CatalogError.
    """

    def __init__(
        self,
        address: CatalogAddress | None,
        database: Database | None = None,
        *,
        on_damage: Callable[[], object] = lambda: None,
    ) -> None:
        if database is None:
            database = Database.open(address, on_damage) if address else Database.open_in_memory()
        self._address = address
        self._database = database
        self.images = Images(database)
        self.indexes = IndexDocuments(database)
        self.assets = Assets(database, address)
        # The revision of which the ledger is, and the ids of the articles that changed since.
        self._not_in_ledger: tuple[int, frozenset[str]] | None = None

    @classmethod
    def open_existing(cls, address: CatalogAddress, *, read_only: bool) -> Catalog:
        """Open the catalog that another process writes; without `read_only`, to add notes to it.

        Raises CatalogError where there is none, or one of another version.
        """
        return cls(address, Database.open_existing(address, read_only=read_only))

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def remove(self) -> None:
        """Remove the file, which is damaged, unless another process has done so."""
        self._database.remove()

    def is_lost(self) -> bool:
        """Return whether the connection has ended, so that the catalog must be opened anew."""
        return self._database.is_lost()

    def identity(self) -> object:
        """Return what is another where another database has taken the place of this one."""
        return self._database.identity()

    def take_lead(self) -> bool:
        """Return whether this process may follow the source; of several, one may."""
        return self._database.take_lead()

    def share_snapshot(self) -> tuple[int, object]:
        """Return what `follow_fork` needs to see the snapshot that this process holds."""
        return self.generation(), self._database.share_snapshot()

    def follow_fork(self, shared: tuple[int, object]) -> None:
        """Become usable, to read, in a process that was forked from the one that opened it.

        Raises CatalogError where there is no database, or another generation by now.
        """
        generation, snapshot = shared
        self._database.reopen_in_fork(snapshot)
        if self.generation() != generation:
            raise CatalogError("the catalog has changed meanwhile")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one state of the catalog, though another process writes."""
        with self._database.snapshot():
            yield

    def version(self) -> int:
        """Return a number that changes when another process has written."""
        return self._database.data_version()

    # Writing

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything within or, if something is raised, nothing; other writers wait."""
        before = self._not_in_ledger
        try:
            with self._database.transaction():
                yield
        except BaseException:
            self._not_in_ledger = before  # what was taken back has changed nothing
            raise
        self._database.truncate_log()

    def watch_addresses(self) -> AddressWatch:
        """Note from now on, inside a transaction, which addresses of articles change."""
        return AddressWatch(self._database)

    def changes(self, receiver: str) -> ChangeQueue:
        """Return the queue of what a receiver, such as `hub`, must be told of."""
        return ChangeQueue(self._database, receiver)

    def release_changes(self, now: float) -> None:
        """Release what all queues hold back: the change can be fetched since a Unix time."""
        release(self._database, now)

    def clear_changes_of_others(self, receivers: Collection[str]) -> None:
        """Empty the queues of all receivers but these."""
        clear_others(self._database, receivers)

    def sync(
        self,
        source: Source,
        settings: Settings,
        now: datetime,
        on_progress: Callable[[], object] = lambda: None,
        *,
        paths: Collection[str] | None = None,
        processes: int = 1,
        accept_new_ids: bool = False,
        ledger: Ledger | None = None,
    ) -> Changes:
        """Bring the articles and feeds up to the source as it is to be shown at `now`.

        Call it in a transaction. `paths` are the files that may have changed since the last sync,
        None stands for all. Files are read by up to `processes` processes; `on_progress` is
        called for each file of the source. A new catalog takes over `ledger`. Raises NewIdsError if
        the ids of published articles would change, unless `accept_new_ids`.
        """
        revision = self.read(SyncState).revision
        changes = sync_catalog(
            self._database,
            source,
            settings,
            now,
            on_progress,
            paths=paths,
            processes=processes,
            accept_new_ids=accept_new_ids,
            ledger=ledger,
        )
        before, changed = self._not_in_ledger or (revision, frozenset())
        if changes.changed_ids is None:
            before, changed = NOT_NAMED, frozenset()
        self._not_in_ledger = (before, changed | (changes.changed_ids or frozenset()))
        return changes

    def read_ledger(self, path: Path, on_damage: Callable[[], object]) -> Ledger | None:
        """Return the ledger at `path` if this catalog is new and can take it over.

        `on_damage` is called for a damaged one, which is ignored. Raises OutputError.
        """
        return None if self.generation() else read_ledger(path, on_damage)

    def write_ledger(self, path: Path) -> None:
        """Bring the ledger at `path` up to the catalog, which costs little if no sync changed it.

        Raises OutputError.
        """
        root = os.path.realpath(path)
        known = LedgerStamp.parse(*self.outputs(root).get("", ("", "")))
        before, changed = self._not_in_ledger or (known.revision, frozenset())
        stamp = write_ledger(self._database, path, known, before, changed)
        self._not_in_ledger = None
        if stamp != known:
            self.remember_outputs(root, {"": (str(stamp), stamp.checksum)})

    def write(self, record: CatalogRecord) -> None:
        """Replace the record of this kind, in the transaction of a sync if one is under way."""
        with self._database.transaction():
            write_record(self._database, record)

    def remember_outputs(self, root: str, outputs: dict[str, tuple[str, str]]) -> None:
        """Replace what is remembered of `root` by what differs in `outputs`."""
        known = self.outputs(root)
        gone = [(root, path) for path in known.keys() - outputs.keys()]
        new = [(root, path, *row) for path, row in outputs.items() if known.get(path) != row]
        if gone or new:
            with self._database.transaction():
                self._database.execute_many(_DELETE_OUTPUT, gone)
                self._database.execute_many(_PUT_OUTPUT, new)

    # What the last sync left

    def read(self, kind: type[R]) -> R:
        """Return the record of this kind, or one of defaults."""
        return read_record(self._database, kind)

    def generation(self) -> int:
        """Return how many syncs have changed a feed."""
        return self.read(SyncState).generation

    def changed_at(self) -> datetime:
        """Return when what can be searched changed, at least a second after the change before."""
        return from_timestamp(self.read(SyncState).changed_at or 0)

    def matches(self, settings: Settings) -> bool:
        """Return whether the last sync had these settings, so that fingerprints stand for bytes.

        Another version of feedhub may have made the tables anew while the catalog was open.
        """
        if not self._database.has_our_tables():
            return False
        return self.read(SyncState).settings_fingerprint == settings.fingerprint

    def next_due(self) -> datetime | None:
        """Return when time alone changes something, or None.

        Then the first file must be read again, or the first empty feed is retired.
        """
        due = self._database.fetch_value(_NEXT_DUE)
        return None if due is None else from_timestamp(due)

    def outputs(self, root: str) -> dict[str, tuple[str, str]]:
        """Return what was last written below `root`: path -> (fingerprint, stamp)."""
        rows = self._database.iterate(_OUTPUTS, (root,))
        return {path: (fingerprint, stamp) for path, fingerprint, stamp in rows}

    # Feeds

    def feeds(self, kinds: tuple[str, ...]) -> list[FeedState]:
        """Return every state of every feed of these kinds, in order of kind, slug and period."""
        rows = self._database.iterate(_FEEDS)
        wanted = [_feed_state(row) for row in rows if row[0] in kinds]
        return sorted(wanted, key=lambda feed: (kinds.index(feed.kind), feed.slug, feed.period))

    def state(self, kind: str, slug: str, period: str = "") -> FeedState | None:
        """Return the state of a feed, or of the archive of a month; None if there is none."""
        row = self._database.fetch_one(_ONE_FEED, (kind, slug, period))
        return _feed_state(row) if row else None

    def states_of(self, kind: str, slug: str) -> list[FeedState]:
        """Return the states of a feed and of its archives, in order of period."""
        rows = self._database.iterate(_STATES_OF_FEED, (kind, slug))
        return sorted(map(_feed_state, rows), key=lambda state: state.period)

    def listed(self, kinds: tuple[str, ...]) -> list[ListedFeed]:
        """Return the feeds that lists name, in order of kind and slug.

        No archives: most states are of them.
        """
        found = []
        for kind in kinds:
            rows = self._database.iterate(_OF_KIND, (kind,))
            feeds = (ListedFeed(_feed_state(row), row[-1]) for row in rows)
            listed = (feed for feed in feeds if feed.state.is_listed)
            found += sorted(listed, key=lambda feed: feed.state.slug)
        return found

    def changed_since(self, generation: int) -> frozenset[bytes] | None:
        """Return the digests of kind and slug of feeds that changed after a generation.

        None if those may be too many to name, or any.
        """
        if generation < self.read(SyncState).reshaped:
            return None
        rows = self._database.fetch_all(_CHANGED_SINCE, (generation, MAX_CHANGED + 1))
        if len(rows) > MAX_CHANGED:
            return None
        return frozenset(known or digest(kind, slug) for kind, slug, known in rows)

    def delta(self, feed: FeedState, base: str) -> list[int] | None:
        """Return the numbers of a feed's articles that its document `base` did not hold.

        `base` is a fingerprint; None where it is not known or too old.
        """
        key = (feed.kind, feed.slug)
        known = self._database.fetch_one(_BASE, (*key, base))
        if known is None:
            return None
        base_generation, published, identity = known
        last = () if published is None else (-published, identity)
        return [
            number
            for number, generation, published, identity in self._database.iterate(
                _NEWEST, (*key, feed.count)
            )
            if generation > base_generation or (-published, identity) > last
        ]

    def entries(self, feed: FeedState) -> list[int]:
        """Return the numbers of a feed's articles, newest first, as many as its state says."""
        key = (feed.kind, feed.slug)
        if feed.period:
            bounds = month_bounds(feed.period)
            rows = self._database.fetch_all(_OLDEST, (*key, *bounds, feed.count))
            return [row[0] for row in reversed(rows)]
        return [row[0] for row in self._database.iterate(_NEWEST, (*key, feed.count))]

    def arrivals(self, feed: FeedState, generation: int) -> list[int]:
        """Return the numbers of a feed's articles that came into it after a generation.

        They are among its newest, as many as its state says; newest first.
        """
        key = (feed.kind, feed.slug, feed.count, generation)
        return [row[0] for row in self._database.iterate(_ARRIVALS, key)]

    def generation_of(self, feed: FeedState, fingerprint: str) -> int | None:
        """Return the generation of a feed's document with a fingerprint.

        None where it is not known or too old, or an article has left the feed since.
        """
        known = self._database.fetch_one(_BASE, (feed.kind, feed.slug, fingerprint))
        return None if known is None else int(known[0])

    def month_counts(self, feed: FeedState, since: str) -> dict[str, int]:
        """Return how many articles a feed has in each month, newest first, from `since` on.

        That is a month, or "" for all.
        """
        start = month_bounds(since)[0] if since else FIRST_SECOND
        rows = self._database.iterate(_PUBLISHED_SINCE, (feed.kind, feed.slug, start))
        return dict(Counter(month_of(published) for (published,) in rows))

    def month_entries(self, feed: FeedState, month: str, start: int, count: int) -> list[int]:
        """Return the numbers of `count` articles of a feed's month, newest first, from one on."""
        key = (feed.kind, feed.slug, *month_bounds(month), count, start)
        return [row[0] for row in self._database.iterate(_OF_MONTH, key)]

    def listed_kinds(self) -> frozenset[str]:
        """Return the kinds that have a feed with articles."""
        kinds = {kind for kind, count in self.read(FeedCounts).listed.items() if count}
        # Of the others there are few feeds.
        others = (kind for kind in KINDS if kind not in PER_LABEL_KINDS)
        kinds |= {kind for kind in others if self._database.fetch_value(_HAS_LISTED, (kind,))}
        return frozenset(kinds)

    def feed_slugs(self) -> Iterator[tuple[str, str, str]]:
        """Yield kind, key and slug of every feed that has an address."""
        yield from self._database.iterate(_FEED_SLUGS)

    def slug_overrides(self) -> dict[tuple[str, str], str]:
        """Return the slugs, by kind and key, that are not those of the labels themselves."""
        rows = self._database.iterate(_SLUG_OVERRIDES)
        return {(kind, key): slug for kind, key, slug in rows}

    def with_enough_feeds(self, kinds: Iterable[str]) -> tuple[str, ...]:
        """Return these kinds without those that need several feeds and never had two."""

        def has_enough(kind: str) -> bool:
            return not KINDS[kind].needs_several or self._database.fetch_value(_SEVERAL, (kind,))

        return tuple(filter(has_enough, kinds))

    def languages(self, numbers: Sequence[int] | None = None) -> tuple[str, ...]:
        """Return the languages of these articles, or of all, in order; labels must be stored."""
        if numbers is None:
            rows = self._database.fetch_all(_LANGUAGES)
        else:
            query, value = self._database.one_of(numbers)
            rows = self._database.fetch_all(_LANGUAGES_OF.format(query), (value,))
        return tuple(row[0] for row in rows)

    def is_retired(self, kind: str, slug: str) -> bool:
        """Return whether a feed had no article for too long."""
        return bool(self._database.fetch_value(_IS_RETIRED, (digest(kind, slug),)))

    def emptied(self, kinds: tuple[str, ...]) -> dict[str, datetime]:
        """Return when the last feed of each of these kinds was emptied, as its document says."""
        last = dict(self._database.iterate(_EMPTIED))
        return {kind: from_timestamp(last[kind]) for kind in kinds if kind in last}

    # Articles

    def count(self) -> int:
        """Return how many articles are published."""
        return int(self._database.fetch_value(_COUNT))

    def article(self, number: int) -> Article:
        """Return one article by its number."""
        ((record, facts),) = self._database.fetch_all(_ARTICLE, (number,))
        return with_facts(decode_article(record), facts)

    def articles(self) -> Iterator[tuple[str, Article]]:
        """Yield every published article with its path, in order of path."""
        for path, record in self._database.stream(_ARTICLES):
            yield path, decode_article(record)

    def find_article(self, url: str) -> tuple[str, list[tuple[str, str]]] | None:
        """Return the id of the published article at an address, and kind and slug of its feeds."""
        found = self._database.fetch_one(_AT_ADDRESS, (address_digest(url),))
        if found is None:
            return None
        return found[1], self._database.fetch_all(_FEEDS_OF, (found[0],))

    def article_of_story(self, slug: str) -> Article | None:
        """Return the article whose story has this slug, or None."""
        row = self._database.fetch_one(_STORY, (slug,))
        return with_facts(decode_article(row[0]), row[1]) if row else None

    def story_slugs(self) -> list[str]:
        """Return the slug of every story, in order."""
        return [row[0] for row in self._database.iterate(_STORY_SLUGS)]

    # Selections

    def resolve(self, selection: Selection) -> Selection:
        """Return the selection as its one address has it: labels by their slugs."""
        from feedhub.catalog.search import resolve

        return resolve(self._database, selection)

    def label(self, facet: str, slug: str) -> str:
        """Return the name of a label, or its slug where no article has it."""
        from feedhub.catalog.search import label_of

        return label_of(self._database, facet, slug)

    def find(self, selection: Selection) -> list[Match]:
        """Return the articles of a resolved selection, newest first.

        Raises CatalogError where that takes longer than SEARCH_TIMEOUT.
        """
        from feedhub.catalog.search import select

        with self._database.time_limit(SEARCH_TIMEOUT):
            return list(select(self._database, selection, selection.limit))

    def count_matches(self, selection: Selection) -> int:
        """Return how many articles a resolved selection has, at most MAX_COUNT.

        Raises CatalogError where that takes longer than SEARCH_TIMEOUT.
        """
        from feedhub.catalog.search import count

        with self._database.time_limit(SEARCH_TIMEOUT):
            return count(self._database, selection)

    def near_words(self, selection: Selection) -> tuple[str, ...]:
        """Return the words of articles that a resolved selection, which finds none, may mean.

        Each is the text of a search that finds something.
        """
        from feedhub.catalog.near_words import near_words

        with self._database.time_limit(SEARCH_TIMEOUT):
            return near_words(self._database, selection)


class CatalogFollower:
    """Keeps the catalog at `address` open, although another process may write or replace it.

    `identity` is the device and inode of the file that is open, or stands for the database.
    """

    def __init__(self, address: CatalogAddress, *, read_only: bool) -> None:
        self._address = address
        self._read_only = read_only
        self._catalog: Catalog | None = None
        self.identity: object = None

    def catalog(self) -> Catalog | None:
        """Return the catalog at the address now, opened anew if it is another; None for none.

        What was open before stays open until then. Raises CatalogError where it cannot be opened.
        """
        try:
            identity: object = None
            if isinstance(self._address, Path):
                status = os.stat(self._address)  # noqa: PTH116 - often, and pathlib is slower
                identity = (status.st_dev, status.st_ino)
            usable = self._catalog is not None and not self._catalog.is_lost()
            if usable and identity in (None, self.identity):
                return self._catalog
            catalog = Catalog.open_existing(self._address, read_only=self._read_only)
        except (FileNotFoundError, NoCatalogError):
            return None
        identity = identity or catalog.identity()
        self.close()
        self._catalog, self.identity = catalog, identity
        return catalog

    def version(self) -> object:
        """Return a value that changes when another process has written or replaced the catalog."""
        version = self._catalog.version() if self._catalog else None
        return self.identity, version

    def close(self) -> None:
        """Close the catalog that is open."""
        if self._catalog is not None:
            self._catalog.close()
            self._catalog = None


def leave_readable(address: CatalogAddress) -> None:
    """Leave the empty files without which those who may only read cannot open a file."""
    if isinstance(address, Path):
        with suppress(OSError):  # then nothing was written either
            for suffix in ("-wal", "-shm") if address.is_file() else ():
                address.with_name(address.name + suffix).touch()


_ARTICLES = """
SELECT path, record FROM articles JOIN records USING (number) WHERE state = 'shown' ORDER BY path
"""
_COUNT = "SELECT count(*) FROM articles WHERE state = 'shown'"
_NEXT_DUE = """
SELECT MIN(due) FROM (
    SELECT MIN(due) AS due FROM articles WHERE due IS NOT NULL
    UNION ALL SELECT MIN(due) FROM feeds WHERE due IS NOT NULL
) AS moments
"""
# Retired feeds count: the feed of one language stays when those of the others are gone.
_SEVERAL = "SELECT count(*) > 1 FROM feeds WHERE kind = ?"
_LANGUAGES = """
SELECT label FROM feeds WHERE kind = 'language' AND slug IS NOT NULL AND emptied_at IS NULL
ORDER BY label
"""
_LANGUAGES_OF = """
SELECT DISTINCT label FROM feeds JOIN labels ON labels.feed = feeds.number
WHERE kind = 'language' AND labels.article IN ({}) ORDER BY label
"""
_IS_RETIRED = """
SELECT EXISTS (
    SELECT 1 FROM feeds WHERE slug_digest = ? AND emptied_at IS NOT NULL AND slug IS NULL
)
"""
# CROSS JOIN makes SQLite begin with the few feeds that are empty.
_EMPTIED = """
SELECT kind, updated FROM feeds CROSS JOIN states
WHERE emptied_at IS NOT NULL AND states.feed = feeds.number AND period = '' ORDER BY updated
"""
_FEED_SLUGS = "SELECT kind, key, slug FROM feeds WHERE slug IS NOT NULL"
_SLUG_OVERRIDES = "SELECT kind, key, slug FROM feeds WHERE is_override = 1"
_FEEDS = """
SELECT kind, slug, label, period, older, newer, count, newest, updated, changed_at, fingerprint,
    articles
FROM states JOIN feeds ON feeds.number = states.feed
WHERE (count > 0 OR period = '') AND slug IS NOT NULL
"""
_ARTICLE = "SELECT record, facts FROM records LEFT JOIN image_facts USING (number) WHERE number = ?"
_AT_ADDRESS = "SELECT number, id FROM articles WHERE address = ? AND state = 'shown' ORDER BY id"
_FEEDS_OF = """
SELECT kind, slug FROM labels JOIN feeds ON feeds.number = labels.feed
WHERE article = ? AND slug IS NOT NULL
"""
_STORY = """
SELECT record, facts
FROM search_entries JOIN records USING (number) LEFT JOIN image_facts USING (number)
WHERE story = ?
"""
_STORY_SLUGS = "SELECT story FROM search_entries WHERE story IS NOT NULL ORDER BY story"
_STATES_OF_FEED = f"{_FEEDS} AND kind = ? AND slug = ?"
_ONE_FEED = f"{_FEEDS} AND kind = ? AND slug = ? AND period = ?"
_OF_KIND = f"{_FEEDS} AND kind = ? AND period = ''"
_CHANGED_SINCE = """
SELECT DISTINCT kind, slug, slug_digest FROM states JOIN feeds ON feeds.number = states.feed
WHERE states.generation > ? LIMIT ?
"""
_OF_FEED = """
SELECT article, generation, published, id
FROM labels JOIN feeds ON feeds.number = labels.feed WHERE kind = ? AND slug = ?
"""
_NEWEST = f"{_OF_FEED} ORDER BY published DESC, id LIMIT ?"
_ARRIVALS = """
SELECT article FROM (
    SELECT article, since, published, id
    FROM labels JOIN feeds ON feeds.number = labels.feed WHERE kind = ? AND slug = ?
    ORDER BY published DESC, id LIMIT ?
) AS newest WHERE since > ? ORDER BY published DESC, id
"""
# Of a month whose newest stand in the subscription document, an archive holds the others.
_OLDEST = f"{_OF_FEED} AND published >= ? AND published < ? ORDER BY published, id DESC LIMIT ?"
_OF_MONTH = f"""
{_OF_FEED} AND published >= ? AND published < ? ORDER BY published DESC, id LIMIT ? OFFSET ?
"""
_PUBLISHED_SINCE = """
SELECT published FROM labels JOIN feeds ON feeds.number = labels.feed
WHERE kind = ? AND slug = ? AND published >= ? ORDER BY published DESC
"""
_HAS_LISTED = """
SELECT EXISTS (
    SELECT 1 FROM feeds JOIN states ON states.feed = feeds.number
    WHERE kind = ? AND period = '' AND count > 0
)
"""
_BASE = """
SELECT generation, published, id FROM history JOIN feeds ON feeds.number = history.feed
WHERE kind = ? AND slug = ? AND fingerprint = ?
"""
_OUTPUTS = "SELECT path, fingerprint, stamp FROM outputs WHERE root = ?"
_DELETE_OUTPUT = "DELETE FROM outputs WHERE root = ? AND path = ?"
_PUT_OUTPUT = upsert("outputs", "root path", "fingerprint stamp")


def _feed_state(row: tuple[Any, ...]) -> FeedState:
    *names, count, newest, updated, changed_at, fingerprint, _ = row
    kind, slug, label, period, older, newer = names
    return FeedState(
        kind=kind,
        slug=slug,
        label=label,
        period=period,
        older=older,
        newer=newer,
        count=count,
        newest=None if newest is None else from_timestamp(newest),
        updated=from_timestamp(updated),
        changed_at=from_timestamp(changed_at),
        fingerprint=fingerprint,
    )
