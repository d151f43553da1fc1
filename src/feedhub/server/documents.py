"""The front of the server: documents by GET and HEAD with their preconditions (RFC 9110, 13).

It stands before Starlette, not in it, because nearly every request is answered by a dictionary and
a tag; what is not an address of a document goes on to Starlette.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from feedhub.dates import format_http_date
from feedhub.document.negotiation import weights_of
from feedhub.document.preconditions import tags_of
from feedhub.errors import CatalogError
from feedhub.selection import SelectionError
from feedhub.server.access_log import Exchange
from feedhub.server.catalog_reader import VanishedError
from feedhub.server.request_fields import READ, coding_of, fields_of, names_one_host, status_for
from feedhub.server.responses import SOON, Answer, text_answer, unavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from feedhub.server.builder import DocumentBuilder
    from feedhub.server.recorder import RequestLabels
    from feedhub.server.request_fields import Fields
    from feedhub.server.snapshot import Header, Resource, SiteSnapshot

    Source = tuple[Resource, str]

# A stranger may ask for anything, at any length.
_MOST_KNOWN, _LONGEST_KNOWN = 2_048, 2_000
_NO_BODY: Message = {"type": "http.response.body", "body": b""}
_MOST_BASES = 64  # documents that somebody may say to have
_LONGEST_TOLD = 200  # characters of an address
_LATER = 60  # seconds until a document that could not be built is asked for again


class _Known(NamedTuple):
    """An answer that may be given again; with a `source` its body is that document, else none."""

    start: Message
    source: Source | None
    labels: RequestLabels


class Documents:
    """An ASGI application: documents by itself, the rest by `rest`; each answer is logged once.

    What was answered is known for the rest of the second, so that equal requests cost one look-up.
    """

    def __init__(self, builder: DocumentBuilder, rest: ASGIApp) -> None:
        self._builder = builder
        self._rest = rest
        self._note = builder.recorder.note
        self._snapshot: SiteSnapshot | None = None
        self._known: dict[tuple[object, ...], _Known] = {}
        self._date: Header = (b"date", b"")
        self._second, self._until = 0, 0.0  # the first request begins a second

    def _look(self) -> float:
        """Return the moment; with another second or another edition everything begins anew."""
        moment = time.perf_counter()
        if moment >= self._until or self._builder.reader.snapshot is not self._snapshot:
            self._turn(moment)
        return moment

    def _turn(self, moment: float) -> None:
        """Date is the very second (RFC 9110, 6.6.1): the server's own may lie before a change."""
        self._builder.recorder.write_up()
        now = time.time()
        self._snapshot = self._builder.reader.snapshot
        self._second = int(now)
        self._until = moment + 1 - now % 1
        self._date = (b"date", format_http_date(self._second).encode())
        self._known = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        started = self._look()
        asked = (
            scope["raw_path"],
            scope["query_string"],
            scope["method"],
            scope["http_version"],
            *[field for field in scope["headers"] if field[0] in READ],
        )
        known = self._known.get(asked)
        if known is None:
            await self._anew(scope, receive, send, asked, started)
            return
        start, source, labels = known
        body = _NO_BODY
        if source is not None:
            found = self._builder.get(*source)
            if found is None:
                await self._anew(scope, receive, send, asked, started)
                return
            body = {"type": "http.response.body", "body": found}
        await send(start)
        await send(body)
        self._note(labels, scope.get("client"), time.perf_counter() - started)

    async def _anew(
        self, scope: Scope, receive: Receive, send: Send, asked: tuple[object, ...], started: float
    ) -> None:
        """Answer what is not known, and know what needed no waiting."""
        known, fields = self._known, fields_of(scope["headers"])
        answer = await self._answer(scope, fields)
        if answer is None:
            await self._pass_on(scope, receive, send, fields, started)
            return
        self._look()
        body = b"" if scope["method"] == "HEAD" else answer.body
        start = {"type": "http.response.start", "status": answer.status}
        start["headers"] = [self._date, *answer.headers]
        labels = self._account(scope, fields, answer.name, answer.status, len(body))
        if answer.source is not None and len(known) < _MOST_KNOWN and _is_short(scope):
            known[asked] = _Known(start, answer.source if body else None, labels)
        await send(start)
        await send({"type": "http.response.body", "body": body})
        self._note(labels, scope.get("client"), time.perf_counter() - started)

    async def _answer(self, scope: Scope, fields: Fields) -> Answer | None:
        """Return the answer, or None where it is not for us."""
        snapshot = self._snapshot or await self._builder.first_edition()
        if snapshot is None:
            return unavailable(SOON)
        if not names_one_host(scope, fields):
            return text_answer(400)
        if scope["method"] not in ("GET", "HEAD"):
            return None
        try:
            resource = await self._entry(scope, snapshot)
            if resource is None:
                return None
            return await self._given(scope["method"], snapshot, resource, fields)
        except SelectionError as error:
            return text_answer(400, why=str(error))
        except VanishedError:
            return None
        except CatalogError:
            return unavailable(SOON)
        except Exception as error:  # the other documents are still served
            self._builder.complain(f"{scope['path'][:_LONGEST_TOLD]!a} cannot be answered", error)
            return unavailable(_LATER)

    async def _entry(self, scope: Scope, snapshot: SiteSnapshot) -> Resource | None:
        """A query or the name of a story may ask for what is at no address of its own."""
        path, raw_path = scope["path"], scope["raw_path"]
        found = snapshot.find(path, raw_path)
        return found or await self._builder.ask(snapshot, path, raw_path, scope["query_string"])

    async def _given(
        self, method: str, snapshot: SiteSnapshot, resource: Resource, fields: Fields
    ) -> Answer:
        at_hand = self._at_hand(method, snapshot, resource, fields)
        return at_hand or await self._document(method, snapshot, resource, fields)

    def _at_hand(
        self, method: str, snapshot: SiteSnapshot, resource: Resource, fields: Fields
    ) -> Answer | None:
        """Return the answer if there is nothing to be waited for."""
        coding = coding_of(fields)
        representation = resource.representation(coding)
        status = status_for(fields, representation.etag, resource.last_modified)
        if status == 412:
            return text_answer(412)
        if status == 304:
            known = resource.dated(representation.not_modified, self._second)
            headers = [self._control(snapshot, resource), *known]
            return Answer(304, headers, b"", resource.name, (resource, coding))
        body = None
        if not _wants_news(method, snapshot, resource, fields):
            body = self._builder.get(resource, coding)
        return None if body is None else self._whole(snapshot, resource, coding, body)

    async def _document(
        self, method: str, snapshot: SiteSnapshot, resource: Resource, fields: Fields
    ) -> Answer:
        coding = coding_of(fields)
        if _wants_news(method, snapshot, resource, fields):
            news = await self._news(resource, coding, fields)
            if news is not None:
                return news
        body = self._builder.get(resource, coding)
        if body is None:
            made = await self._builder.get_or_build(resource, coding)
            if made.resource is not resource:  # it has changed while we built it: begin anew
                answer = await self._given(method, snapshot, made.resource, fields)
                return answer._replace(source=None)  # the edition does not know it yet
            body = made.body
        return self._whole(snapshot, resource, coding, body)

    def _whole(
        self, snapshot: SiteSnapshot, resource: Resource, coding: str, body: bytes
    ) -> Answer:
        length = (b"content-length", b"%d" % len(body))
        whole = resource.dated(resource.representation(coding).whole, self._second)
        headers = [self._control(snapshot, resource), length, *whole]
        return Answer(200, headers, body, resource.name, (resource, coding))

    def _control(self, snapshot: SiteSnapshot, resource: Resource) -> Header:
        value = snapshot.cache_policy.header(resource.planned, snapshot.due, self._second)
        return (b"cache-control", value)

    async def _news(self, resource: Resource, coding: str, fields: Fields) -> Answer | None:
        """Return only what is new for who names a document we know (RFC 3229 with `feed`)."""
        if not weights_of(fields[b"a-im"].decode("latin-1")).get("feed"):
            return None
        tags = tags_of(fields.get(b"if-none-match", b"").decode("latin-1"))
        bases = sorted({tag.partition("-")[0] for tag in tags})[:_MOST_BASES]
        body = await self._builder.delta(resource, bases, coding)
        if body is None:
            return None
        return _delta(
            resource, resource.dated(resource.representation(coding).whole, self._second), body
        )

    async def _pass_on(
        self, scope: Scope, receive: Receive, send: Send, fields: Fields, started: float
    ) -> None:
        status = size = 0

        async def noting(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                self._look()
                message["headers"] = [self._date, *message["headers"]]
            status = message.get("status", status)
            size += 0 if scope["method"] == "HEAD" else len(message.get("body", b""))
            await send(message)

        await self._rest(scope, receive, noting)
        labels = self._account(scope, fields, "", status, size)
        self._note(labels, scope.get("client"), time.perf_counter() - started)

    def _account(
        self, scope: Scope, fields: Fields, name: str, status: int, size: int
    ) -> RequestLabels:
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        exchange = Exchange(
            method=scope["method"],
            target=target.decode("latin-1"),
            version=scope["http_version"],
            referer=fields.get(b"referer", b"").decode("latin-1"),
            user_agent=fields.get(b"user-agent", b"").decode("latin-1"),
            status=status,
            size=size,
        )
        return self._builder.recorder.labels(exchange, name, self._second)


def _is_short(scope: Scope) -> bool:
    fields = sum(len(value) for _, value in scope["headers"])
    return fields + len(scope["raw_path"]) + len(scope["query_string"]) <= _LONGEST_KNOWN


def _wants_news(method: str, snapshot: SiteSnapshot, resource: Resource, fields: Fields) -> bool:
    """Only of what is subscribed to is it remembered what it was before."""
    wanted = b"a-im" in fields and method == "GET"
    return wanted and snapshot.config.http.delta and resource.planned.topic


def _delta(resource: Resource, whole: tuple[Header, ...], body: bytes) -> Answer:
    """Nothing that does not know instance manipulations may keep it (RFC 3229, 10.4.1)."""
    replaced = {b"vary": b"Accept-Encoding, A-IM, If-None-Match"}
    headers = [(name, replaced.get(name, value)) for name, value in whole]
    headers += [
        (b"cache-control", b"no-store, im"),
        (b"im", b"feed"),
        (b"content-length", b"%d" % len(body)),
    ]
    return Answer(226, headers, body, resource.name)
