"""The builder of documents: it reads the catalog in a thread, and caches and shares the results."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from cachetools import LRUCache

from feedhub.document import CODINGS
from feedhub.server.catalog_reader import BuiltDocument, CatalogReader
from feedhub.server.events import EventStreams
from feedhub.server.logs import AccessLog, EventLog
from feedhub.server.metrics import Metrics
from feedhub.server.on_demand import FairQueue, OnDemandResources
from feedhub.server.recorder import RequestRecorder
from feedhub.server.snapshot import Resource, SiteSnapshot
from feedhub.site import may_exist

P = ParamSpec("P")
T = TypeVar("T")


class BodyCache:
    """The bytes of documents by path and coding, each built once for all requests that wait.

    `max_bytes` bounds the cache, which drops the least recently used. `build` gets a resource, a
    coding, and the bytes without a coding if they are cached.
    """

    def __init__(
        self,
        max_bytes: int,
        build: Callable[[Resource, str, bytes | None], Awaitable[BuiltDocument]],
    ) -> None:
        self._build = build
        # Values are a fingerprint and the bytes of the document that has it.
        self._cache: LRUCache[tuple[str, str], tuple[str, bytes]] = LRUCache(
            max_bytes, getsizeof=lambda value: len(value[1])
        )
        self._tasks: dict[tuple[str, str, str], asyncio.Task[BuiltDocument]] = {}

    @property
    def size(self) -> int:
        """The number of bytes in the cache."""
        return int(self._cache.currsize)

    def get(self, resource: Resource, coding: str) -> bytes | None:
        """Return the bytes of this very document if they are cached."""
        found = self._cache.get((resource.planned.path, coding))
        if found is None or found[0] != resource.planned.fingerprint:
            return None
        return found[1]

    async def get_or_build(self, resource: Resource, coding: str) -> BuiltDocument:
        """Build the bytes, or wait for the task that builds them; raises what `build` raises.

        They may be of a newer document: the result names its resource.
        """
        key = (resource.planned.path, resource.planned.fingerprint, coding)
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.ensure_future(self._build_and_store(resource, coding))
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)  # a client that hangs up must not stop the others

    def _forget(self, key: tuple[str, str, str], task: asyncio.Task[BuiltDocument]) -> None:
        del self._tasks[key]
        if not task.cancelled():
            # Retrieve the error: if every client has hung up, nothing else does, and asyncio warns.
            task.exception()

    async def _build_and_store(self, resource: Resource, coding: str) -> BuiltDocument:
        built = await self._build(resource, coding, self.get(resource, ""))
        self._store(built.resource, "", built.plain)
        if coding:
            self._store(built.resource, coding, built.body)
        return built

    def _store(self, resource: Resource, coding: str, body: bytes) -> None:
        key = (resource.planned.path, coding)
        if len(body) <= self._cache.maxsize:
            self._cache[key] = (resource.planned.fingerprint, body)
        else:  # it would push out everything else; drop what is cached of an older document
            self._cache.pop(key, None)


class DocumentBuilder:
    """Runs a catalog reader in its own thread, so that it never blocks the event loop.

    `max_bytes` bounds the cache of documents. `log_problems` is false in a worker, because its
    parent logs what is wrong with the catalog.
    """

    def __init__(
        self,
        reader: CatalogReader,
        max_bytes: int,
        log: AccessLog,
        events: EventLog,
        metrics: Metrics,
        *,
        log_problems: bool = True,
    ) -> None:
        self.reader = reader
        self._thread = ThreadPoolExecutor(1, "catalog")
        self._bodies = BodyCache(max_bytes, self._build)
        # There are endless queries. Their documents must not push out those that all readers need,
        # nor delay them for longer than it takes to build one.
        self._on_demand_bodies = BodyCache(max_bytes // 4, self._build)
        self.on_demand = OnDemandResources(
            lambda wanted, row: self._in_thread(self.reader.on_demand, wanted, row)
        )
        self.on_demand_queue = FairQueue()
        self.events = EventStreams(
            lambda paths, after: self._in_thread(self.reader.arrivals, paths, after), metrics
        )
        self.recorder = RequestRecorder(log, metrics)
        self._events = events
        self._metrics = metrics
        self._log_problems = log_problems
        self._seen: tuple[SiteSnapshot | None, str] = (None, "")
        self._shared_refresh: asyncio.Future[None] | None = None

    @property
    def snapshot(self) -> SiteSnapshot | None:
        """The present snapshot, or None before the catalog was read."""
        return self.reader.snapshot

    async def find(self, path: str) -> Resource | None:
        """Return the resource of the document at a path, or None; raises CatalogError.

        What is cached waits for nothing.
        """
        if not may_exist(path):
            return None
        cached = self.reader.resources.get(path)
        return cached.resource if cached else await self._in_thread(self.reader.find, path)

    async def is_retired(self, kind: str, slug: str) -> bool:
        """Return what `CatalogReader.is_retired` does."""
        return await self._in_thread(self.reader.is_retired, kind, slug)

    def get(self, resource: Resource, coding: str) -> bytes | None:
        """Return the bytes of a document if they are cached."""
        return self._bodies_for(resource).get(resource, coding)

    async def get_or_build(self, resource: Resource, coding: str) -> BuiltDocument:
        """Return the bytes of a document, or of its successor; raises CatalogError."""
        return await self._bodies_for(resource).get_or_build(resource, coding)

    async def asset(self, place: str) -> Path | None:
        """Return what `CatalogReader.asset` does."""
        return await self._in_thread(self.reader.asset, place)

    async def wrong_search(self, reason: str) -> bytes:
        """Return what `CatalogReader.wrong_search` does."""
        return await self._in_thread(self.reader.wrong_search, reason)

    async def delta(self, resource: Resource, bases: Iterable[str], coding: str) -> bytes | None:
        """Return the delta since one of `bases` in a coding, or None if none of them is known."""
        plain = await self._in_thread(self.reader.delta, resource, bases)
        if plain is None or not coding:
            return plain
        return await self._in_thread(CODINGS[coding].encode, plain)

    async def refresh(self) -> None:
        """Load what has changed in the catalog; a new problem is logged once."""
        await self._in_thread(self.reader.refresh)
        # A look-up may have refreshed too.
        (snapshot, problem), self._seen = self._seen, (self.snapshot, self.reader.problem)
        if self.snapshot is not snapshot:
            self.events.wake()
        if self._log_problems and self.reader.problem not in ("", problem):
            self._events.log(self.reader.problem)
        self._metrics.cache_bytes.set(self._bodies.size + self._on_demand_bodies.size)
        self._metrics.cached_resources.set(len(self.reader.resources))
        self.recorder.flush_all()

    async def refreshed_snapshot(self) -> SiteSnapshot | None:
        """Refresh once for all waiting requests: a sync has ended just now, or may have."""

        def forget(_: asyncio.Future[None]) -> None:
            self._shared_refresh = None

        if self._shared_refresh is None:
            self._shared_refresh = asyncio.ensure_future(self.refresh())
            self._shared_refresh.add_done_callback(forget)
        await asyncio.shield(self._shared_refresh)
        return self.snapshot

    async def reload(self) -> None:
        """Read the configuration again; raises ConfigError."""
        await self._in_thread(self.reader.reload)
        await self.refresh()

    def report_error(self, what: str, error: Exception) -> None:
        """Log and count an unexpected error."""
        self._metrics.errors.inc()
        self._events.log(f"{what}: {type(error).__name__}: {error}")

    async def close(self) -> None:
        """Close the catalog, and write the rest of the log."""
        await self._in_thread(self.reader.close)
        self._thread.shutdown()
        self.recorder.flush_all()

    def _bodies_for(self, resource: Resource) -> BodyCache:
        return self._on_demand_bodies if resource.planned.on_demand else self._bodies

    async def _build(self, resource: Resource, coding: str, plain: bytes | None) -> BuiltDocument:
        with self._metrics.build_seconds.time():
            return await self._in_thread(self.reader.build, resource, coding, plain)

    async def _in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: call(*args, **kwargs))
