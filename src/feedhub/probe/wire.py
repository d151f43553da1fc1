"""Requests to servers of strangers: to public addresses only, one at a time, in bounds."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple, Self

import httpx

from feedhub.http_client import PORTS, is_public, pinned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

# Seconds for one request with all that belongs to it, and between two to one host.
PATIENCE, PAUSE = 10.0, 0.5
# How much of a body is read, in bytes, and how often a server may send us on.
BODY, _HOPS = 65_536, 5
_MOVED = (301, 302, 303, 307, 308)
# Below them live services that are not meant to be spoken to like this; above, numbers begin anew.
_FREE_PORTS = range(1024, 65_536)
# Origins whose connections stay open while nothing is asked.
_IDLE = 16
# What can go wrong between us and a server.
TROUBLES = (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError)


class LedAstrayError(Exception):
    """An address leads where we do not go."""


class Reply(NamedTuple):
    """An answer: from where in the end, the first bytes of its body, whether that is all."""

    url: str
    status: int
    fields: Mapping[str, str]
    start: bytes
    whole: bool


class Wire:
    """The way to servers; use it in an `async with`.

    `agent` is what we call ourselves (RFC 9110, 10.1.5); `allowed` tells which IP addresses may be
    spoken to; `pause` and `patience` are in seconds.
    """

    def __init__(
        self,
        agent: str,
        *,
        allowed: Callable[[str], bool] = is_public,
        pause: float = PAUSE,
        patience: float = PATIENCE,
    ) -> None:
        self._fields = {"user-agent": agent, "accept": "image/*", "accept-encoding": "identity"}
        self._allowed = allowed
        self._pause = pause
        self._patience = patience
        self._turns: dict[str, asyncio.Lock] = {}
        self._last: dict[str, float] = {}
        self._idle: dict[str, httpx.AsyncHTTPTransport] = {}
        self._certificates = httpx.create_ssl_context()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._hang_up(0)

    async def exchange(
        self,
        method: str,
        url: str,
        fields: Mapping[str, str] | None = None,
        enough: Callable[[bytes], bool] = lambda _: False,
    ) -> Reply:
        """Ask, going where the server sends us; read no more of a body than is `enough`.

        Raises LedAstrayError, PrivateAddressError, and TROUBLES.
        """
        to, fields = _checked(httpx.URL(url)), {**self._fields, **(fields or {})}
        for _ in range(_HOPS + 1):
            async with self._turn(to.host):
                reply = await self._ask(method, to, fields, enough)
            location = reply.fields.get("location", "")
            if reply.status not in _MOVED or not location:
                return reply
            to = _checked(to.join(location))
        raise LedAstrayError(f"sends us on more than {_HOPS} times")

    @asynccontextmanager
    async def _turn(self, host: str) -> AsyncIterator[None]:
        """Wait until a host may be asked; what is asked then must be answered in time."""
        async with self._turns.setdefault(host, asyncio.Lock()):
            await asyncio.sleep(self._last.get(host, 0) + self._pause - time.monotonic())
            try:
                async with asyncio.timeout(self._patience):
                    yield
            finally:
                self._last[host] = time.monotonic()

    async def _ask(
        self,
        method: str,
        url: httpx.URL,
        fields: Mapping[str, str],
        enough: Callable[[bytes], bool],
    ) -> Reply:
        """Ask once; the connection goes to the address that was looked at, under the name given."""
        to = await pinned(url, self._allowed)
        fields = {**fields, "host": to.host}
        request = httpx.Request(method, to.url, headers=fields, extensions=to.extensions)
        async with (
            self._line(f"{url.scheme}://{to.host}") as line,
            aclosing(await line.handle_async_request(request)) as response,
        ):
            start, whole = await _read(response, enough)
        return Reply(str(url), response.status_code, response.headers, start, whole)

    @asynccontextmanager
    async def _line(self, origin: str) -> AsyncIterator[httpx.AsyncHTTPTransport]:
        """Lend the way to one origin: two names at one address share no connection.

        It is bare: no cookie is kept, no redirect followed, no proxy used.
        """
        line = self._idle.pop(origin, None) or httpx.AsyncHTTPTransport(
            verify=self._certificates,
            limits=httpx.Limits(max_connections=1, keepalive_expiry=5.0),
            trust_env=False,
        )
        try:
            yield line
        finally:
            self._idle[origin] = line
            await self._hang_up(_IDLE)

    async def _hang_up(self, left: int) -> None:
        """Close what was not used for longest, until so many connections are left."""
        while len(self._idle) > left:
            await self._idle.pop(next(iter(self._idle))).aclose()


async def _read(response: httpx.Response, enough: Callable[[bytes], bool]) -> tuple[bytes, bool]:
    """Read until it is enough, which is looked at whenever there is twice as much.

    Where the header does not tell the length, the end of the body may.
    """
    told = "content-length" in response.headers or "content-range" in response.headers
    start, next_look = bytearray(), 64 if told else BODY
    async for part in response.aiter_raw():
        start += part
        if len(start) >= BODY:
            return bytes(start[:BODY]), False
        if len(start) >= next_look:
            if enough(bytes(start)):
                return bytes(start), False
            next_look = 2 * len(start)
    return bytes(start), True


def _checked(url: httpx.URL) -> httpx.URL:
    """Return an address that may be asked as far as it can be seen; raises LedAstrayError."""
    if url.scheme not in PORTS or not url.host:
        raise LedAstrayError("is not an address of the web")
    if url.userinfo:
        raise LedAstrayError("holds a name or a password")
    if url.port is not None and url.port not in PORTS.values() and url.port not in _FREE_PORTS:
        raise LedAstrayError("has a port that is not one of the web")
    return url
