"""A document that a site has: where it stands, and by what readers know that it has changed."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from feedhub.feed import FeedState
from feedhub.formats import SUBSCRIBED, Format
from feedhub.kinds import ON_DEMAND_KINDS


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

    @property
    def topic(self) -> bool:
        """Tell whether readers subscribe to it: of no other is a hub told (WebSub, 2)."""
        subscribed = self.format is not None and self.format.name in SUBSCRIBED
        return (
            subscribed and not self.on_demand and self.state is not None and not self.state.period
        )

    @property
    def on_demand(self) -> bool:
        """Tell whether it is made for who asks, and stands in no list."""
        return self.state is not None and self.state.kind in ON_DEMAND_KINDS

    def etag(self, coding: str = "") -> str:
        """Return the entity tag in a content coding: each has its own (RFC 9110, 8.8.3.3)."""
        parts = (self.fingerprint, self.path.partition("?")[0].rpartition(".")[2], coding)
        return f'"{"-".join(filter(None, parts))}"'
