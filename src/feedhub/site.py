"""The plan of a site: every address it has, and the document that stands there."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from feedhub.catalog import Settings
from feedhub.document import Document
from feedhub.errors import ConfigError
from feedhub.feed import KINDS, Channel, Feed, FeedState, Window, build_feed, feed_path
from feedhub.formats import FORMATS, OPML_MEDIA_TYPE, WRITERS, Format
from feedhub.sources import ReadOptions, open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from feedhub.catalog import Catalog, Changes
    from feedhub.config import Config
    from feedhub.sources import Source

OPML_PATH = "feeds.opml"
# How many articles stay decoded while documents are built: a feed's articles are mostly its
# neighbours'.
_ARTICLES_KEPT = 2_048


class Planned(NamedTuple):
    """A document that can be built; equal fingerprints mean equal bytes. OPML has no format and no
    state.
    """

    path: str
    fingerprint: str
    format: Format | None = None
    state: FeedState | None = None


class Site:
    """What a catalog holds, seen through a configuration; `drafts` is for a local preview only.

    Raises ConfigError for kinds and formats that nobody knows.
    """

    def __init__(self, catalog: Catalog, config: Config, *, drafts: bool = False) -> None:
        self._catalog = catalog
        self._kinds = _known(config.feeds.kinds, KINDS, "feeds.kinds")
        self._formats = [
            FORMATS[name] for name in _known(config.feeds.formats, FORMATS, "feeds.formats")
        ]
        # Importers of OPML know XML; JSON is listed only where there is nothing else.
        self._listed = next((row for row in self._formats if row.name != "json"), self._formats[0])
        self._channel = channel_of(config, drafts=drafts)
        self._settings = Settings(
            kinds=self._kinds,
            window=Window(config.feeds.limit, config.feeds.days, config.feeds.max_bytes),
            archives=config.feeds.archives,
            shape=repr((WRITERS, self._channel)),
            private=drafts,
        )
        self._article = lru_cache(_ARTICLES_KEPT)(catalog.article)

    def sync(
        self, source: Source, now: datetime, step: Callable[[], object] = lambda: None
    ) -> Changes:
        """Bring the catalog up to the source as it is to be shown at `now`."""
        changes = self._catalog.sync(source, self._settings, now, step)
        self._article.cache_clear()
        return changes

    def plan(self) -> dict[str, Planned]:
        """Return every document of the site, by path."""
        states = self._catalog.feeds(self._kinds)
        documents = [
            Planned(feed_path(s.kind, s.slug, s.period) + row.suffix, s.fingerprint, row, s)
            for s in states
            for row in self._formats
        ]
        opml = Planned(OPML_PATH, self._opml_fingerprint(states))
        return {planned.path: planned for planned in [*documents, opml]}

    def document(self, planned: Planned) -> Document:
        """Build one document of the plan."""
        if planned.format is None or planned.state is None:
            return Document(path=planned.path, media_type=OPML_MEDIA_TYPE, body=self._opml())
        return Document(
            path=planned.path,
            media_type=planned.format.media_type,
            body=planned.format.encode(self._feed(planned.state)),
        )

    def states(self) -> list[FeedState]:
        """Return what is known of every subscription feed, in order of kind and slug."""
        return [state for state in self._catalog.feeds(self._kinds) if not state.period]

    def address(self, state: FeedState) -> str:
        """Return the public address of a feed in the format that a list names."""
        return self._channel.url(feed_path(state.kind, state.slug) + self._listed.suffix)

    def _feed(self, state: FeedState) -> Feed:
        entries = tuple(self._article(number) for number in self._catalog.entries(state))
        return build_feed(self._channel, state, entries)

    def _opml(self) -> bytes:
        from feedhub.formats import opml  # lxml, which a render without changes does not need

        groups: dict[str, list[Feed]] = {}
        for state in self.states():
            feeds = groups.setdefault(KINDS[state.kind].heading, [])
            feeds.append(build_feed(self._channel, state, ()))
        return opml.encode(self._channel, groups.items(), self._listed.suffix)

    def _opml_fingerprint(self, states: list[FeedState]) -> str:
        rows = [(s.kind, s.slug, s.label, s.updated) for s in states if not s.period]
        text = repr((self._settings.shape, self._listed.suffix, rows))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


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


def _known(names: tuple[str, ...], table: Mapping[str, object], key: str) -> tuple[str, ...]:
    for name in names:
        if name not in table:
            from difflib import get_close_matches  # only for whom it helps

            near = get_close_matches(name, table, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(table)}"
            raise ConfigError(f"{key}: {name!r} is not known; {hint}")
    return names
