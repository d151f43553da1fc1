"""The plan of a site: every document it has, what each is made of, and how it is built."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

import msgspec

from feedhub.article import Article
from feedhub.catalog import (
    Accept,
    Catalog,
    Changes,
    Ledger,
    ListedFeed,
    Settings,
    StoredConfig,
    SyncState,
    accept_all,
)
from feedhub.config import Config, HttpConfig, PurgeConfig
from feedhub.document import Document
from feedhub.errors import ConfigError
from feedhub.feed import Feed, FeedState, Window, build_feed, feed_path, feed_query, page_path
from feedhub.fingerprint import fingerprint
from feedhub.formats import FORMATS, PAGE, SUBSCRIBED, Format
from feedhub.kinds import KINDS, LABEL_KINDS, ON_DEMAND_KINDS
from feedhub.messages import languages, translation_digest
from feedhub.messages.tags import without_region
from feedhub.site.arrivals import EVENTS_PATH, Arrivals, find_arrivals
from feedhub.site.cache_tags import edge_headers
from feedhub.site.indexes import COMBINE_PATH, SEARCH_PATH, Indexes, IndexOptions, may_exist
from feedhub.site.months import Months
from feedhub.site.on_demand import OnDemandFeeds, selection_of
from feedhub.site.outbox import Outbox
from feedhub.site.page_links import PageLinks
from feedhub.site.paths import address_of, parse_feed_path, path_at, path_of
from feedhub.site.planned import Planned
from feedhub.site.settings import (
    channel_of,
    check_names,
    config_of_catalog,
    named_selection,
    shape_of,
    source_of,
)
from feedhub.sources import Source

if TYPE_CHECKING:
    from feedhub.selection import Selection  # a render without selections does not import it
    from feedhub.site.entry_store import EntryStore  # nor one without changes this

__all__ = [
    "PAGE_ENTRIES",
    "Planned",
    "Site",
    "address_of",
    "channel_of",
    "config_of_catalog",
    "may_exist",
    "parse_feed_path",
    "path_at",
    "source_of",
]

# The first part of a feed's path; that of everything has no other.
_KINDS_BY_FOLDER = {
    kind.folder or kind.name: kind.name for kind in KINDS.values() if not kind.on_demand
}
# Enough to see what a feed is like; the feed itself has more.
PAGE_ENTRIES = 30


class Site:
    """The documents of a catalog under a configuration; `drafts` is for a local preview only.

    Raises ConfigError for unknown kinds and formats.
    """

    def __init__(self, catalog: Catalog, config: Config, *, drafts: bool = False) -> None:
        self._catalog = catalog
        kinds = check_names(config.feeds.kinds, LABEL_KINDS, "feeds.kinds")
        names = check_names(config.feeds.formats, FORMATS, "feeds.formats")
        self._formats = [SUBSCRIBED[name] for name in names if name in SUBSCRIBED]
        if not self._formats:
            choices = ", ".join(SUBSCRIBED)
            raise ConfigError(f"feeds.formats: {PAGE.name} shows feeds; add one of {choices}")
        self._pages = PAGE.name in names
        # Paths of feeds that are retired, or redirected to another address.
        self._removed = {*config.feeds.gone, *(old for old, _ in config.feeds.moved)}
        self._channel = channel_of(config, drafts=drafts)
        index_options = IndexOptions(
            pages=self._pages,
            discovery=config.site.discovery,
            combines=config.feeds.builder == "yes",
            feed_menu=config.site.feed_menu,
            news=config.site.news,
            indexnow_key="" if config.indexnow.location else config.indexnow.key,
        )
        self.outbox = Outbox(catalog, config, drafts=drafts)
        # Returns the header fields of a document for a cache that is purged.
        purge = PurgeConfig() if drafts else config.purge
        self.edge_headers = partial(edge_headers_of, purge, config.http)
        self._config_json = msgspec.json.encode(config).decode()
        self._settings = Settings(
            kinds=kinds,
            window=Window(config.feeds.limit, config.feeds.days, config.feeds.max_bytes),
            archives=config.feeds.archives,
            shape=shape_of(self._channel, pages=self._pages, languages="language" in kinds),
            plan=fingerprint(
                config.feeds.formats,
                config.feeds.month_pages,
                config.feeds.search,
                sorted(self._removed),
                index_options.values(),
                index_options.indexnow_key,
                # Only pages differ, and only where it is on.
                *(["events"] if config.http.events else []),
            ),
            headers=fingerprint(purge.service, purge.tags, purge.edge_max_age)
            if purge.service
            else "",
            messages=fingerprint(*map(translation_digest, languages()))
            if "language" in kinds
            else "",
            authority=self._channel.authority,
            language=self._channel.language,
            unique_addresses=config.feeds.duplicates == "first",
            private=drafts,
            named=tuple(map(named_selection, config.feeds.custom)),
            stories=bool(self._channel.stories),
            searched=config.feeds.search == "yes",
            keep_empty=config.feeds.keep_empty,
            archive_from=config.feeds.archive_from,
            # The pages of months change with the archives of their articles.
            archived=(*config.feeds.month_pages, *(one.name for one in config.feeds.podcast)),
        )
        self._on_demand = OnDemandFeeds(
            catalog,
            authority=self._channel.authority,
            shape=self._settings.shape,
            max_bytes=config.feeds.max_bytes,
            language=config.site.language,
        )
        base = fingerprint(self._settings.shape, self._settings.plan, kinds)
        self._page_links = PageLinks(
            catalog,
            self._channel,
            self._formats,
            kinds=kinds,
            removed=self._removed,
            base_fingerprint=base,
            search=SEARCH_PATH if config.feeds.search == "yes" or index_options.combines else "",
            combine=address_of(COMBINE_PATH) if index_options.combines else "",
            events=EVENTS_PATH if config.http.events else "",
        )
        month_kinds = check_names(config.feeds.month_pages, LABEL_KINDS, "feeds.month_pages")
        self._months = Months(catalog, month_kinds if self._pages and config.feeds.archives else ())
        self._indexes = Indexes(
            catalog,
            self._page_links,
            self._formats,
            index_options,
            base_fingerprint=base,
            archives=config.feeds.archives,
            months=self._months,
            articles=self._newest_articles,
            feeds=self._listed,
        )
        self._last_numbers: tuple[FeedState, list[int]] | None = None
        self._generation = -1

    def sync(
        self,
        source: Source,
        now: datetime,
        on_progress: Callable[[], object] = lambda: None,
        accept: Accept = accept_all,
        *,
        paths: Collection[str] | None = None,
        processes: int = 1,
        accept_new_ids: bool = False,
        ledger: Ledger | None = None,
    ) -> Changes:
        """Bring the catalog up to the source as it is to be shown at `now`, or leave it as it was.

        `paths` are the files that may have changed since the last sync, None stands for all.
        `accept` gets the changes, and how many articles were published before; what it raises takes
        everything back. Up to `processes` processes read files. `on_progress` is called for each
        file of the source. A new catalog takes over `ledger`. Raises NewIdsError if the ids of
        published articles would change, unless `accept_new_ids`.
        """
        seconds = int(now.timestamp())
        try:
            with self._catalog.transaction():
                state = self._catalog.read(SyncState)
                watch = self.outbox.watch()
                changes = self._catalog.sync(
                    source,
                    self._settings,
                    now,
                    on_progress,
                    paths=paths,
                    processes=processes,
                    accept_new_ids=accept_new_ids,
                    ledger=ledger,
                )
                accept(changes, state.published)
                self._forget()
                pages = self._page_links.update_date(seconds)
                indexes = self._indexes.update(seconds, self._newest_change)
                self._catalog.write(StoredConfig(json=self._config_json))
                self.outbox.enqueue(watch, state, partial(self._paths_of, changes), seconds)
                self.outbox.enqueue_purges(state, changes, indexes, seconds, pages=pages)
        finally:
            # The next sync may use the numbers of articles that this one has taken back.
            self._forget()
        return changes

    @cached_property
    def _entries(self) -> EntryStore:
        from feedhub.site.entry_store import EntryStore  # a render without changes needs none

        return EntryStore(
            self._catalog,
            self._channel,
            self._page_links.channel,
            self._on_demand.story_articles,
        )

    def _paths_of(self, changes: Changes) -> list[str]:
        """Return the paths of the documents of changed feeds, in every format."""
        feeds = {
            feed_path(kind, slug)
            for kind, slug in changes.changed_feeds
            if kind in self._published_kinds
        } - self._removed
        return [
            path + feed_format.suffix for path in sorted(feeds) for feed_format in self._formats
        ]

    def article_urls(self) -> Iterator[str]:
        """Yield the address of every published article."""
        return (article.url for _, article in self._catalog.articles())

    def _forget(self) -> None:
        """Empty all caches of the catalog."""
        self._page_links.forget()
        vars(self).pop("_entries", None)
        self._on_demand.forget()
        self._last_numbers = None
        vars(self).pop("_published_kinds", None)
        vars(self).pop("_has_languages", None)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one state of the catalog within, though another process writes."""
        with self._catalog.snapshot():
            generation = self._catalog.generation()
            if generation != self._generation:
                self._forget()
                self._generation = generation
            yield

    def matches_catalog(self) -> bool:
        """Return whether the catalog was made with this configuration."""
        return self._catalog.matches(self._settings)

    # The plan

    def find(self, path: str) -> Planned | None:
        """Return the document at a path as the plan has it, or None: a row or two of the catalog.

        Its cost does not depend on how large the site is.
        """
        named = parse_feed_path(path)
        if named is None:
            found = self._catalog.indexes.get(path)
            return Planned(*found) if found else None
        kind, slug, period, feed_format = named
        if not self._is_published(kind, slug):
            return None
        if kind == "story":
            state = self._on_demand.story(slug) if self._settings.stories and not period else None
        elif feed_format is PAGE and period:
            state = self._months.state(kind, slug, period)
            return self._planned(state, PAGE) if state else None
        else:
            state = self._catalog.state(kind, slug, period)
        return self._in_format(state, feed_format)

    def plan(self, *, stories: bool = True) -> dict[str, Planned]:
        """Return every document of the site, by path.

        There are as many stories as articles; without `stories` they are left out.
        """
        states = self._published_states()
        extra = self._on_demand.stories() if stories and self._settings.stories else []
        documents = [
            *(
                self._planned(state, feed_format)
                for state in [*states, *extra]
                for feed_format in self._formats_of(state)
            ),
            *(self._planned(state, PAGE) for state in self._months.states(states)),
            *(Planned(*index) for index in self._catalog.indexes.all()),
        ]
        return {planned.path: planned for planned in documents}

    def on_demand(self, wanted: Selection | str, feed_format: Format) -> Planned | None:
        """Return the document of a selection, or of the story with a slug, in a format.

        Returns None if no story has the slug, or the feed is retired.
        """
        if isinstance(wanted, str):
            state = self._on_demand.story(wanted)
        else:
            state = self._on_demand.search(wanted)
        published = state is not None and self._is_published(state.kind, state.slug)
        return self._in_format(state, feed_format) if published else None

    def current(self, planned: Planned) -> Planned | None:
        """Return the present version of a document of an earlier plan, or None if it is gone."""
        if planned.state is not None and planned.format and planned.state.kind == "search":
            return self.on_demand(selection_of(planned.state), planned.format)
        return self.find(planned.path)

    def any_topic(self) -> Planned | None:
        """Return a document that readers subscribe to: of all articles, else the first listed."""
        everything = self._catalog.state("all", "") if self._is_published("all", "") else None
        state = everything or next(iter(self.states()), None)
        return self._planned(state, self._formats[0]) if state else None

    def generation(self) -> int:
        """Return how many syncs have changed a feed."""
        return self._catalog.generation()

    def feed_at(self, path: str) -> FeedState | None:
        """Return the published feed at a path without suffix, such as `topics/ai`, or None."""
        folder, _, slug = path.partition("/")
        kind = _KINDS_BY_FOLDER.get(folder, "")
        return self._catalog.state(kind, slug) if self._is_published(kind, slug) else None

    def find_article(self, url: str) -> tuple[str, list[FeedState]] | None:
        """Return the id of the published article at an address, and its published feeds."""
        found = self._catalog.find_article(url)
        if found is None:
            return None
        feeds = (feed for feed in found[1] if self._is_published(*feed))
        states = (self._catalog.state(kind, slug) for kind, slug in feeds)
        return found[0], [state for state in states if state]

    def arrivals(self, feeds: Iterable[FeedState], after: str) -> Arrivals:
        """Return what came into these feeds after a position."""
        by_address = {self.address(feed): feed for feed in feeds}
        return find_arrivals(self._catalog, by_address, after)

    def states(self) -> list[FeedState]:
        """Return the states of listed feeds, without archives, in order of kind and slug."""
        return [feed.state for feed in self._listed()]

    def wrong_search(self, reason: str) -> bytes:
        """Return the page for a search with a wrong parameter."""
        from feedhub.formats.pages import bad_search  # Jinja2, which feeds do not need

        return bad_search(self._page_links.channel(), reason)

    def is_retired(self, kind: str, slug: str) -> bool:
        """Return whether a feed was retired because it had no article for too long."""
        return kind in self._settings.published_kinds and self._catalog.is_retired(kind, slug)

    def links_fingerprint(self) -> str:
        """Return the fingerprint of the links that all pages share."""
        return self._page_links.links_fingerprint()

    def changed_since(self, generation: int) -> frozenset[bytes] | None:
        """Return the digests of kind and slug of feeds that changed after a generation.

        None if all documents may have changed.
        """
        return self._catalog.changed_since(generation)

    def _published_states(self) -> list[FeedState]:
        states = self._catalog.feeds(self._published_kinds)
        return [state for state in states if self._is_published(state.kind, state.slug)]

    def _newest_change(self) -> int:
        """Return the Unix time at which the newest document of a feed changed, 0 for none."""
        states = self._published_states()
        return max((int(state.changed_at.timestamp()) for state in states), default=0)

    def _listed(self) -> list[ListedFeed]:
        """Return the feeds that lists name, in order of kind and slug."""
        feeds = self._catalog.listed(self._published_kinds)
        return [feed for feed in feeds if self._is_published(feed.state.kind, feed.state.slug)]

    @cached_property
    def _published_kinds(self) -> tuple[str, ...]:
        """The kinds of feeds that are published: one with several feeds, if it needs several."""
        return self._catalog.with_enough_feeds(self._settings.published_kinds)

    @cached_property
    def _has_languages(self) -> bool:
        """Whether feeds say the languages of their entries, and some are not in the site's."""
        own = {without_region(self._channel.language)}
        return "language" in self._settings.kinds and not own >= set(self._catalog.languages())

    def _is_published(self, kind: str, slug: str) -> bool:
        return (kind in ON_DEMAND_KINDS or kind in self._published_kinds) and feed_path(
            kind, slug
        ) not in self._removed

    def _formats_of(self, state: FeedState) -> list[Format]:
        """Return the formats of a feed; archives have no page, but months may."""
        return [*self._formats, PAGE] if self._pages and not state.period else self._formats

    def _in_format(self, state: FeedState | None, feed_format: Format) -> Planned | None:
        if state is None or feed_format not in self._formats_of(state):
            return None
        return self._planned(state, feed_format)

    def _planned(self, state: FeedState, feed_format: Format) -> Planned:
        path = path_of(state, feed_format)
        digest, changed_at = state.fingerprint, state.changed_at
        if feed_format is PAGE:
            digest = self._page_links.fingerprint(state)
            if state.kind == "search":
                digest = fingerprint(digest, *self._on_demand.hints(state))
            changed_at = self._page_links.changed_at(state)
        return Planned(path, digest, feed_format.media_type, changed_at, feed_format, state)

    # Addresses

    def address(self, state: FeedState) -> str:
        """Return the public address of a feed in the format that a list names."""
        return self._indexes.address(state)

    def url(self, path: str) -> str:
        """Return the public address of a document; that of a page is its folder's."""
        path, question_mark, query = path.partition("?")
        # A canonical query stays as it is; a path from a request may hold anything.
        return self._channel.url(address_of(path)) + question_mark + quote(query, safe="=&%+:*")

    def page_url(self, planned: Planned) -> str:
        """Return the public address of the page of a feed, "" for other documents and without."""
        state = planned.state
        if not self._pages or state is None or planned.format is PAGE:
            return ""
        return self._channel.url(page_path(state.kind, state.slug)) + feed_query(
            state.kind, state.slug
        )

    def hub_of(self, planned: Planned) -> str:
        """Return the address of the hub that distributes a document, or ""."""
        return self._channel.hub if planned.is_topic else ""

    # Documents

    def document(self, planned: Planned) -> Document:
        """Build one document of the plan."""
        feed_format, state = planned.format, planned.state
        if feed_format is None or state is None:
            body = self._indexes.body(planned.path)
        elif feed_format is PAGE:
            body = self._page(state)
        else:
            body = self._feed(feed_format, state)
        return Document(path=planned.path, media_type=planned.media_type, body=body)

    def delta(self, planned: Planned, base: str) -> bytes | None:
        """Return the document with the entries that are new since that of fingerprint `base`.

        None if that document is unknown (RFC 3229); pages and archives have no deltas.
        """
        feed_format, state = planned.format, planned.state
        if feed_format is None or feed_format is PAGE or state is None or state.period:
            return None
        numbers = self._catalog.delta(state, base)
        if numbers is None:
            return None
        feed = self._with_languages(build_feed(self._channel, state, pages=self._pages), numbers)
        return feed_format.encode(feed, self._entries.entries(numbers, feed_format.name))

    def _feed(self, feed_format: Format, state: FeedState) -> bytes:
        channel = self._channel
        if state.kind in ON_DEMAND_KINDS:  # for which no hub is pinged
            channel = replace(channel, hub="")
        feed = build_feed(channel, state, pages=self._pages)
        if state.kind == "story":
            entries = [entry[feed_format.name] for entry in self._entries.story(state.slug)]
        else:
            numbers = self._numbers(state)
            entries = self._entries.entries(numbers, feed_format.name)
            feed = self._with_languages(feed, numbers)
        return feed_format.encode(feed, entries)

    def _with_languages(self, feed: Feed, numbers: Sequence[int]) -> Feed:
        """Return a feed that says the languages of these entries, if they are not only its own."""
        languages = self._catalog.languages(numbers) if self._has_languages else ()
        same = set(languages) <= {without_region(feed.language)}
        return feed if same else replace(feed, languages=languages)

    def _page(self, state: FeedState) -> bytes:
        from feedhub.formats.pages import feed as pages  # Jinja2, which feeds do not need

        entries = self._entries
        feed = build_feed(self._page_links.channel(), state, pages=self._pages)
        if state.kind == "story":
            return pages.encode_story(feed, list(self._on_demand.story_articles(state.slug)))
        if state.period:
            articles = map(entries.article, self._months.entries(state))
            return pages.encode_month(feed, state, list(articles))
        numbers = self._numbers(state)
        if state.kind == "search":
            total, near = self._on_demand.hints(state)
            found = list(map(entries.article, numbers))
            return pages.encode_search(feed, found, selection_of(state).terms, total, near)
        feed = self._with_languages(feed, numbers)
        items = [entries.page_item(number) for number in numbers[:PAGE_ENTRIES]]
        more = bool(state.older) or state.count > len(items)
        archive = self._months.path(state, self._removed) if more else ""
        return pages.encode(feed, items, archive, state.fingerprint)

    def _newest_articles(self, state: FeedState, count: int) -> list[Article]:
        """Return the newest articles of a feed."""
        return [self._entries.article(number) for number in self._numbers(state)[:count]]

    def _numbers(self, state: FeedState) -> list[int]:
        """Return the numbers of a feed's articles, newest first."""
        # In a plan the documents of a feed follow one another, and share its state.
        if self._last_numbers is None or self._last_numbers[0] is not state:
            find = self._on_demand.numbers if state.kind == "search" else self._catalog.entries
            self._last_numbers = state, find(state)
        return self._last_numbers[1]

    @contextmanager
    def entries_spooled(
        self,
        documents: Iterable[Planned],
        open_file: Callable[[], AbstractContextManager[BinaryIO]],
        processes: int,
        begin: Callable[[], object],
    ) -> Iterator[None]:
        """Encode the entries of these documents, which are then built within.

        Many entries go to a file, encoded by up to `processes` processes, which call `begin` first.
        """
        in_feeds: dict[int, None] = {}
        on_pages: dict[int, None] = {}
        for planned in documents:
            if planned.state is None or planned.on_demand:
                continue
            if planned.format is PAGE and planned.state.period:
                continue  # such a page has lines of its own
            numbers = self._numbers(planned.state)
            if planned.format is PAGE:
                on_pages.update(dict.fromkeys(numbers[:PAGE_ENTRIES]))
            else:
                in_feeds.update(dict.fromkeys(numbers))
        if not (in_feeds or on_pages):
            yield
            return
        with self._entries.spooled(in_feeds, on_pages, open_file, processes, begin):
            yield


def edge_headers_of(
    purge: PurgeConfig, http: HttpConfig, planned: Planned
) -> tuple[tuple[str, str], ...]:
    """Return the header fields of a document for a cache that is purged."""
    return edge_headers(purge, http, planned.cache_names)
