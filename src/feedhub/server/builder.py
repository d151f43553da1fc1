"""What the event loop asks: the present edition, and documents made beside it in one thread."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from feedhub.document import CODINGS
from feedhub.server.body_cache import BodyCache
from feedhub.server.on_demand import OnDemandResources
from feedhub.server.recorder import RequestRecorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import ParamSpec, TypeVar

    from feedhub.formats import Format
    from feedhub.selection import Selection
    from feedhub.server.access_log import AccessLog
    from feedhub.server.catalog_reader import BuiltDocument, CatalogReader
    from feedhub.server.events import Events
    from feedhub.server.metrics import Metrics
    from feedhub.server.snapshot import Resource, SiteSnapshot

    P = ParamSpec("P")
    T = TypeVar("T")

# How many documents that strangers ask for may wait to be built.
_WAITING = 64


class DocumentBuilder:
    """Runs a library in a thread of its own, so that nothing it does holds up an answer.

    `budget` is how many bytes of documents are kept; `tells` is false in a worker, beside which
    another process tells what is wrong with the catalog.
    """

    def __init__(
        self,
        reader: CatalogReader,
        budget: int,
        log: AccessLog,
        events: Events,
        metrics: Metrics,
        *,
        tells: bool = True,
    ) -> None:
        self.reader = reader
        self._thread = ThreadPoolExecutor(1, "library")
        self._bodies = BodyCache(budget, self._build)
        # Strangers invent queries: what they are given may not push out what all readers ask for,
        # nor hold it up for longer than one of them takes.
        self._asked = BodyCache(budget // 4, self._build_asked, _WAITING)
        self._one_asks = asyncio.Lock()
        self._asking = OnDemandResources(self._find)
        self.recorder = RequestRecorder(log, metrics)
        self._events = events
        self._metrics = metrics
        self._tells = tells
        self._looking: asyncio.Future[None] | None = None

    @property
    def snapshot(self) -> SiteSnapshot | None:
        """What is served now, or None before anything was read."""
        return self.reader.snapshot

    def get(self, resource: Resource, coding: str) -> bytes | None:
        """Return the bytes of a document if they are at hand."""
        return self._bodies_of(resource).get(resource, coding)

    async def get_or_build(self, resource: Resource, coding: str) -> BuiltDocument:
        """Return the bytes of a document, or of what has become of it; raises CatalogError."""
        return await self._bodies_of(resource).get_or_build(resource, coding)

    async def ask(
        self, snapshot: SiteSnapshot, path: str, raw_path: bytes, query: bytes
    ) -> Resource | None:
        """Return what is asked for by a query or as a story, or None for any other address.

        Raises SelectionError, CatalogError, and VanishedError where there is nothing.
        """
        return await self._asking.resource(snapshot, path, raw_path, query)

    def _bodies_of(self, resource: Resource) -> BodyCache:
        return self._asked if resource.planned.on_demand else self._bodies

    async def _find(self, wanted: Selection | str, row: Format) -> Resource:
        async with self._one_asks:
            return await self._in_thread(self.reader.on_demand, wanted, row)

    async def delta(self, resource: Resource, bases: Iterable[str], coding: str) -> bytes | None:
        """Return what is new since one of `bases` in a coding; None where that cannot be told."""
        plain = await self._in_thread(self.reader.delta, resource, bases)
        if plain is None or not coding:
            return plain
        return await self._in_thread(CODINGS[coding].encode, plain)

    async def refresh(self) -> None:
        """Look whether the catalog has moved; what went wrong is told once."""
        before = self.reader.problem
        await self._in_thread(self.reader.refresh)
        if self._tells and self.reader.problem not in ("", before):
            self._events.say(self.reader.problem)
        self._metrics.kept.set(self._bodies.size + self._asked.size)
        self.recorder.settle()

    async def first_edition(self) -> SiteSnapshot | None:
        """Look once more before saying that there is nothing: another process may know better."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(self.refresh())
            self._looking.add_done_callback(self._looked)
        await asyncio.shield(self._looking)
        return self.snapshot

    def _looked(self, _: asyncio.Future[None]) -> None:
        self._looking = None

    async def reload(self) -> None:
        """Read the configuration again; raises ConfigError."""
        await self._in_thread(self.reader.reload)
        await self.refresh()

    def complain(self, what: str, error: Exception) -> None:
        """Tell of a fault in one line."""
        self._metrics.faults.inc()
        self._events.say(f"{what}: {type(error).__name__}: {error}")

    async def close(self) -> None:
        """Let go of the catalog and write what is left of the log."""
        await self._in_thread(self.reader.close)
        self._thread.shutdown()
        self.recorder.settle()

    async def _build_asked(
        self, resource: Resource, coding: str, plain: bytes | None
    ) -> BuiltDocument:
        async with self._one_asks:
            return await self._build(resource, coding, plain)

    async def _build(self, resource: Resource, coding: str, plain: bytes | None) -> BuiltDocument:
        with self._metrics.build_seconds.time():
            return await self._in_thread(self.reader.build, resource, coding, plain)

    async def _in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: call(*args, **kwargs))
