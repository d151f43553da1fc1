"""The bytes of documents: built when first needed, once for all who wait, kept under a budget."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from feedhub.errors import CatalogError
from feedhub.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from feedhub.app.edition import Entry
    from feedhub.app.library import Made

_Key = tuple[str, str]


class Bodies:
    """Bytes by path and coding, each with the fingerprint it was built for.

    `build` takes an entry, a coding and the bytes without coding where they are at hand. `budget`
    is in bytes; what was not asked for the longest time goes first. `most` documents at once are
    built or wait for it.
    """

    def __init__(
        self,
        budget: int,
        build: Callable[[Entry, str, bytes | None], Awaitable[Made]],
        most: float = math.inf,
    ) -> None:
        self._build = build
        self._most = most
        self._kept: Kept[_Key, tuple[str, bytes]] = Kept(budget)
        self._building: dict[tuple[str, str, str], asyncio.Task[Made]] = {}

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self._kept.weight

    def ready(self, entry: Entry, coding: str) -> bytes | None:
        """Return the bytes if they are at hand and of this very document."""
        found = self._kept.get((entry.planned.path, coding))
        if found is None or found[0] != entry.planned.fingerprint:
            return None
        return found[1]

    async def fetch(self, entry: Entry, coding: str) -> Made:
        """Build the bytes, or wait for whoever builds them already; raises what `build` raises.

        They may be of a newer document than `entry`: then the result says so. Raises CatalogError
        where too many wait.
        """
        key = (entry.planned.path, entry.planned.fingerprint, coding)
        task = self._building.get(key)
        if task is None:
            if len(self._building) >= self._most:
                raise CatalogError("too many ask at once")
            task = asyncio.ensure_future(self._make(entry, coding))
            self._building[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(task)  # who hangs up stops nobody else

    def _finished(self, key: tuple[str, str, str], task: asyncio.Task[Made]) -> None:
        del self._building[key]
        if not task.cancelled():
            task.exception()  # it is told to whoever waits; here nobody may wait any more

    async def _make(self, entry: Entry, coding: str) -> Made:
        made = await self._build(entry, coding, self.ready(entry, ""))
        self._keep(made.entry, "", made.plain)
        if coding:
            self._keep(made.entry, coding, made.body)
        return made

    def _keep(self, entry: Entry, coding: str, body: bytes) -> None:
        kept = entry.planned.fingerprint, body
        self._kept.put((entry.planned.path, coding), kept, len(body))
