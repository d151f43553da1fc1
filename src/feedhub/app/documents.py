"""The front of the server: documents by GET and HEAD with their preconditions (RFC 9110, 13).

It stands before Starlette, not in it, because nearly every request is answered by a dictionary and
a tag; what is not an address of a document goes on to Starlette.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from feedhub.app.access_log import Exchange
from feedhub.app.answers import SOON, Answer, text_answer, unavailable
from feedhub.app.library import VanishedError
from feedhub.document.dates import format_http_date
from feedhub.document.negotiation import choose_coding, weights_of
from feedhub.document.preconditions import evaluate, tags_of
from feedhub.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from feedhub.app.edition import Edition, Entry, Header
    from feedhub.app.press import Press

    Fields = Mapping[bytes, bytes]

# What a request may set conditions with (RFC 9110, 13.1).
_CONDITIONS = {
    name.encode(): name
    for name in ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
}
_LATER = 60  # seconds until a document that could not be built is asked for again


class Documents:
    """An ASGI application: documents by itself, the rest by `rest`; each answer is logged once."""

    def __init__(self, press: Press, rest: ASGIApp) -> None:
        self._press = press
        self._rest = rest
        self._second = -1
        self._dated: Header = (b"date", b"")

    def _date(self) -> Header:
        """Date is the very second (RFC 9110, 6.6.1): the server's own may lie before a change."""
        second = int(time.time())
        if second != self._second:
            self._second, self._dated = second, (b"date", format_http_date(second).encode())
        return self._dated

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        started = time.perf_counter()
        fields = _fields_of(scope["headers"])
        answer = await self._answer(scope, fields)
        if answer is None:
            await self._pass_on(scope, receive, send, fields, started)
            return
        status, headers, body, name = answer
        if scope["method"] == "HEAD":
            body = b""
        start = {"type": "http.response.start", "status": status}
        await send(start | {"headers": [self._date(), *headers]})
        await send({"type": "http.response.body", "body": body})
        self._note(scope, fields, name, status, len(body), started)

    async def _answer(self, scope: Scope, fields: Fields) -> Answer | None:
        """Return the answer, or None where it is not for us."""
        edition = self._press.edition or await self._press.first_edition()
        if edition is None:
            return unavailable(SOON)
        if not _names_one_host(scope, fields):
            return text_answer(400)
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            return None
        entry = edition.find(scope["path"], scope["raw_path"])
        if entry is None:
            return None
        try:
            return await self._document(method, edition, entry, fields)
        except VanishedError:
            return None
        except CatalogError:
            return unavailable(SOON)
        except Exception as error:  # the other documents are still served
            self._press.complain(f"{entry.planned.path} cannot be built", error)
            return unavailable(_LATER)

    async def _document(
        self, method: str, edition: Edition, entry: Entry, fields: Fields
    ) -> Answer:
        coding = choose_coding(fields.get(b"accept-encoding", b"").decode("latin-1"))
        variant = entry.variant(coding)
        now = time.time()
        control = (b"cache-control", edition.caching.header(entry.planned, edition.due, now))
        status = _status(fields, variant.etag, entry.last_modified)
        if status == 304:
            known = entry.dated(variant.not_modified, now)
            return Answer(304, [control, *known], b"", entry.name)
        if status == 412:
            return text_answer(412)
        if b"a-im" in fields and edition.config.http.delta and method == "GET":
            news = await self._news(entry, coding, fields)
            if news is not None:
                return news
        body = self._press.ready(entry, coding)
        if body is None:
            made = await self._press.fetch(entry, coding)
            if made.entry is not entry:  # it has changed while we built it: begin anew
                return await self._document(method, edition, made.entry, fields)
            body = made.body
        length = (b"content-length", b"%d" % len(body))
        return Answer(200, [control, length, *entry.dated(variant.whole, now)], body, entry.name)

    async def _news(self, entry: Entry, coding: str, fields: Fields) -> Answer | None:
        """Return only what is new for who names a document we know (RFC 3229 with `feed`)."""
        if not weights_of(fields[b"a-im"].decode("latin-1")).get("feed"):
            return None
        for tag in tags_of(fields.get(b"if-none-match", b"").decode("latin-1")):
            body = await self._press.news(entry, tag.partition("-")[0], coding)
            if body is not None:
                return _delta(entry, coding, body)
        return None

    async def _pass_on(
        self, scope: Scope, receive: Receive, send: Send, fields: Fields, started: float
    ) -> None:
        status = size = 0

        async def noting(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                message["headers"] = [self._date(), *message["headers"]]
            status = message.get("status", status)
            size += 0 if scope["method"] == "HEAD" else len(message.get("body", b""))
            await send(message)

        await self._rest(scope, receive, noting)
        self._note(scope, fields, "", status, size, started)

    def _note(
        self,
        scope: Scope,
        fields: Fields,
        name: str,
        status: int,
        size: int,
        started: float,
    ) -> None:
        client = scope.get("client")
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        exchange = Exchange(
            client=client[0] if client and client[0] else "unix:",
            method=scope["method"],
            target=target.decode("latin-1"),
            version=scope["http_version"],
            referer=fields.get(b"referer", b"").decode("latin-1"),
            user_agent=fields.get(b"user-agent", b"").decode("latin-1"),
            status=status,
            size=size,
            seconds=time.perf_counter() - started,
        )
        self._press.note(exchange, name)


def _fields_of(headers: list[Header]) -> Fields:
    """Return the header fields by name in lower case; lines of one name are joined (9110, 5.3)."""
    fields = dict(headers)
    if len(fields) < len(headers):
        fields = {}
        for name, value in headers:
            fields[name] = fields[name] + b", " + value if name in fields else value
    return fields


def _status(fields: Fields, etag: str, last_modified: int) -> int:
    conditions = {
        name: fields[key].decode("latin-1") for key, name in _CONDITIONS.items() if key in fields
    }
    return evaluate(conditions, etag, last_modified)


def _names_one_host(scope: Scope, fields: Fields) -> bool:
    """HTTP/1.1 asks for exactly one (RFC 9112, 3.2); which one counts for nothing here."""
    if scope["http_version"] != "1.1":
        return True
    host = fields.get(b"host")
    return host is not None and b"," not in host


def _delta(entry: Entry, coding: str, body: bytes) -> Answer:
    """Nothing that does not know instance manipulations may keep it (RFC 3229, 10.4.1)."""
    replaced = {b"vary": b"Accept-Encoding, A-IM, If-None-Match"}
    headers = [(name, replaced.get(name, value)) for name, value in entry.variant(coding).whole]
    headers += [
        (b"cache-control", b"no-store, im"),
        (b"im", b"feed"),
        (b"content-length", b"%d" % len(body)),
    ]
    return Answer(226, headers, body, entry.name)
