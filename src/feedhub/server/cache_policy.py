"""How long caches may keep what they are given (RFC 9111, 5.2.2; RFC 5861)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedhub.config import HttpConfig
    from feedhub.site import Planned

# However near the next scheduled article is: readers take less for a mistake.
_FLOOR = 60


class CachePolicy:
    """The values of Cache-Control; a preview of drafts is nothing for a cache."""

    def __init__(self, http: HttpConfig, *, drafts: bool = False) -> None:
        self._max_age = http.max_age
        self._stale = (
            f"stale-while-revalidate={http.stale_while_revalidate}, "
            f"stale-if-error={http.stale_if_error}"
        )
        self._drafts = drafts
        self._feed = self._value(http.max_age)
        self._archive = self._value(max(http.max_age, http.archive_max_age))

    def header(self, planned: Planned, due: float | None, now: float) -> bytes:
        """Return the value for one document; `due` is when time alone will change the site.

        The newest archive of a feed may still grow and is cached like the feed.
        """
        if planned.state and planned.state.newer:
            return self._archive
        if due is None or now + self._max_age <= due:
            return self._feed
        return self._value(min(self._max_age, max(_FLOOR, int(due - now))))

    def _value(self, max_age: int) -> bytes:
        if self._drafts:
            return b"private, no-store"
        return f"public, max-age={max_age}, {self._stale}".encode()
