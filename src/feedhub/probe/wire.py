"""Requests to servers of strangers: to public addresses only, one at a time, in bounds."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import urljoin

import httpx

from feedhub.addresses import is_public, public_address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Seconds for one request with all that belongs to it, and between two to one host.
PATIENCE, PAUSE = 10.0, 0.5
# How much of a body is read, in bytes, and how often a server may send us on.
BODY, _HOPS = 65_536, 5
_MOVED = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}
# Below it live services that are not meant to be spoken to like this.
_FIRST_FREE_PORT = 1024
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
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._last: dict[str, float] = {}
        self._certificates = httpx.create_ssl_context()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

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
        to = _checked(url)
        for _ in range(_HOPS + 1):
            reply = await self._in_turn(method, to, fields or {}, enough)
            location = reply.fields.get("location", "")
            if reply.status not in _MOVED or not location:
                return reply
            to = _checked(urljoin(str(to), location))
        raise LedAstrayError(f"sends us on more than {_HOPS} times")

    async def _in_turn(
        self,
        method: str,
        url: httpx.URL,
        fields: Mapping[str, str],
        enough: Callable[[bytes], bool],
    ) -> Reply:
        host = url.host
        async with self._turns.setdefault(host, asyncio.Lock()):
            await asyncio.sleep(self._last.get(host, 0) + self._pause - time.monotonic())
            try:
                async with asyncio.timeout(self._patience):
                    return await self._ask(method, url, fields, enough)
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
        port = url.port or _PORTS[url.scheme]
        address = await public_address(url.host, port, self._allowed)
        client = await self._client(f"{url.scheme}://{url.netloc.decode('ascii')}")
        request = client.build_request(
            method,
            url.copy_with(host=address, fragment=None),
            headers={**self._fields, **fields, "host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        response = await client.send(request, stream=True)
        try:
            moved = response.status_code in _MOVED or method == "HEAD"
            start, whole = (b"", False) if moved else await _read(response, enough)
        finally:
            await response.aclose()
        return Reply(str(url), response.status_code, response.headers, start, whole)

    async def _client(self, origin: str) -> httpx.AsyncClient:
        """Return the client of one origin: two names at one address share no connection."""
        if origin not in self._clients:
            client = httpx.AsyncClient(
                verify=self._certificates,
                timeout=self._patience,
                limits=httpx.Limits(max_connections=1, keepalive_expiry=5.0),
                trust_env=False,
            )
            self._clients[origin] = await self._stack.enter_async_context(client)
        return self._clients[origin]


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


def _checked(text: str) -> httpx.URL:
    """Return an address that may be asked as far as it can be seen; raises LedAstrayError."""
    url = httpx.URL(text)
    if url.scheme not in _PORTS or not url.host:
        raise LedAstrayError("is not an address of the web")
    if url.userinfo:
        raise LedAstrayError("holds a name or a password")
    if url.port is not None and url.port not in _PORTS.values() and url.port < _FIRST_FREE_PORT:
        raise LedAstrayError("has a port that is not one of the web")
    return url
