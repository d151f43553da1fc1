"""Documents on demand, which no snapshot lists: selections by query, and stories by slug."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from cachetools import LRUCache
from starlette.types import Receive, Scope

from feedhub.errors import CatalogError
from feedhub.formats import FORMATS, PAGE, Format
from feedhub.selection import Selection, parse_query
from feedhub.server.snapshot import Resource, SiteSnapshot

SEARCH, STORIES = "search", "stories/"
CACHE_BYTES = 4_000_000
MAX_WAITING = 64  # clients at once, and requests of each
MAX_CACHED_QUERY = 2_048  # bytes
# A resource holds its address four times, which may be longer than the query, and some headers.
URL_COPIES, HEADER_BYTES = 4, 3_000


class HungUpError(Exception):
    """The client has closed its connection."""


class OnDemandRequest(NamedTuple):
    """A selection or the slug of a story, and a format. Equal keys mean the same document."""

    key: tuple[str, bytes]
    wanted: Selection | str
    format: Format


def parse_request(snapshot: SiteSnapshot, scope: Scope) -> OnDemandRequest | None:
    """Return the parsed request, None for any other address; raises SelectionError."""
    path, raw_path, query = scope["path"], scope["raw_path"], scope["query_string"]
    relative = path.removeprefix(f"{snapshot.prefix}/")
    feeds = snapshot.config.feeds
    if relative == path or (b"%" in raw_path and b"%2f" in raw_path.lower()):
        return None
    if relative.startswith(SEARCH) and feeds.search == "yes":
        for row in FORMATS.values():
            if relative == SEARCH + ending_of(row):
                return OnDemandRequest((path, query), parse_query(query), row)
    if relative.startswith(STORIES) and feeds.stories == "yes":
        name = relative.removeprefix(STORIES)
        for row in FORMATS.values():
            slug = name.removesuffix(ending_of(row))
            if slug and slug != name and "/" not in slug:
                return OnDemandRequest((path, b""), slug, row)
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

    def get(self, snapshot: SiteSnapshot, request: OnDemandRequest) -> Resource | None:
        """Return the resource if it is cached."""
        if snapshot is not self._snapshot:
            self._cache.clear()
            self._snapshot = snapshot
        known = self._cache.get(request.key)
        return known and known[0]

    async def find(self, snapshot: SiteSnapshot, request: OnDemandRequest) -> Resource:
        """Return the resource, looked up unless it is cached; raises what `look_up` raises."""
        key, wanted, row = request
        # The snapshot may have changed while the request waited, and changes while it is looked up.
        if snapshot is self._snapshot and (known := self._cache.get(key)):
            return known[0]
        resource = await self._look_up(wanted, row)
        if snapshot is self._snapshot and len(key[1]) <= MAX_CACHED_QUERY:
            size = len(key[1]) + URL_COPIES * len(resource.url) + HEADER_BYTES
            self._cache[key] = (resource, size)
        return resource


class FairQueue:
    """Runs one request at a time, and takes the clients in turns."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._client_locks: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, client: str, receive: Receive) -> AsyncIterator[None]:
        """Wait for a turn, which lasts as long as the block.

        Raises CatalogError if too many wait, HungUpError if the client is gone when it is its turn.
        """
        if max(len(self._waiting), self._waiting[client]) >= MAX_WAITING:
            raise CatalogError("too many requests at once")
        self._waiting[client] += 1
        hang_up = asyncio.ensure_future(wait_for_hang_up(receive))
        try:
            # Locks are fair: they are acquired in order of arrival.
            async with self._client_locks.setdefault(client, asyncio.Lock()), self._lock:
                if hang_up.done():
                    raise HungUpError
                yield
        finally:
            hang_up.cancel()
            self._waiting[client] -= 1
            if not self._waiting[client]:
                del self._waiting[client], self._client_locks[client]


async def wait_for_hang_up(receive: Receive) -> None:
    """Return when a client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
