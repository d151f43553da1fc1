"""How the pages of a site find each other: which labels have one, and where it stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from feedhub.feed import SiteLinks
from feedhub.fingerprint import fingerprint
from feedhub.text import slugify

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from feedhub.catalog import Catalog
    from feedhub.feed import Channel, FeedState
    from feedhub.formats import Format

# The name of their date in the catalog, among the paths of indexes.
LINKS = "links of pages"


class PageLinks:
    """The links between pages, as the catalog has them now.

    Nearly every label stands at its own slug, so only the others are kept. `mark` stands for
    whatever else pages are made with.
    """

    def __init__(
        self,
        catalog: Catalog,
        channel: Channel,
        formats: Sequence[Format],
        *,
        kinds: tuple[str, ...],
        removed: Iterable[str],
        mark: str,
    ) -> None:
        self._catalog = catalog
        self._mark = mark
        self._generation = -1
        # The format that lists name comes first: it is the one for who does not choose.
        ordered = sorted(formats, key=lambda row: row.name == "json")
        links = SiteLinks(
            kinds=kinds,
            removed=frozenset(removed),
            formats=tuple((r.title, r.media_type.partition(";")[0], r.suffix) for r in ordered),
        )
        # For lists, which name feeds by their slugs: the catalog need not be asked.
        self.plain = self._channel = replace(channel, links=links)

    def channel(self) -> Channel:
        """Return the channel that knows where every page stands; it is another when one moves."""
        generation = self._catalog.generation()
        if generation != self._generation:
            links = self._channel.links
            slug_overrides = {
                (k, key): slug for k, key, slug in self._catalog.named() if slugify(key) != slug
            }
            if slug_overrides != links.slug_overrides:
                self._channel = replace(
                    self._channel, links=replace(links, slug_overrides=slug_overrides)
                )
            self._generation = generation
        return self._channel

    def forget(self) -> None:
        """Look again: a sync may number what it has taken back like what comes after."""
        self._generation = -1

    def fingerprint(self, state: FeedState) -> str:
        """Return the fingerprint of a feed's page: that of the feed, and where its links lead."""
        return fingerprint(state.fingerprint, self._links())

    def changed_at(self, state: FeedState) -> datetime:
        """Return when a feed's page changed: with the feed, or when links led elsewhere."""
        return max(state.changed_at, self._catalog.index_changed_at(LINKS))

    def date(self, now: int) -> None:
        """Note when links last led elsewhere; in a fresh catalog they never did."""
        self._catalog.date_index(LINKS, self._links(), now=now, first=0)

    def _links(self) -> str:
        overrides = sorted(self.channel().links.slug_overrides.items())
        return fingerprint(self._mark, [(kind, key, slug) for (kind, key), slug in overrides])
