"""What the event loop asks: the present edition, and documents made beside it in one thread."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from feedhub.app.asking import Asking
from feedhub.app.bodies import Bodies
from feedhub.app.ledger import Ledger
from feedhub.document import CODINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import ParamSpec, TypeVar

    from feedhub.app.access_log import AccessLog
    from feedhub.app.edition import Edition, Entry
    from feedhub.app.events import Events
    from feedhub.app.library import Library, Made
    from feedhub.app.metrics import Metrics
    from feedhub.formats import Format
    from feedhub.selection import Selection

    P = ParamSpec("P")
    T = TypeVar("T")

# How many documents that strangers ask for may wait to be built.
_WAITING = 64


class Press:
    """Runs a library in a thread of its own, so that nothing it does holds up an answer.

    `budget` is how many bytes of documents are kept; `tells` is false in a worker, beside which
    another process tells what is wrong with the catalog.
    """

    def __init__(
        self,
        library: Library,
        budget: int,
        log: AccessLog,
        events: Events,
        metrics: Metrics,
        *,
        tells: bool = True,
    ) -> None:
        self.library = library
        self._thread = ThreadPoolExecutor(1, "library")
        self._bodies = Bodies(budget, self._build)
        # Strangers invent queries: what they are given may not push out what all readers ask for,
        # nor hold it up for longer than one of them takes.
        self._asked = Bodies(budget // 4, self._build_asked, _WAITING)
        self._one_asks = asyncio.Lock()
        self._asking = Asking(self._find)
        self.ledger = Ledger(log, metrics)
        self._events = events
        self._metrics = metrics
        self._tells = tells
        self._looking: asyncio.Future[None] | None = None

    @property
    def edition(self) -> Edition | None:
        """What is served now, or None before anything was read."""
        return self.library.edition

    def ready(self, entry: Entry, coding: str) -> bytes | None:
        """Return the bytes of a document if they are at hand."""
        return self._bodies_of(entry).ready(entry, coding)

    async def fetch(self, entry: Entry, coding: str) -> Made:
        """Return the bytes of a document, or of what has become of it; raises CatalogError."""
        return await self._bodies_of(entry).fetch(entry, coding)

    async def ask(self, edition: Edition, path: str, raw_path: bytes, query: bytes) -> Entry | None:
        """Return what is asked for by a query or as a story, or None for any other address.

        Raises SelectionError, CatalogError, and VanishedError where there is nothing.
        """
        return await self._asking.entry(edition, path, raw_path, query)

    def _bodies_of(self, entry: Entry) -> Bodies:
        return self._asked if entry.planned.asked else self._bodies

    async def _find(self, wanted: Selection | str, row: Format) -> Entry:
        async with self._one_asks:
            return await self._in_thread(self.library.asked, wanted, row)

    async def news(self, entry: Entry, bases: Iterable[str], coding: str) -> bytes | None:
        """Return what is new since one of `bases` in a coding; None where that cannot be told."""
        plain = await self._in_thread(self.library.news, entry, bases)
        if plain is None or not coding:
            return plain
        return await self._in_thread(CODINGS[coding].encode, plain)

    async def refresh(self) -> None:
        """Look whether the catalog has moved; what went wrong is told once."""
        before = self.library.problem
        await self._in_thread(self.library.refresh)
        if self._tells and self.library.problem not in ("", before):
            self._events.say(self.library.problem)
        self._metrics.kept.set(self._bodies.size + self._asked.size)
        self.ledger.settle()

    async def first_edition(self) -> Edition | None:
        """Look once more before saying that there is nothing: another process may know better."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(self.refresh())
            self._looking.add_done_callback(self._looked)
        await asyncio.shield(self._looking)
        return self.edition

    def _looked(self, _: asyncio.Future[None]) -> None:
        self._looking = None

    async def reload(self) -> None:
        """Read the configuration again; raises ConfigError."""
        await self._in_thread(self.library.reload)
        await self.refresh()

    def complain(self, what: str, error: Exception) -> None:
        """Tell of a fault in one line."""
        self._metrics.faults.inc()
        self._events.say(f"{what}: {type(error).__name__}: {error}")

    async def close(self) -> None:
        """Let go of the catalog and write what is left of the log."""
        await self._in_thread(self.library.close)
        self._thread.shutdown()
        self.ledger.settle()

    async def _build_asked(self, entry: Entry, coding: str, plain: bytes | None) -> Made:
        async with self._one_asks:
            return await self._build(entry, coding, plain)

    async def _build(self, entry: Entry, coding: str, plain: bytes | None) -> Made:
        with self._metrics.build_seconds.time():
            return await self._in_thread(self.library.build, entry, coding, plain)

    async def _in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: call(*args, **kwargs))
