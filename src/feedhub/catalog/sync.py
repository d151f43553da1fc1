"""One sync: a source is brought into the catalog, all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from feedhub.catalog.articles import ArticleSync
from feedhub.catalog.database import Database
from feedhub.catalog.feed_names import FeedNames
from feedhub.catalog.feeds import FeedSync, Settings
from feedhub.catalog.identity import refuse_new_ids, remember_identity
from feedhub.catalog.images import ImageSync
from feedhub.catalog.ledger import Ledger, restore
from feedhub.catalog.state import (
    Identity,
    StoredMemory,
    SyncState,
    read_record,
    write_record,
)
from feedhub.errors import Problem, ShrinkError
from feedhub.sources import AdoptingSource, RememberingSource, Source
from feedhub.sources.adopted_ids import NONE_ADOPTED

# To name more takes more memory than it saves time.
MAX_IDS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What one sync found.

    `states` counts the files by state; `rejected` were rejected (some stay shown in an earlier
    version), `read` were read; `changed` feed states changed or were retired. `problems` are those
    of every file. `changed_feeds` are kind and slug of each feed that existed before and has other
    content now. `changed_states` are kind, slug and period of every feed document that changed or
    is gone. `changed_ids` are those of the articles that readers may see otherwise, None where
    they are very many.
    """

    states: dict[str, int]
    rejected: int
    read: int
    changed: int
    problems: tuple[Problem, ...]
    changed_feeds: tuple[tuple[str, str], ...] = ()
    changed_states: tuple[tuple[str, str, str], ...] = ()
    changed_ids: frozenset[str] | None = frozenset()

    @property
    def articles(self) -> int:
        """How many files there are."""
        return sum(self.states.values())

    @property
    def published(self) -> int:
        """How many articles are published."""
        return self.states.get("shown", 0)


Accept = Callable[[Changes, int], object]
"""Gets what a sync found, and how many articles were published before; may raise."""


def accept_all(changes: Changes, before: int) -> None:
    """Accept every change."""


def refuse_shrinking(changes: Changes, before: int) -> None:
    """Raise ShrinkError where nothing, or less than half of what was published, is left."""
    if changes.published == 0:
        found = f"none of {changes.articles} files can be published"
        if not before:
            advice = "feedhub check says why (--allow-shrink writes empty feeds)"
            raise ShrinkError(f"{found}, so nothing is written: {advice}", changes.problems)
        advice = "--allow-shrink writes empty feeds"
    elif changes.published * 2 < before:
        found = f"only {changes.published} of {before} articles are left"
        advice = "--allow-shrink publishes what is left"
    else:
        return
    raise ShrinkError(f"{found}; the old output stays ({advice})", changes.problems)


def sync_catalog(
    database: Database,
    source: Source,
    settings: Settings,
    now: datetime,
    on_progress: Callable[[], object],
    *,
    paths: Collection[str] | None,
    processes: int,
    accept_new_ids: bool,
    ledger: Ledger | None,
) -> Changes:
    """Bring a catalog up to the source as it is to be shown at `now`, inside a transaction.

    A sync that reads and writes nearly everything works on a copy, if the database is elsewhere.

    `paths` are the files that may have changed since the last sync, None stands for all. Files are
    read by so many processes; `on_progress` is called for each file of the source. A new catalog
    takes over the ledger of an earlier one. Raises NewIdsError if ids of published articles would
    change, unless `accept_new_ids`.
    """
    state = read_record(database, SyncState)
    whole = (
        not state.generation
        or state.source_signature != source.signature
        or state.settings_fingerprint != settings.fingerprint
        or state.private not in (None, settings.private)
    )
    with database.working_copy(whole=whole) as working:
        return sync_working_copy(
            working,
            source,
            settings,
            now,
            on_progress,
            paths=paths,
            processes=processes,
            accept_new_ids=accept_new_ids,
            ledger=ledger,
        )


def sync_working_copy(
    database: Database,
    source: Source,
    settings: Settings,
    now: datetime,
    on_progress: Callable[[], object],
    *,
    paths: Collection[str] | None,
    processes: int,
    accept_new_ids: bool,
    ledger: Ledger | None,
) -> Changes:
    """Do what `sync_catalog` does in the database that it has chosen for this sync."""
    adopted = source.adopted if isinstance(source, AdoptingSource) else NONE_ADOPTED
    state, restored = begin_with(database, ledger)
    known = read_record(database, Identity)
    if state.private not in (None, settings.private):
        # A catalog never mixes drafts with the public site: the other's is emptied first.
        database.clear()
        state, restored = SyncState(generation=state.generation), []
    # Files are read again where the same bytes would be read differently, feeds are computed again
    # where the same articles would give other documents.
    reread = state.source_signature != source.signature
    reshape = state.settings_fingerprint != settings.fingerprint
    paths = None if reread or reshape else paths
    # What changes is labelled with it now; it is stored only where a reader can see the change.
    generation = state.generation + 1
    articles = ArticleSync(
        database,
        source,
        now,
        kinds=settings.label_kinds,
        language=settings.language,
        generation=generation,
        unique_addresses=settings.unique_addresses,
    )
    with remembering(database, source):
        articles.run(
            paths=paths,
            reread=reread,
            relabel=reshape,
            processes=processes,
            on_progress=on_progress,
        )
        if not accept_new_ids:
            renamed = articles.renamed
            refuse_new_ids(
                database, known, settings.authority, source.collection, adopted, renamed=renamed
            )
    touched = articles.touched
    for feed in restored:  # each may have lost articles meanwhile
        touched.setdefault(feed, set())
    looked_at = None if paths is None else articles.written
    pictured = ImageSync(database, generation).run(touched, looked_at)
    feeds = FeedSync(database, settings, now, generation, silent=reread or reshape)
    names = FeedNames(database, now, generation, keep_empty=settings.keep_empty)
    respelled = names.update(touched, None if restored or reshape else articles.spellings)
    retired = names.retire_due(touched, anew=reshape)
    # Selections name labels by their slugs, and add to the feeds that must be computed.
    names.name_new_feeds()
    names.update_counts(anew=reshape or bool(restored))
    moved = sync_selections(
        database,
        settings,
        generation,
        touched,
        articles.written | pictured,
        articles.left,
        anew=reread or reshape,
        may_wait=paths is not None,
    )
    feeds.refresh_all(touched, respelled, reshape=reshape)
    if feeds.changed or retired or reshape or moved:
        # Catalogs made anew from the same files agree on the first moment.
        if state.changed_at is None:
            changed_at = database.fetch_value(_NEWEST_UPDATE) or 0
        else:
            changed_at = max(int(now.timestamp()), state.changed_at + 1)
        state = replace(state, generation=generation, changed_at=changed_at)
        if reshape or names.has_deleted:
            state = replace(state, reshaped=generation)
    if restored:
        state = replace(state, generation=generation, reshaped=generation)
    if state.generation == generation or articles.read or touched:
        state = replace(state, revision=state.revision + 1)
    states, rejected = count_files(database)
    state = replace(state, published=states.get("shown", 0), private=settings.private)
    made_at = state.made_at or int(now.timestamp())
    state = replace(state, source_signature=source.signature, made_at=made_at)
    write_record(database, replace(state, settings_fingerprint=settings.fingerprint))
    remember_identity(database, settings.authority, source.collection, adopted)
    return Changes(
        states=states,
        rejected=rejected,
        read=articles.read,
        changed=feeds.changed + len(retired),
        problems=articles.problems(),
        changed_feeds=tuple(feeds.changed_feeds),
        changed_states=(*feeds.changed_states, *((kind, slug, "") for kind, slug in retired)),
        changed_ids=frozenset(articles.changed) if len(articles.changed) <= MAX_IDS else None,
    )


def begin_with(database: Database, ledger: Ledger | None) -> tuple[SyncState, list[int]]:
    """Return the state to begin with, and the feeds that a new catalog takes over."""
    state = read_record(database, SyncState)
    if ledger is None or state.generation:
        return state, []
    return ledger.sync, restore(database, ledger)


@contextmanager
def remembering(database: Database, source: Source) -> Iterator[None]:
    """Give a source the memory of its last scan, and keep what it remembers at the end."""
    if not isinstance(source, RememberingSource):
        yield
        return
    source.memory = read_record(database, StoredMemory).memory
    yield
    write_record(database, StoredMemory(memory=source.memory))


def sync_selections(
    database: Database,
    settings: Settings,
    generation: int,
    touched: dict[int, set[str]],
    written: set[int],
    left: Mapping[tuple[int, str], int],
    *,
    anew: bool,
    may_wait: bool,
) -> bool:
    """Bring the search index and the feeds that are selections up to date.

    `written` are the numbers of the articles that changed; `left` is as in LabelSync, `may_wait` as
    in SearchIndexSync.
    Adds the months of those feeds to `touched`; tells whether a selection may find something else.
    """
    if not settings.has_search_index:
        indexed_before = "SELECT EXISTS (SELECT 1 FROM search_entries)"
        if not (anew and database.fetch_value(indexed_before)):
            return False
    # A render without selections spares both imports.
    from feedhub.catalog.search import NamedSelectionSync
    from feedhub.catalog.search_index import SearchIndexSync

    index = SearchIndexSync(database, index_text=settings.index_text, anew=anew)
    if settings.has_search_index:
        index.run(written, may_wait=may_wait)
    else:
        database.compact_texts()
    selections = NamedSelectionSync(database, generation, left)
    if anew or index.changed:
        selections.run(settings.named)
    for feed, months in selections.touched.items():
        touched.setdefault(feed, set()).update(months)
    return index.changed and settings.has_search_index


def count_files(database: Database) -> tuple[dict[str, int], int]:
    """Return how many files have each state, and how many were rejected, in one look."""
    states: Counter[str] = Counter()
    rejected = 0
    for state, is_rejected, count in database.iterate(_STATES):
        if state != "asset":
            states[state] += count
        if is_rejected or state == "duplicate":
            rejected += count
    return dict(states), rejected


_NEWEST_UPDATE = "SELECT MAX(updated) FROM articles WHERE state = 'shown'"
_STATES = "SELECT state, rejected, count(*) FROM articles GROUP BY state, rejected"
