"""The ASGI application of the server: documents, with preconditions (RFC 9110, 13).

It stands before Starlette because nearly every request is answered from a dictionary, by a tag;
all other requests are passed on to Starlette.
"""

from __future__ import annotations

import re
import time
from typing import NamedTuple
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feedhub.dates import format_http_date
from feedhub.document.negotiation import weights_of
from feedhub.document.preconditions import tags_of
from feedhub.errors import CatalogError
from feedhub.formats import PAGE, PAGE_MEDIA_TYPE
from feedhub.selection import SelectionError
from feedhub.server.builder import DocumentBuilder
from feedhub.server.catalog_reader import VanishedError
from feedhub.server.events import CONNECTION, EVENT_STREAM
from feedhub.server.logs import AccessRecord, client_name
from feedhub.server.on_demand import HungUpError, parse_request
from feedhub.server.recorder import RequestLabels
from feedhub.server.request_fields import (
    RELEVANT_FIELDS,
    Fields,
    has_one_host,
    merge_fields,
    opens_document,
    precondition_status,
    preferred_coding,
    wants_page,
)
from feedhub.server.responses import (
    RETRY_SOON,
    HttpResponse,
    lead_to_page,
    text_response,
    unavailable,
)
from feedhub.server.snapshot import SECURITY_HEADERS, Header, Resource, SiteSnapshot, server_policy

# Clients choose their requests: without limits they would choose the size of the cache too.
MAX_CACHED, MAX_CACHED_LENGTH = 2_048, 2_000
MAX_CACHED_BYTES = 32_000_000  # of their bodies: those that the body cache has dropped live on here
MAX_BASES = 64  # entity tags of one request that are looked up for a delta
MAX_LOGGED_PATH = 200  # characters
RETRY_LATER = 60  # seconds, after an unexpected error
CLIENT_HUNG_UP = 499  # the status that nginx logs
# http://host/path, which asks for /path whatever the host is (RFC 9112, 3.2.2).
_ABSOLUTE_FORM = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/]+(/.*)?", re.DOTALL)


class CachedResponse(NamedTuple):
    """A response that may be repeated: its two messages, and what is recorded of it."""

    start: Message
    body: Message
    labels: RequestLabels


class Documents:
    """An ASGI application that serves documents, and passes other requests on to `fallback`.

    Responses are cached for the rest of the second (the precision of Date), so that an equal
    request costs one look-up. Each response is recorded once.
    """

    def __init__(self, builder: DocumentBuilder, fallback: ASGIApp) -> None:
        self._builder = builder
        self._fallback = fallback
        self._record = builder.recorder.record
        self._snapshot: SiteSnapshot | None = None
        self._responses: dict[tuple[object, ...], CachedResponse] = {}
        self._cached_bytes = 0
        self._date: Header = (b"date", b"")
        self._second, self._second_ends = 0, 0.0  # the first request begins a second

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        if scope["type"] != "http":
            await self._fallback(scope, receive, send)
            return
        started = self._check_second()
        key = (
            scope["raw_path"],
            scope["query_string"],
            scope["method"],
            scope["http_version"],
            *[field for field in scope["headers"] if field[0] in RELEVANT_FIELDS],
        )
        cached = self._responses.get(key)
        if cached is None:
            await self._respond_uncached(scope, receive, send, key, started)
            return
        start, body, labels = cached
        await send(start)
        await send(body)
        self._record(labels, scope.get("client"), time.perf_counter() - started)

    def _check_second(self) -> float:
        """Return the time; a new second or a new snapshot empties the cache of responses."""
        now = time.perf_counter()
        if now >= self._second_ends or self._builder.reader.snapshot is not self._snapshot:
            self._reset_second(now)
        return now

    def _reset_second(self, now: float) -> None:
        """Set Date to the exact second (RFC 9110, 6.6.1): uvicorn's own may be a second old."""
        self._builder.recorder.flush()
        unix_time = time.time()
        self._snapshot = self._builder.reader.snapshot
        self._second = int(unix_time)
        self._second_ends = now + 1 - unix_time % 1
        self._date = (b"date", format_http_date(self._second).encode())
        self._responses, self._cached_bytes = {}, 0

    async def _respond_uncached(
        self, scope: Scope, receive: Receive, send: Send, key: tuple[object, ...], started: float
    ) -> None:
        """Answer a request, and cache the response if it may be repeated."""
        if match := _ABSOLUTE_FORM.fullmatch(scope["raw_path"]):  # httptools drops host by itself
            scope["raw_path"] = match[1] or b"/"
            scope["path"] = unquote(scope["raw_path"].decode("latin-1"))
        responses, fields = self._responses, merge_fields(scope["headers"])
        response = await self._respond(scope, receive, fields)
        if response is None:
            await self._pass_on(scope, receive, send, fields, started)
            return
        self._check_second()
        content = b"" if scope["method"] == "HEAD" else response.body
        body: Message = {"type": "http.response.body", "body": content}
        start: Message = {
            "type": "http.response.start",
            "status": response.status,
            "headers": [self._date, *response.headers],
        }
        labels = self._labels(scope, fields, response.format_name, response.status, len(content))
        # Waiting may have taken this into another second, whose response it is not.
        if response.is_repeatable and responses is self._responses and is_short(scope):
            cached_bytes = self._cached_bytes + len(content)
            if len(responses) < MAX_CACHED and cached_bytes <= MAX_CACHED_BYTES:
                self._cached_bytes = cached_bytes
                responses[key] = CachedResponse(start, body, labels)
        await send(start)
        await send(body)
        self._record(labels, scope.get("client"), time.perf_counter() - started)

    async def respond(self, scope: Scope, send: Send, response: HttpResponse) -> None:
        """Send a response that depends on nothing here, with Date, and record it."""
        started = self._check_second()
        headers = [self._date, *response.headers]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})
        fields, size = merge_fields(scope["headers"]), len(response.body)
        labels = self._labels(scope, fields, response.format_name, response.status, size)
        self._record(labels, scope.get("client"), time.perf_counter() - started)

    async def _respond(self, scope: Scope, receive: Receive, fields: Fields) -> HttpResponse | None:
        """Return the response, or None if the request is not for a document."""
        method, path, raw_path = scope["method"], scope["path"], scope["raw_path"]
        snapshot = self._snapshot or await self._builder.refreshed_snapshot()
        if snapshot is None:
            return unavailable(RETRY_SOON)
        if not has_one_host(scope, fields):
            return text_response(400)
        if method not in ("GET", "HEAD"):
            return None
        try:
            resource = await self._builder.find(snapshot.path_of(path, raw_path))
            if resource is None:
                return await self._on_demand_response(snapshot, scope, receive, fields)
            response = self._cached_response(method, snapshot, resource, fields)
            return response or await self._built_response(method, snapshot, resource, fields)
        except SelectionError as error:
            return await self._wrong_search_response(snapshot, str(error), fields)
        except HungUpError:
            return HttpResponse(CLIENT_HUNG_UP, [], b"")  # for the log alone
        except VanishedError:
            return None
        except CatalogError:
            return unavailable(RETRY_SOON)
        except Exception as error:  # the other documents must still be served
            self._builder.report_error(f"cannot serve {path[:MAX_LOGGED_PATH]!a}", error)
            return unavailable(RETRY_LATER)

    async def _on_demand_response(
        self, snapshot: SiteSnapshot, scope: Scope, receive: Receive, fields: Fields
    ) -> HttpResponse | None:
        """Return the response with a selection or story, or None if the address has none.

        What is not cached waits for its turn.
        """
        builder, method = self._builder, scope["method"]
        request = parse_request(snapshot, scope)
        if request is None:
            return None
        known = builder.on_demand.get(snapshot, request)
        if known and (response := self._cached_response(method, snapshot, known, fields)):
            return response
        async with builder.on_demand_queue.turn(client_name(scope.get("client")), receive):
            found = (method, snapshot, await builder.on_demand.find(snapshot, request), fields)
            return self._cached_response(*found) or await self._built_response(*found)

    async def _wrong_search_response(
        self, snapshot: SiteSnapshot, reason: str, fields: Fields
    ) -> HttpResponse:
        """Return 400 with the reason: on a page of the site, if the client prefers one."""
        response = text_response(400, reason=reason)
        if PAGE.name not in snapshot.config.feeds.formats or not wants_page(fields):
            return response
        try:
            body = await self._builder.wrong_search(reason)
        except CatalogError:
            return response
        kept = (b"cache-control", b"access-control-allow-origin")
        headers = [field for field in response.headers if field[0] in kept]
        headers += [
            (b"content-type", PAGE_MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"content-security-policy", server_policy().encode()),
            *SECURITY_HEADERS,
        ]
        return HttpResponse(400, headers, body)

    def _cached_response(
        self, method: str, snapshot: SiteSnapshot, resource: Resource, fields: Fields
    ) -> HttpResponse | None:
        """Return the response if nothing has to be built for it."""
        if resource.page_url and opens_document(fields):
            return lead_to_page(resource.page_url)
        coding = preferred_coding(fields)
        representation = resource.representation(coding)
        status = precondition_status(fields, representation.etag, resource.last_modified)
        if status == 412:
            return text_response(412)
        if status == 304:
            headers = resource.without_future_date(
                representation.not_modified_headers, self._second
            )
            return HttpResponse(
                304,
                [self._cache_control(snapshot, resource), *headers],
                b"",
                resource.format_name,
                is_repeatable=True,
            )
        if wants_delta(method, snapshot, resource, fields):
            return None
        body = self._builder.get(resource, coding)
        return None if body is None else self._full_response(snapshot, resource, coding, body)

    async def _built_response(
        self, method: str, snapshot: SiteSnapshot, resource: Resource, fields: Fields
    ) -> HttpResponse:
        """Return the response with a delta, or with a document that may have to be built."""
        coding = preferred_coding(fields)
        if wants_delta(method, snapshot, resource, fields):
            delta = await self._delta_response(resource, coding, fields)
            if delta is not None:
                return delta
        body = self._builder.get(resource, coding)
        if body is None:
            built = await self._builder.get_or_build(resource, coding)
            if built.resource is not resource:  # it changed while it was built: begin again
                # The snapshot first, or the next response would be of the older document.
                if await self._builder.refreshed_snapshot() is snapshot:
                    self._responses, self._cached_bytes = {}, 0  # the catalog was busy meanwhile
                changed = (method, snapshot, built.resource, fields)
                response = self._cached_response(*changed) or await self._built_response(*changed)
                return response._replace(is_repeatable=False)  # the snapshot may have a later one
            body = built.body
        return self._full_response(snapshot, resource, coding, body)

    def _full_response(
        self, snapshot: SiteSnapshot, resource: Resource, coding: str, body: bytes
    ) -> HttpResponse:
        length = (b"content-length", b"%d" % len(body))
        headers = resource.without_future_date(
            resource.representation(coding).headers, self._second
        )
        return HttpResponse(
            200,
            [self._cache_control(snapshot, resource), length, *headers],
            body,
            resource.format_name,
            is_repeatable=True,
        )

    async def _delta_response(
        self, resource: Resource, coding: str, fields: Fields
    ) -> HttpResponse | None:
        """Return a 226 with the new entries (RFC 3229 with `feed`), or None if it is impossible."""
        if not weights_of(fields[b"a-im"].decode("latin-1")).get("feed"):
            return None
        tags = tags_of(fields.get(b"if-none-match", b"").decode("latin-1"))
        bases = sorted({tag.partition("-")[0] for tag in tags})[:MAX_BASES]
        body = await self._builder.delta(resource, bases, coding)
        if body is None:
            return None
        full = resource.without_future_date(resource.representation(coding).headers, self._second)
        replaced = {b"vary": b"Accept-Encoding, A-IM, If-None-Match"}
        headers = [(name, replaced.get(name, value)) for name, value in full]
        headers += [
            # Caches that do not know instance manipulations must not store it (RFC 3229, 10.4.1).
            (b"cache-control", b"no-store, im"),
            (b"im", b"feed"),
            (b"content-length", b"%d" % len(body)),
        ]
        return HttpResponse(226, headers, body, resource.format_name)

    def _cache_control(self, snapshot: SiteSnapshot, resource: Resource) -> Header:
        value = snapshot.cache_policy.header(resource.planned, snapshot.due, self._second)
        return (b"cache-control", value)

    async def _pass_on(
        self, scope: Scope, receive: Receive, send: Send, fields: Fields, started: float
    ) -> None:
        """Let the fallback answer, with our Date, and record its response."""
        status = size = 0
        scope[CONNECTION] = send
        began = 0.0

        async def send_dated(message: Message) -> None:
            nonlocal status, size, began
            if message["type"] == "http.response.start":
                self._check_second()
                if (b"content-type", EVENT_STREAM) in message["headers"]:
                    began = time.perf_counter()  # it may end in hours, and is not slow
                message["headers"] = [self._date, *message["headers"]]
            status = message.get("status", status)
            size += 0 if scope["method"] == "HEAD" else len(message.get("body", b""))
            await send(message)

        await self._fallback(scope, receive, send_dated)
        self._check_second()
        labels = self._labels(scope, fields, "", status, size)
        self._record(labels, scope.get("client"), (began or time.perf_counter()) - started)

    def _labels(
        self, scope: Scope, fields: Fields, format_name: str, status: int, size: int
    ) -> RequestLabels:
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        record = AccessRecord(
            method=scope["method"],
            target=target.decode("latin-1"),
            version=scope["http_version"],
            referer=fields.get(b"referer", b"").decode("latin-1"),
            user_agent=fields.get(b"user-agent", b"").decode("latin-1"),
            status=status,
            size=size,
        )
        return self._builder.recorder.labels(record, format_name, self._second)


def is_short(scope: Scope) -> bool:
    """Return whether the header and the target of a request are short enough to be cached."""
    fields = sum(len(value) for _, value in scope["headers"])
    return fields + len(scope["raw_path"]) + len(scope["query_string"]) <= MAX_CACHED_LENGTH


def wants_delta(method: str, snapshot: SiteSnapshot, resource: Resource, fields: Fields) -> bool:
    """Return whether a request accepts a delta of a feed; other documents have no history."""
    wanted = b"a-im" in fields and method == "GET"
    return wanted and snapshot.config.http.delta and resource.planned.is_topic
