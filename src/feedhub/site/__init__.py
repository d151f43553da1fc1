"""The plan of a site: every address it has, and the document that stands there."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

import msgspec

from feedhub.catalog import MadeWith, Settings, accept_all
from feedhub.document import Document
from feedhub.errors import ConfigError
from feedhub.feed import FeedState, Window, build_feed, feed_path, feed_query
from feedhub.fingerprint import fingerprint
from feedhub.formats import FORMATS, PAGE, SUBSCRIBED, Format
from feedhub.kinds import LABEL_KINDS, ON_DEMAND_KINDS
from feedhub.site.entry_store import EntryStore
from feedhub.site.indexes import INDEX_PATH, Indexes, IndexOptions
from feedhub.site.on_demand import OnDemandFeeds
from feedhub.site.page_links import PageLinks
from feedhub.site.planned import Planned
from feedhub.site.settings import (
    channel_of,
    config_of_catalog,
    known,
    named_of,
    shape_of,
    source_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from feedhub.catalog import Accept, Catalog, Changes
    from feedhub.config import Config
    from feedhub.selection import Selection
    from feedhub.sources import Source

__all__ = [
    "PAGE_ENTRIES",
    "Planned",
    "Site",
    "address_of",
    "channel_of",
    "config_of_catalog",
    "source_of",
]

# A page is for a look; who wants more follows the feed.
PAGE_ENTRIES = 30


class Site:
    """What a catalog holds, seen through a configuration; `drafts` is for a local preview only.

    Raises ConfigError for kinds and formats that nobody knows.
    """

    def __init__(self, catalog: Catalog, config: Config, *, drafts: bool = False) -> None:
        self._catalog = catalog
        self._kinds = known(config.feeds.kinds, LABEL_KINDS, "feeds.kinds")
        names = known(config.feeds.formats, FORMATS, "feeds.formats")
        self._formats = [SUBSCRIBED[name] for name in names if name in SUBSCRIBED]
        if not self._formats:
            raise ConfigError(
                f"feeds.formats: {PAGE.name} shows people the feeds; name one to show"
            )
        self._pages = PAGE.name in names
        self._elsewhere = {*config.feeds.gone, *(old for old, _ in config.feeds.moved)}
        self._channel = channel_of(config, drafts=drafts)
        # No hub is told of what is made for who asks.
        self._channel_unhubbed = replace(self._channel, hub="")
        self._shown = IndexOptions(
            pages=self._pages,
            discovery=config.site.discovery,
            combines=config.feeds.builder == "yes",
        )
        self._text = msgspec.json.encode(config).decode()
        self._settings = self._settings_of(config, drafts=drafts)
        self._on_demand = OnDemandFeeds(
            catalog,
            authority=self._channel.authority,
            shape=self._settings.shape,
            max_bytes=config.feeds.max_bytes,
        )
        mark = fingerprint(self._settings.shape, self._settings.plan, self._kinds)
        self._linking = PageLinks(
            catalog,
            self._channel,
            self._formats,
            kinds=self._kinds,
            removed=self._elsewhere,
            mark=mark,
        )
        self._indexes = Indexes(
            catalog,
            self._linking,
            self._formats,
            self._shown,
            mark=mark,
            archives=config.feeds.archives,
        )
        self._entries = EntryStore(
            catalog, self._channel, self._linking.channel, self._on_demand.story_articles
        )
        self._seen = -1

    def _settings_of(self, config: Config, *, drafts: bool) -> Settings:
        """Return what shapes feeds besides the articles."""
        feeds = config.feeds
        return Settings(
            kinds=self._kinds,
            window=Window(feeds.limit, feeds.days, feeds.max_bytes),
            archives=feeds.archives,
            shape=shape_of(self._channel, pages=self._pages),
            plan=fingerprint(feeds.formats, sorted(self._elsewhere), self._shown.values()),
            private=drafts,
            named=tuple(map(named_of, feeds.custom)),
            stories=bool(self._channel.stories),
            searched=feeds.search == "yes",
        )

    def sync(
        self,
        source: Source,
        now: datetime,
        on_progress: Callable[[], object] = lambda: None,
        accept: Accept = accept_all,
        *,
        processes: int = 1,
    ) -> Changes:
        """Bring the catalog up to the source as it is to be shown at `now`, or leave it as it was.

        `accept` gets the changes, and how many articles were published before; what it raises takes
        everything back. Up to `processes` processes read files. `on_progress` is called for each
        file of the source.
        """
        seconds = int(now.timestamp())
        try:
            with self._catalog.transaction():
                before = self._catalog.count()
                changes = self._catalog.sync(
                    source, self._settings, now, on_progress, processes=processes
                )
                accept(changes, before)
                self._linking.forget()
                self._linking.date(seconds)
                self._indexes.date(self._states(), seconds)
                self._catalog.write(MadeWith(configuration=self._text))
                self._enqueue_pings(changes, seconds)
        finally:
            self._linking.forget()
            self._entries.forget()
        return changes

    def hub_of(self, planned: Planned) -> str:
        """Return the address of the hub that tells of a document, or ""."""
        return self._channel.hub if planned.topic else ""

    def _enqueue_pings(self, changes: Changes, now: int) -> None:
        """Note of which addresses the hub is to be told, once their new bytes are out."""
        if self._channel.hub:
            feeds = {
                feed_path(kind, slug) for kind, slug in changes.changed_feeds
            } - self._elsewhere
            paths = [path + row.suffix for path in sorted(feeds) for row in self._formats]
            self._catalog.pings.enqueue(paths, self._catalog.generation(), now)
        else:
            self._catalog.pings.clear()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold still: whatever is asked within sees one state of the catalog."""
        with self._catalog.snapshot():
            generation = self._catalog.generation()
            if generation != self._seen:
                self._entries.forget()
                self._on_demand.forget()
                self._seen = generation
            yield

    def matches_catalog(self) -> bool:
        """Tell whether the catalog was made with this configuration."""
        return self._catalog.matches(self._settings)

    def plan(self, *, stories: bool = True) -> dict[str, Planned]:
        """Return every document of the site, by path; without `stories` those that are asked for.

        There are as many stories as articles: a server makes them for who asks.
        """
        states = self._states()
        told = self._on_demand.stories() if stories and self._settings.stories else []
        documents = [
            self._planned(state, row)
            for state in [*states, *told]
            for row in self._formats_of(state)
        ]
        return {planned.path: planned for planned in [*documents, *self._lists(states)]}

    def on_demand(self, wanted: Selection | str, row: Format) -> Planned | None:
        """Return the document of a selection, or of the story at an address, in a format.

        None where there is none.
        """
        state = (
            self._on_demand.story(wanted)
            if isinstance(wanted, str)
            else self._on_demand.search(wanted)
        )
        return self._offered(state, row)

    def _offered(self, state: FeedState | None, row: Format) -> Planned | None:
        if state is None or not self._lists_feed(state) or row not in self._formats_of(state):
            return None
        return self._planned(state, row)

    def current(self, planned: Planned) -> Planned | None:
        """Return what has become of one document of a plan, or None where it is gone."""
        if planned.format is None or planned.state is None:
            lists = {row.path: row for row in self._lists(self._states())}
            return lists.get(planned.path)
        catalog = self._on_demand if planned.state.kind in ON_DEMAND_KINDS else self._catalog
        return self._offered(catalog.current(planned.state), planned.format)

    def document(self, planned: Planned) -> Document:
        """Build one document of the plan."""
        if planned.format is None or planned.state is None:
            body = self._indexes.body(planned.path, self._states())
        else:
            body = self._feed_document(planned.format, planned.state)
        return Document(path=planned.path, media_type=planned.media_type, body=body)

    def delta(self, planned: Planned, base: str) -> bytes | None:
        """Return the document with only what who holds the one of fingerprint `base` has not seen.

        None where that is not known (RFC 3229); the fingerprints of pages never are.
        """
        row, state = planned.format, planned.state
        if row is None or row is PAGE or state is None or state.period:
            return None
        numbers = self._catalog.delta(state, base)
        if numbers is None:
            return None
        feed = build_feed(self._channel, state, pages=self._pages)
        return row.encode(feed, self._entries.entries(numbers, row.name))

    @contextmanager
    def entries_spooled(
        self,
        documents: Iterable[Planned],
        open_file: Callable[[], AbstractContextManager[BinaryIO]],
        processes: int,
        begin: Callable[[], object],
    ) -> Iterator[None]:
        """Encode the entries of these documents, for those that are built within.

        Many entries go to a file, encoded by up to `processes` processes, which call `begin` first.
        """
        feeds: dict[tuple[str, str, str], FeedState] = {}
        pages: dict[tuple[str, str, str], FeedState] = {}
        for planned in documents:
            if (state := planned.state) and not planned.on_demand:
                wanted = pages if planned.format is PAGE else feeds
                wanted[state.kind, state.slug, state.period] = state
        with self._entries.spooled(
            (number for state in feeds.values() for number in self._numbers(state)),
            (n for state in pages.values() for n in self._numbers(state)[:PAGE_ENTRIES]),
            open_file,
            processes,
            begin,
        ):
            yield

    def states(self) -> list[FeedState]:
        """Return what is known of every subscription feed, in order of kind and slug."""
        return [state for state in self._states() if not state.period]

    def address(self, state: FeedState) -> str:
        """Return the public address of a feed in the format that a list names."""
        return self._indexes.address(state)

    def url(self, path: str) -> str:
        """Return the public address of a document; that of a page is its folder's."""
        path, mark, query = path.partition("?")
        # A canonical query stays as it is; a path that was asked for may hold anything.
        return self._channel.url(address_of(path)) + mark + quote(query, safe="=&%+:*")

    def _states(self) -> list[FeedState]:
        """Return the states of every feed that is neither retired nor moved."""
        feeds = self._catalog.feeds(self._settings.shown)
        return [state for state in feeds if self._lists_feed(state)]

    def _lists_feed(self, state: FeedState) -> bool:
        return not self._elsewhere or feed_path(state.kind, state.slug) not in self._elsewhere

    def _formats_of(self, state: FeedState) -> list[Format]:
        """Return what a feed is written as; archives have no page."""
        return [*self._formats, PAGE] if self._pages and not state.period else self._formats

    def _planned(self, state: FeedState, row: Format) -> Planned:
        path = feed_path(state.kind, state.slug, state.period) + row.suffix
        path += feed_query(state.kind, state.slug)
        if row is PAGE:
            fingerprint = self._linking.fingerprint(state)
            changed_at = self._linking.changed_at(state)
            return Planned(path, fingerprint, row.media_type, changed_at, row, state)
        return Planned(path, state.fingerprint, row.media_type, state.changed_at, row, state)

    def _lists(self, states: list[FeedState]) -> Iterator[Planned]:
        """Yield what lists the whole site."""
        return (Planned(*row) for row in self._indexes.rows(states))

    def _feed_document(self, row: Format, state: FeedState) -> bytes:
        """Build the document of a feed in a format."""
        if row is PAGE:
            return self._feed_page(state)
        channel = self._channel_unhubbed if state.kind in ON_DEMAND_KINDS else self._channel
        if state.kind == "story":
            entries = [getattr(entry, row.name) for entry in self._entries.story(state.slug)]
        else:
            entries = self._entries.entries(self._numbers(state), row.name)
        return row.encode(build_feed(channel, state, pages=self._pages), entries)

    def _feed_page(self, state: FeedState) -> bytes:
        channel = self._linking.channel()
        if state.kind == "story":
            from feedhub.formats.pages.feed import encode_item  # Jinja2, which feeds do not need

            articles = self._on_demand.story_articles(state.slug)[:PAGE_ENTRIES]
            items = [encode_item(article, channel) for article in articles]
        else:
            items = list(map(self._entries.page_item, self._numbers(state)[:PAGE_ENTRIES]))
        return PAGE.encode(build_feed(channel, state, pages=self._pages), items)

    def _numbers(self, state: FeedState) -> list[int]:
        """Return the numbers of a feed's articles, newest first."""
        source = self._on_demand.numbers if state.kind == "search" else self._catalog.entries
        return source(state)


def address_of(path: str) -> str:
    """Return where a document stands below the base: a page at its folder's address."""
    folder, _, name = path.rpartition("/")
    if name != INDEX_PATH:
        return path
    return f"{folder}/" if folder else ""
