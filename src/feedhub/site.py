"""The plan of a site: every address it has, and the document that stands there."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from feedhub.catalog import Settings, accept_all
from feedhub.config import Config
from feedhub.document import Document
from feedhub.errors import CatalogError, ConfigError
from feedhub.feed import (
    KINDS,
    Channel,
    Feed,
    FeedState,
    Window,
    build_feed,
    feed_path,
    feed_texts,
)
from feedhub.formats import FORMATS, INDEX_MEDIA_TYPE, OPML_MEDIA_TYPE, WRITERS, Format
from feedhub.sources import ReadOptions, open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from feedhub.catalog import Accept, Catalog, Changes
    from feedhub.sources import Source

OPML_PATH = "feeds.opml"
INDEX_PATH = "index.html"
# What stands among the formats for the page that people see.
PAGES = "html"
# How many articles stay decoded while documents are built: a feed's articles are mostly its
# neighbours'.
_ARTICLES_KEPT = 2_048


class Planned(NamedTuple):
    """A document that can be built; equal fingerprints mean equal bytes.

    `changed_at` is when its bytes last changed, at least a second after the change before. What
    lists the whole site has no format and no state.
    """

    path: str
    fingerprint: str
    media_type: str
    changed_at: datetime
    format: Format | None = None
    state: FeedState | None = None


class Site:
    """What a catalog holds, seen through a configuration; `drafts` is for a local preview only.

    Raises ConfigError for kinds and formats that nobody knows.
    """

    def __init__(self, catalog: Catalog, config: Config, *, drafts: bool = False) -> None:
        self._catalog = catalog
        self._kinds = _known(config.feeds.kinds, KINDS, "feeds.kinds")
        names = _known(config.feeds.formats, (*FORMATS, PAGES), "feeds.formats")
        self._formats = [FORMATS[name] for name in names if name != PAGES]
        if not self._formats:
            raise ConfigError(f"feeds.formats: {PAGES} shows people the feeds; name one to show")
        self._pages = PAGES in names
        # Importers of OPML know XML; JSON is listed only where there is nothing else.
        self._listed = next((row for row in self._formats if row.name != "json"), self._formats[0])
        self._elsewhere = {*config.feeds.gone, *(old for old, _ in config.feeds.moved)}
        self._channel = channel_of(config, drafts=drafts)
        self._text = msgspec.json.encode(config).decode()
        self._settings = Settings(
            kinds=self._kinds,
            window=Window(config.feeds.limit, config.feeds.days, config.feeds.max_bytes),
            archives=config.feeds.archives,
            shape=repr((WRITERS, self._channel)),
            plan=repr((config.feeds.formats, sorted(self._elsewhere))),
            private=drafts,
        )
        self._article = lru_cache(_ARTICLES_KEPT)(catalog.article)
        self._seen = -1

    def sync(
        self,
        source: Source,
        now: datetime,
        step: Callable[[], object] = lambda: None,
        accept: Accept = accept_all,
        *,
        processes: int = 1,
    ) -> Changes:
        """Bring the catalog up to the source as it is to be shown at `now`.

        Files are read by so many processes. What `accept` raises leaves the catalog as it was.
        """

        def finish(changes: Changes, before: int) -> None:
            accept(changes, before)
            self._date_lists(int(now.timestamp()))
            self._catalog.note(config=self._text)

        return self._catalog.sync(source, self._settings, now, step, finish, processes=processes)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Hold still: whatever is asked within sees one state of the catalog."""
        with self._catalog.snapshot():
            generation = self._catalog.generation()
            if generation != self._seen:
                self._article.cache_clear()
                self._seen = generation
            yield

    def fits(self) -> bool:
        """Tell whether the catalog was made with this configuration."""
        return self._catalog.made_with(self._settings)

    def plan(self) -> dict[str, Planned]:
        """Return every document of the site, by path."""
        states = self._states()
        documents = [self._planned(state, row) for state in states for row in self._formats]
        return {planned.path: planned for planned in [*documents, *self._lists(states)]}

    def current(self, planned: Planned) -> Planned | None:
        """Return what has become of one document of a plan, or None where it is gone."""
        if planned.format is None or planned.state is None:
            lists = {row.path: row for row in self._lists(self._states())}
            return lists.get(planned.path)
        state = self._catalog.current(planned.state)
        if state is None or not self._lists_feed(state) or planned.format not in self._formats:
            return None
        return self._planned(state, planned.format)

    def document(self, planned: Planned) -> Document:
        """Build one document of the plan."""
        if planned.format is None or planned.state is None:
            body = self._opml() if planned.path == OPML_PATH else self._index()
        else:
            numbers = self._catalog.entries(planned.state)
            body = self._encoded(planned.format, planned.state, numbers)
        return Document(path=planned.path, media_type=planned.media_type, body=body)

    def news(self, planned: Planned, base: str) -> bytes | None:
        """Return the document with only what who holds the one of fingerprint `base` has not seen.

        None where that is not known (RFC 3229).
        """
        if planned.format is None or planned.state is None or planned.state.period:
            return None
        numbers = self._catalog.news(planned.state, base)
        return None if numbers is None else self._encoded(planned.format, planned.state, numbers)

    def states(self) -> list[FeedState]:
        """Return what is known of every subscription feed, in order of kind and slug."""
        return [state for state in self._states() if not state.period]

    def address(self, state: FeedState) -> str:
        """Return the public address of a feed in the format that a list names."""
        return self._address(state, self._listed)

    def url(self, path: str) -> str:
        """Return the public address of a document; that of the index is its folder's."""
        return self._channel.url("" if path == INDEX_PATH else path)

    def _address(self, state: FeedState, row: Format) -> str:
        return self._channel.url(feed_path(state.kind, state.slug) + row.suffix)

    def _states(self) -> list[FeedState]:
        """Return the states of every feed that is neither retired nor moved."""
        return [state for state in self._catalog.feeds(self._kinds) if self._lists_feed(state)]

    def _lists_feed(self, state: FeedState) -> bool:
        return not self._elsewhere or feed_path(state.kind, state.slug) not in self._elsewhere

    def _planned(self, state: FeedState, row: Format) -> Planned:
        path = feed_path(state.kind, state.slug, state.period) + row.suffix
        return Planned(path, state.fingerprint, row.media_type, state.changed_at, row, state)

    def _encoded(self, row: Format, state: FeedState, numbers: Iterable[int]) -> bytes:
        entries = tuple(self._article(number) for number in numbers)
        return row.encode(build_feed(self._channel, state, entries))

    def _lists(self, states: list[FeedState]) -> Iterator[Planned]:
        """Yield what lists the whole site."""
        for path, fingerprint in self._list_fingerprints(states):
            changed_at = datetime.fromtimestamp(int(self._catalog.noted(path).split()[-1]), UTC)
            yield Planned(path, fingerprint, _LIST_TYPES[path], changed_at)

    def _date_lists(self, now: int) -> None:
        """Note when the lists changed; in a fresh catalog, when the newest feed did."""
        states = self._states()
        newest = max((int(state.changed_at.timestamp()) for state in states), default=0)
        for path, fingerprint in self._list_fingerprints(states):
            known, _, changed_at = self._catalog.noted(path).partition(" ")
            if known != fingerprint:
                moment = max(now, int(changed_at) + 1) if known else newest
                self._catalog.note(**{path: f"{fingerprint} {moment}"})

    def _list_fingerprints(self, states: list[FeedState]) -> Iterator[tuple[str, str]]:
        shown = [state for state in states if not state.period]
        yield OPML_PATH, self._digest([(s.kind, s.slug, s.label, s.updated) for s in shown])
        if self._pages:
            rows = [(s.kind, s.slug, s.label, s.count, s.newest) for s in shown]
            yield INDEX_PATH, self._digest(rows)

    def _digest(self, rows: Sequence[tuple[object, ...]]) -> str:
        text = repr((self._settings.shape, self._settings.plan, rows))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def _opml(self) -> bytes:
        from feedhub.formats import opml  # lxml, which a render without changes does not need

        groups: dict[str, list[Feed]] = {}
        for state in self.states():
            feeds = groups.setdefault(KINDS[state.kind].heading, [])
            feeds.append(build_feed(self._channel, state, ()))
        return opml.encode(self._channel, groups.items(), self._listed.suffix)

    def _index(self) -> bytes:
        from feedhub.formats import index  # Jinja2, which a render without changes does not need

        groups: dict[str, list[index.IndexRow]] = {}
        for state in self.states():
            title, _ = feed_texts(self._channel, state)
            links = tuple(
                (row.title, row.media_type.partition(";")[0], self._address(state, row))
                for row in self._formats
            )
            rows = groups.setdefault(KINDS[state.kind].heading, [])
            rows.append(index.IndexRow(title, state.label, state.count, state.newest, links))
        return index.encode(self._channel, groups.items(), self._channel.url(OPML_PATH))


_LIST_TYPES = {OPML_PATH: OPML_MEDIA_TYPE, INDEX_PATH: INDEX_MEDIA_TYPE}


def config_of_catalog(catalog: Catalog) -> Config:
    """Return the configuration that a catalog was made with; raises CatalogError."""
    try:
        return msgspec.json.decode(catalog.noted("config"), type=Config)
    except msgspec.DecodeError:
        raise CatalogError("the catalog does not say how it was made: run feedhub sync") from None


def channel_of(config: Config, *, drafts: bool = False) -> Channel:
    """Return the texts and addresses that all feeds of the site share."""
    site = config.site
    return Channel(
        base_url=site.base_url,
        authority=site.authority,
        title=site.title,
        home_page_url=f"{site.base_url}/",
        description=site.description,
        language=site.language,
        copyright=site.copyright,
        icon=site.icon,
        logo=site.logo,
        ttl=max(1, config.http.max_age // 60),
        drafts=drafts,
    )


def source_of(place: Path, config: Config, *, drafts: bool = False) -> Source:
    """Return the source at `place`, read as the configuration says."""
    options = ReadOptions(
        authority=config.site.authority,
        base_url=config.source.base_url,
        permalink=config.source.permalink,
        zone=ZoneInfo(config.source.timezone),
        ignore=config.source.ignore,
        drafts=drafts,
    )
    return open_source(place, options)


def _known(names: tuple[str, ...], table: Collection[str], key: str) -> tuple[str, ...]:
    for name in names:
        if name not in table:
            from difflib import get_close_matches  # only for whom it helps

            near = get_close_matches(name, table, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(table)}"
            raise ConfigError(f"{key}: {name!r} is not known; {hint}")
    return names
