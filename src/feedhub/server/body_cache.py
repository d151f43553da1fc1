"""The bytes of documents: built when first needed, once for all who wait, kept under a budget."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from cachetools import LRUCache

from feedhub.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from feedhub.server.catalog_reader import BuiltDocument
    from feedhub.server.snapshot import Resource

_Key = tuple[str, str]


class BodyCache:
    """Bytes by path and coding, each with the fingerprint it was built for.

    `build` takes an entry, a coding and the bytes without coding where they are at hand. `budget`
    is in bytes; what was not asked for the longest time goes first. `most` documents at once are
    built or wait for it.
    """

    def __init__(
        self,
        budget: int,
        build: Callable[[Resource, str, bytes | None], Awaitable[BuiltDocument]],
        most: float = math.inf,
    ) -> None:
        self._build = build
        self._most = most
        self._cache: LRUCache[_Key, tuple[str, bytes]] = LRUCache(
            budget, getsizeof=lambda kept: len(kept[1])
        )
        self._building: dict[tuple[str, str, str], asyncio.Task[BuiltDocument]] = {}

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return int(self._cache.currsize)

    def get(self, resource: Resource, coding: str) -> bytes | None:
        """Return the bytes if they are at hand and of this very document."""
        found = self._cache.get((resource.planned.path, coding))
        if found is None or found[0] != resource.planned.fingerprint:
            return None
        return found[1]

    async def get_or_build(self, resource: Resource, coding: str) -> BuiltDocument:
        """Build the bytes, or wait for whoever builds them already; raises what `build` raises.

        They may be of a newer document than `resource`: then the result says so. Raises
        CatalogError where too many wait.
        """
        key = (resource.planned.path, resource.planned.fingerprint, coding)
        task = self._building.get(key)
        if task is None:
            if len(self._building) >= self._most:
                raise CatalogError("too many ask at once")
            task = asyncio.ensure_future(self._make(resource, coding))
            self._building[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(task)  # who hangs up stops nobody else

    def _finished(self, key: tuple[str, str, str], task: asyncio.Task[BuiltDocument]) -> None:
        del self._building[key]
        if not task.cancelled():
            task.exception()  # it is told to whoever waits; here nobody may wait any more

    async def _make(self, resource: Resource, coding: str) -> BuiltDocument:
        made = await self._build(resource, coding, self.get(resource, ""))
        self._keep(made.resource, "", made.plain)
        if coding:
            self._keep(made.resource, coding, made.body)
        return made

    def _keep(self, resource: Resource, coding: str, body: bytes) -> None:
        key = (resource.planned.path, coding)
        if len(body) <= self._cache.maxsize:
            self._cache[key] = (resource.planned.fingerprint, body)
        else:  # it would push out everything; what was kept is of an older document
            self._cache.pop(key, None)
