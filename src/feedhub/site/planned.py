"""A document of a plan."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from feedhub.feed import FeedState
from feedhub.formats import PAGE, Format
from feedhub.kinds import ON_DEMAND_KINDS
from feedhub.site.cache_tags import names_of


class Planned(NamedTuple):
    """A document that can be built; equal fingerprints mean equal bytes.

    `changed_at` is when its bytes last changed, at least a second after the change before.
    Documents that list the whole site have no format and no state.
    """

    path: str
    fingerprint: str
    media_type: str
    changed_at: datetime
    format: Format | None = None
    state: FeedState | None = None

    @property
    def is_topic(self) -> bool:
        """Whether it is a topic (WebSub, 2): readers subscribe to it at the hub."""
        if self.state is None or self.format in (None, PAGE):
            return False
        return not self.state.period and not self.on_demand

    @property
    def on_demand(self) -> bool:
        """Whether it is built on request only, and on no list."""
        return self.state is not None and self.state.kind in ON_DEMAND_KINDS

    @property
    def is_listed(self) -> bool:
        """Whether it may be found without knowing its address."""
        return not self.on_demand and (self.state is None or self.state.is_listed)

    @property
    def cache_names(self) -> tuple[str, ...]:
        """The names by which a cache drops it, that of the whole site first."""
        return names_of(self.path, self.media_type, self.state)

    def etag(self, coding: str = "") -> str:
        """Return the entity tag in a content coding: each has its own (RFC 9110, 8.8.3.3)."""
        parts = (self.fingerprint, self.path.partition("?")[0].rpartition(".")[2], coding)
        return f'"{"-".join(filter(None, parts))}"'
