"""Documents on demand, which no snapshot lists: selections by query, and stories by slug."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from cachetools import LRUCache

from feedhub.errors import CatalogError
from feedhub.formats import FORMATS, PAGE, Format
from feedhub.selection import Selection, parse_query
from feedhub.server.snapshot import Resource, SiteSnapshot

SEARCH, STORIES = "search", "stories/"
CACHE_BYTES = 4_000_000
MAX_CACHED_QUERY = 2_048  # bytes
MAX_WAITING = 64  # look-ups at once
# A resource holds its address four times, which may be longer than the query, and some headers.
URL_COPIES, HEADER_BYTES = 4, 3_000


class OnDemandAddress(NamedTuple):
    """An address on demand: the format of the document, and the slug of a story or ""."""

    format: Format
    story: str


def parse_address(snapshot: SiteSnapshot, path: str, raw_path: bytes) -> OnDemandAddress | None:
    """Return the address on demand that a path is, given decoded and as it was sent, or None."""
    relative = path.removeprefix(f"{snapshot.prefix}/")
    feeds = snapshot.config.feeds
    if relative == path or (b"%" in raw_path and b"%2f" in raw_path.lower()):
        return None
    if relative.startswith(SEARCH) and feeds.search == "yes":
        for row in FORMATS.values():
            if relative == SEARCH + ending_of(row):
                return OnDemandAddress(row, "")
    if relative.startswith(STORIES) and feeds.stories == "yes":
        name = relative.removeprefix(STORIES)
        for row in FORMATS.values():
            slug = name.removesuffix(ending_of(row))
            if slug and slug != name and "/" not in slug:
                return OnDemandAddress(row, slug)
    return None


def ending_of(row: Format) -> str:
    """Return how the addresses of a format end."""
    return "/" if row is PAGE else row.suffix


class OnDemandResources:
    """Finds resources on demand, and caches them until the snapshot changes.

    `look_up` queries the catalog in its own thread. It raises VanishedError if there is no such
    document, CatalogError if the catalog cannot be read.
    """

    def __init__(self, look_up: Callable[[Selection | str, Format], Awaitable[Resource]]) -> None:
        self._look_up = look_up
        # Values are a resource and about how many bytes it and its key take.
        self._cache: LRUCache[tuple[str, bytes], tuple[Resource, int]] = LRUCache(
            CACHE_BYTES, getsizeof=lambda value: value[1]
        )
        self._snapshot: SiteSnapshot | None = None
        self._waiting = 0

    async def find(
        self, snapshot: SiteSnapshot, path: str, raw_path: bytes, query: bytes
    ) -> Resource | None:
        """Return the resource at an address, or None if it is no address on demand.

        Raises SelectionError for a wrong query, CatalogError if too many wait, and what `look_up`
        raises.
        """
        address = parse_address(snapshot, path, raw_path)
        if address is None:
            return None
        if snapshot is not self._snapshot:
            self._cache.clear()
            self._snapshot = snapshot
        key = (path, b"" if address.story else query)
        if known := self._cache.get(key):
            return known[0]
        wanted = address.story or parse_query(query)
        if self._waiting >= MAX_WAITING:
            raise CatalogError("too many requests at once")
        self._waiting += 1
        try:
            resource = await self._look_up(wanted, address.format)
        finally:
            self._waiting -= 1
        # The snapshot may have changed meanwhile.
        if snapshot is self._snapshot and len(key[1]) <= MAX_CACHED_QUERY:
            size = len(key[1]) + URL_COPIES * len(resource.url) + HEADER_BYTES
            self._cache[key] = (resource, size)
        return resource
