"""The links between the pages of a site: which labels have a page, and at which address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from feedhub.catalog import Catalog
from feedhub.feed import Channel, FeedState, SiteLinks
from feedhub.fingerprint import fingerprint
from feedhub.formats import Format
from feedhub.text import slugify

# The name under which the catalog has their date, among the paths of indexes.
LINKS = "links of pages"


class PageLinks:
    """The links between pages, as the catalog has them now.

    Nearly every label has its own slug, so only the others are stored. `base_fingerprint`
    is that of everything else that pages are made with.
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
    ) -> None:
        self._catalog = catalog
        self._base_fingerprint = base_fingerprint
        self._generation = -1
        # The format that lists name comes first: pages suggest it to readers.
        ordered = sorted(formats, key=lambda feed_format: feed_format.name == "json")
        links = SiteLinks(
            kinds=kinds,
            removed=frozenset(removed),
            formats=tuple((r.title, r.media_type.partition(";")[0], r.suffix) for r in ordered),
        )
        # For lists, which name feeds by their slugs and need nothing from the catalog.
        self.plain_channel = self._channel = replace(channel, links=links)

    def channel(self) -> Channel:
        """Return the channel with the addresses of all pages; another object if one has moved."""
        generation = self._catalog.generation()
        if generation != self._generation:
            links = self._channel.links
            slug_overrides = {
                (k, key): slug
                for k, key, slug in self._catalog.feed_slugs()
                if slugify(key) != slug
            }
            if slug_overrides != links.slug_overrides:
                self._channel = replace(
                    self._channel, links=replace(links, slug_overrides=slug_overrides)
                )
            self._generation = generation
        return self._channel

    def forget(self) -> None:
        """Read the catalog again at the next use."""
        self._generation = -1

    def fingerprint(self, state: FeedState) -> str:
        """Return the fingerprint of a feed's page, over that of the feed and all links."""
        return fingerprint(state.fingerprint, self._links_fingerprint())

    def changed_at(self, state: FeedState) -> datetime:
        """Return when a feed's page changed: with the feed, or with the links."""
        return max(state.changed_at, self._catalog.index_changed_at(LINKS))

    def update_date(self, now: int) -> None:
        """Record that links changed at `now`, if they did; in a new catalog they never changed."""
        self._catalog.update_index_date(LINKS, self._links_fingerprint(), now=now, first=0)

    def _links_fingerprint(self) -> str:
        overrides = sorted(self.channel().links.slug_overrides.items())
        return fingerprint(
            self._base_fingerprint, [(kind, key, slug) for (kind, key), slug in overrides]
        )
