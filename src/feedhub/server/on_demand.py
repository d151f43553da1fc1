"""Documents that no edition lists: a selection in the query of an address, a story by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cachetools import LRUCache

from feedhub.errors import CatalogError
from feedhub.formats import FORMATS, PAGE
from feedhub.selection import Selection, parse_query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from feedhub.formats import Format
    from feedhub.server.snapshot import Resource, SiteSnapshot

SEARCH, STORIES = "search", "stories/"
# Bytes of answers that are known, how long a query may be to be one of them, how many may wait.
_KEPT, _LONGEST_KEPT, _WAITING = 4_000_000, 2_048, 64
# An answer has its address four times, which may be longer than the query, and some header fields.
_TIMES, _AROUND = 4, 3_000


class Address(NamedTuple):
    """An address that is asked for: the format of the document, and of which story, "" for none."""

    format: Format
    story: str


def address_of(snapshot: SiteSnapshot, path: str, raw_path: bytes) -> Address | None:
    """Return what a path, given decoded and as it was sent, asks for, or None."""
    below = path.removeprefix(f"{snapshot.prefix}/")
    feeds = snapshot.config.feeds
    if below == path or (b"%" in raw_path and b"%2f" in raw_path.lower()):
        return None
    if below.startswith(SEARCH) and feeds.search == "yes":
        return _search(below.removeprefix(SEARCH))
    if below.startswith(STORIES) and feeds.stories == "yes":
        return _story(below.removeprefix(STORIES))
    return None


def _search(ending: str) -> Address | None:
    return next((Address(row, "") for row in FORMATS.values() if ending == _ending(row)), None)


def _story(name: str) -> Address | None:
    for row in FORMATS.values():
        slug = name.removesuffix(_ending(row))
        if slug and slug != name and "/" not in slug:
            return Address(row, slug)
    return None


def _ending(row: Format) -> str:
    return "/" if row is PAGE else row.suffix


class OnDemandResources:
    """Finds what is asked for; `find` looks in the catalog, beside the event loop.

    It raises VanishedError where there is nothing, CatalogError where that cannot be told.
    """

    def __init__(self, find: Callable[[Selection | str, Format], Awaitable[Resource]]) -> None:
        self._find = find
        # Values are a resource and about how many bytes it and its key take.
        self._cache: LRUCache[tuple[str, bytes], tuple[Resource, int]] = LRUCache(
            _KEPT, getsizeof=lambda value: value[1]
        )
        self._snapshot: SiteSnapshot | None = None
        self._waiting = 0

    async def resource(
        self, snapshot: SiteSnapshot, path: str, raw_path: bytes, query: bytes
    ) -> Resource | None:
        """Return what stands at an address, or None where nothing can be asked for there.

        Raises SelectionError for a query that is nonsense, and what `find` raises.
        """
        address = address_of(snapshot, path, raw_path)
        if address is None:
            return None
        if snapshot is not self._snapshot:
            self._cache.clear()
            self._snapshot = snapshot
        key = (path, b"" if address.story else query)
        if known := self._cache.get(key):
            return known[0]
        found = await self._found(address, query)
        self._keep(snapshot, key, found)
        return found

    async def _found(self, address: Address, query: bytes) -> Resource:
        wanted = address.story or parse_query(query)
        if self._waiting >= _WAITING:
            raise CatalogError("too many ask at once")
        self._waiting += 1
        try:
            return await self._find(wanted, address.format)
        finally:
            self._waiting -= 1

    def _keep(self, snapshot: SiteSnapshot, key: tuple[str, bytes], resource: Resource) -> None:
        if snapshot is self._snapshot and len(key[1]) <= _LONGEST_KEPT:
            weight = len(key[1]) + _TIMES * len(resource.url) + _AROUND
            self._cache[key] = (resource, weight)
