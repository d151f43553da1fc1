"""Streams of changes: the articles that come into feeds, as Server-Sent Events (HTML, 9.2).

A stream has no buffer: it remembers a position in the catalog, and is woken when that has changed.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from feedhub.config import HttpConfig
from feedhub.dates import format_rfc3339
from feedhub.errors import CatalogError
from feedhub.server.catalog_reader import VanishedError
from feedhub.server.logs import client_name
from feedhub.server.metrics import Metrics
from feedhub.server.on_demand import wait_for_hang_up
from feedhub.server.request_fields import merge_fields
from feedhub.server.responses import (
    RETRY_SOON,
    HttpResponse,
    method_not_allowed,
    options_response,
    text_response,
    unavailable,
)
from feedhub.site.arrivals import Arrivals

EVENT_STREAM = b"text/event-stream"
MAX_FEEDS = 50  # of one stream
MAX_PARAMETERS, MAX_POSITION = 100, 100
# Seconds after which a comment is sent: proxies close what is silent for a minute.
KEEP_ALIVE = 20.0
# Seconds after which a client that takes nothing is dropped.
SEND_TIMEOUT = 30.0
# Milliseconds after which a client connects again (HTML, 9.2.4), and seconds where it was refused.
RECONNECT, RETRY_WHEN_FULL = 5_000, 60
# Under this name the scope of a request has what sends to its connection.
CONNECTION = "feedhub.connection"
HEADERS = [
    (b"content-type", EVENT_STREAM),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold back what it can still fill a buffer with
    (b"x-content-type-options", b"nosniff"),
    (b"access-control-allow-origin", b"*"),
]

LookUp = Callable[[tuple[str, ...], str], Awaitable[Arrivals | None]]
"""Gets the paths of feeds and a position, as `CatalogReader.arrivals` does."""


class StreamRequest(NamedTuple):
    """The feeds of a stream, by their paths, and the position after which it begins, or ""."""

    feeds: tuple[str, ...]
    after: str


def parse_request(scope: Scope) -> StreamRequest | None:
    """Return the parsed request, None if it has too many parameters or feeds.

    A feed may be given with the suffix of a format, or by its page. A client that connects again
    sends the last id, which is newer than what the address says.
    """
    query = scope["query_string"].decode("latin-1")
    try:
        values = parse_qs(query, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return None
    names = {path.strip("/").partition(".")[0] for path in values.get("feed", ["all"])}
    if len(names) > MAX_FEEDS:
        return None
    last = merge_fields(scope["headers"]).get(b"last-event-id", b"").decode("latin-1")
    after = last or values.get("after", [""])[0]
    return StreamRequest(tuple(sorted(names)), after[:MAX_POSITION])


def encode(found: Arrivals) -> str:
    """Return what a stream says of articles: their event, or only the position where none is new.

    A program learns from `reset` that it may have missed some, and reads the feed itself.
    """
    lines = [f"id: {found.position}"]
    if found.articles or found.is_reset:
        articles = [
            {
                "id": article.id,
                "url": article.url,
                "title": article.title,
                "date_published": format_rfc3339(article.published),
                "feeds": article.feeds,
            }
            for article in found.articles
        ]
        data = json.dumps({"articles": articles}, ensure_ascii=False, separators=(",", ":"))
        lines += ["event: reset"] * found.is_reset + [f"data: {data}"]
    return "\n".join(lines) + "\n\n"


class EventStreams:
    """The open streams of a process; `look_up` queries the catalog in its own thread."""

    def __init__(self, look_up: LookUp, metrics: Metrics) -> None:
        self._look_up = look_up
        self._metrics = metrics
        self._open: Counter[str] = Counter()  # by client
        self._changed = asyncio.Event()
        # What all streams with the same feeds and position are told.
        self._shared: dict[StreamRequest, asyncio.Task[Arrivals | None]] = {}
        self._closing = False

    def wake(self) -> None:
        """Have every stream look for what is new."""
        self._shared = {}
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def close(self) -> None:
        """End every stream: its client connects again, and goes on where it was."""
        self._closing = True
        self.wake()

    async def respond(
        self, http: HttpConfig, scope: Scope, receive: Receive, send: Send
    ) -> HttpResponse | None:
        """Send a stream until it ends, and return None; or return another response."""
        method = scope["method"]
        if method == "OPTIONS":
            return options_response()
        if method not in ("GET", "HEAD"):
            return method_not_allowed(method)
        request = parse_request(scope)
        if request is None:
            return text_response(400, reason=f"a stream has at most {MAX_FEEDS} feeds")
        # Loads the table of readers, which most servers do not need.
        from feedhub.user_agents import household

        client = household(client_name(scope.get("client")))
        if self._open.total() >= http.events:
            return self._refuse(503, "too many streams are open")
        if self._open[client] >= http.events_per_client:
            return self._refuse(429, "too many streams of this address are open")
        self._open[client] += 1
        self._metrics.event_streams.inc()
        try:
            if self._closing or await self._find(request) is None:
                return unavailable(RETRY_SOON)
            if method == "HEAD":
                return HttpResponse(200, HEADERS, b"")
            await self._stream(request, scope, receive, send)
        except VanishedError:
            return text_response(404, reason="this site has no such feed")
        except CatalogError:
            return unavailable(RETRY_SOON)
        finally:
            self._metrics.event_streams.dec()
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]
        return None

    def _refuse(self, status: int, reason: str) -> HttpResponse:
        self._metrics.event_streams_refused.inc()
        retry = (b"retry-after", b"%d" % RETRY_WHEN_FULL)
        return text_response(status, retry, reason=reason)

    async def _find(self, request: StreamRequest) -> Arrivals | None:
        """Return what is new for a request; all streams that ask for the same share the look-up."""

        def forget_failure(done: asyncio.Task[Arrivals | None]) -> None:
            failed = done.cancelled() or done.exception() or done.result() is None
            if failed and self._shared.get(request) is done:
                del self._shared[request]

        task = self._shared.get(request)
        if task is None:
            task = asyncio.ensure_future(self._look_up(*request))
            task.add_done_callback(forget_failure)
            self._shared[request] = task
        return await asyncio.shield(task)

    async def _stream(
        self, request: StreamRequest, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Send what is new whenever that changes, until the client hangs up or the server ends."""
        hang_up = asyncio.ensure_future(wait_for_hang_up(receive))

        async def write(text: str, *, more: bool = True) -> None:
            body = {"type": "http.response.body", "body": text.encode(), "more_body": more}
            async with asyncio.timeout(SEND_TIMEOUT):
                await send(body)

        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            text = f"retry: {RECONNECT}\n"
            while not (self._closing or hang_up.done()):
                changed = self._changed
                try:
                    found = await self._find(request)
                except VanishedError:
                    break  # the feed was retired meanwhile
                except CatalogError:
                    found = None  # look again when there is a change, or after a silence
                if found and (text or found.position != request.after):
                    await write(text + encode(found))
                    self._metrics.events.inc(bool(found.articles))
                    request, text = request._replace(after=found.position), ""
                while not (changed.is_set() or hang_up.done()):
                    if await is_silent(changed, hang_up):
                        await write(":\n\n")
                        if found is None:
                            break
            await write("", more=False)
        except TimeoutError:
            self._metrics.event_streams_dropped.inc()
            # The end of a response waits until the client has read it.
            scope[CONNECTION].__self__.transport.abort()
        finally:
            hang_up.cancel()


async def is_silent(changed: asyncio.Event, hang_up: asyncio.Future[None]) -> bool:
    """Wait for a change or the end of a client; return whether there was neither for too long."""
    waiting = asyncio.ensure_future(changed.wait())
    both = (waiting, hang_up)
    done, _ = await asyncio.wait(both, timeout=KEEP_ALIVE, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return not done
