"""The links between the pages of a site: which labels have a page, and at which address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from feedhub.catalog import Catalog
from feedhub.feed import Channel, FeedState, SiteLinks
from feedhub.fingerprint import fingerprint
from feedhub.formats import Format
from feedhub.kinds import KINDS

# The name under which the catalog has their date, among the paths of indexes.
LINKS = "links of pages"


class PageLinks:
    """The links between pages, as the catalog has them now.

    Nearly every label has its own slug, so only the others are stored. `base_fingerprint`
    is that of everything else that pages are made with, `search` the path where searches are
    answered, `combine` that of the page to combine feeds, and `events` that of the streams of
    changes, or "".
    """

    def __init__(
        self,
        catalog: Catalog,
        channel: Channel,
        formats: Sequence[Format],
        *,
        kinds: tuple[str, ...],
        removed: Iterable[str],
        base_fingerprint: str,
        search: str,
        combine: str,
        events: str,
    ) -> None:
        self._catalog = catalog
        self._base_fingerprint = base_fingerprint
        self._generation = -1
        self._fingerprint = ""
        self._changed_at: datetime | None = None
        # The format that lists name comes first: pages suggest it to readers.
        ordered = sorted(formats, key=lambda feed_format: feed_format.name == "json")
        links = SiteLinks(
            kinds=kinds,
            removed=frozenset(removed),
            formats=tuple((r.title, r.media_type.partition(";")[0], r.suffix) for r in ordered),
            search=search,
            combine=combine,
            events=events,
        )
        self._channel = replace(channel, links=links)

    def channel(self) -> Channel:
        """Return the channel with the addresses of all pages; another object if one has moved."""
        generation = self._catalog.generation()
        if generation != self._generation:
            links = self._channel.links
            slug_overrides = self._catalog.slug_overrides()
            kinds = self._catalog.with_enough_feeds(self._catalog.listed_kinds())
            listed = tuple(kind for kind in KINDS if kind in kinds and KINDS[kind].heading)
            new = replace(links, slug_overrides=slug_overrides, listed=listed)
            if new != links or not self._fingerprint:
                self._channel = replace(self._channel, links=new)
                overrides = sorted(slug_overrides.items())
                self._fingerprint = fingerprint(
                    self._base_fingerprint,
                    [(kind, key, slug) for (kind, key), slug in overrides],
                    listed,
                )
            self._generation = generation
        return self._channel

    def forget(self) -> None:
        """Read the catalog again at the next use."""
        self._generation = -1
        self._changed_at = None

    def fingerprint(self, state: FeedState) -> str:
        """Return the fingerprint of a feed's page, over that of the feed and all links."""
        return fingerprint(state.fingerprint, self.links_fingerprint())

    def changed_at(self, state: FeedState) -> datetime:
        """Return when a feed's page changed: with the feed, or with the links."""
        if self._changed_at is None:
            self._changed_at = self._catalog.indexes.changed_at(LINKS)
        return max(state.changed_at, self._changed_at)

    def update_date(self, now: int) -> bool:
        """Record that links changed at `now`, if they did, and return whether they did.

        In a new catalog they never changed.
        """
        links = self.links_fingerprint()
        self._changed_at = None
        return self._catalog.indexes.update(LINKS, links, now=now, first=lambda: 0)

    def links_fingerprint(self) -> str:
        """Return the fingerprint of what pages are made with besides articles."""
        self.channel()
        return self._fingerprint
