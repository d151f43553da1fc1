"""The HTTP client for every request that feedhub sends to servers of others.

All rules of such a request are here: which addresses, ports and redirects are followed, how much is
read and for how long, and how a compressed body is decompressed without filling memory.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import NamedTuple, Self

import httpx

from feedhub import __version__
from feedhub.dates import parse_http_date
from feedhub.errors import ConfigError

USER_AGENT = f"feedhub/{__version__}"
# Seconds for a request with all its redirects; the wait for other requests to a host is not in it.
TIMEOUT = 10.0
MAX_REDIRECTS = 5
MAX_BODY_BYTES = 65_536

# The schemes of the web, with the port of each (RFC 9110, 4.2).
PORTS = {"http": 80, "https": 443}
# Below 1024 are services that do not speak HTTP, such as mail, and could be tricked with it; the
# operating system takes numbers from 65,536 on modulo 65,536.
_UNPRIVILEGED_PORTS = range(1024, 65_536)
_REDIRECTS = (301, 302, 307, 308)
# Each idle connection is an open file of the process, and a run may speak to thousands of hosts.
_MAX_IDLE = 16
# How much a decoder returns at a time: one byte of a body can stand for megabytes.
_PIECE_BYTES = 65_536

# IPv6 addresses that a gateway translates to IPv4 (RFC 6052, 2.1), and the deprecated site-local
# ones, which Python takes for global (RFC 3879).
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")


class HttpError(Exception):
    """A request failed; the message is the reason in words, without the address."""


class NotHttpError(HttpError):
    """The server closed the connection, or its reply is no HTTP."""


class ForbiddenAddressError(HttpError):
    """The address has a scheme, a user name or a port that feedhub does not send requests to."""


class PrivateAddressError(ForbiddenAddressError):
    """The host has an IP address that is not public."""


class RedirectError(ForbiddenAddressError):
    """The server redirects too often, or from https to http."""


class DecodingError(Exception):
    """A body is not in the coding that its header names, or that coding is unknown."""


class Reply(NamedTuple):
    """A response: the address after all redirects, the status, and the beginning of the body.

    `body` is decoded; it is empty where the coding is unknown. `complete` is false where reading
    ended before the body did.
    """

    url: str
    status: int
    phrase: str
    headers: Mapping[str, str]
    body: bytes
    complete: bool

    @property
    def coding(self) -> str:
        """The content coding in lower case, or "" for none."""
        coding = self.headers.get("content-encoding", "").strip().lower()
        return "" if coding == "identity" else coding

    @property
    def retry_after(self) -> float:
        """The seconds to wait before the next request, 0 where the server does not say."""
        return parse_retry_after(self.headers.get("retry-after", ""))


class HttpClient:
    """A client that sends no cookies and checks certificates; use it in an `async with`.

    `timeout` is in seconds. With `pause`, also in seconds, a host gets one request at a time, and
    that pause in between. `allowed` says whether an IP address may be connected to. `transport`
    stands in for the network in tests.

    Of the environment, SSL_CERT_FILE and SSL_CERT_DIR always apply. HTTP_PROXY, HTTPS_PROXY,
    ALL_PROXY and NO_PROXY apply with `use_proxies`, to redirects too: that is for requests that an
    operator has configured, for a proxy may reach private hosts by names that are not looked up
    here. Through one a public https address fails: the proxy is given the IP address, and the
    certificate has the name.

    Raises ConfigError where the environment names a proxy or certificates that cannot be used.
    """

    def __init__(
        self,
        user_agent: str = USER_AGENT,
        *,
        timeout: float = TIMEOUT,
        pause: float | None = None,
        use_proxies: bool = False,
        allowed: Callable[[str], bool] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._headers = {"user-agent": user_agent, "accept": "*/*", "accept-encoding": "identity"}
        self._timeout = timeout
        self._pause = pause
        self._use_proxies = use_proxies
        self._allowed = allowed or is_public
        self._transport = transport
        self._turns: dict[str, asyncio.Lock] = {}
        self._last: dict[str, float] = {}  # when the last request to a host ended
        self._idle: list[tuple[str, httpx.AsyncClient]] = []  # by origin; the last was used last
        try:
            self._certificates = httpx.create_ssl_context()
            self._connect()  # a proxy that cannot be used is an error now, not at each request
        except (ValueError, ImportError, OSError) as error:
            names = "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE"
            raise ConfigError(f"one of {names} cannot be used: {_reason(error)}") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close_idle(0)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        trusted: bool = False,
        max_redirects: int = MAX_REDIRECTS,
        max_body: int = MAX_BODY_BYTES,
        body_timeout: float | None = None,
        enough: Callable[[Reply], bool] = lambda _: False,
    ) -> Reply:
        """Send a request, follow redirects with the same method, and return the last response.

        `trusted` is for an address that the operator has configured: any host and port. Others,
        redirects included, must pass `check_url` and have public IP addresses only; no redirect
        leads from https to http. With `max_redirects` of 0 a redirect is returned: set that if
        `headers` holds a secret, for each address gets them.

        The body ends after `max_body` bytes, received or decoded, or when `enough` returns true
        for the reply so far: it is called before the body and each time that this has doubled.
        With `body_timeout`, for callers that need only the status, the reply is returned without
        the rest after so many seconds or at an error. Raises HttpError.
        """
        # 303 asks for a GET (RFC 9110, 15.4.4): after a POST that would be another request.
        followed = (*_REDIRECTS, 303) if method in ("GET", "HEAD") else _REDIRECTS
        read = partial(read_reply, max_body=max_body, body_timeout=body_timeout, enough=enough)
        seconds = self._timeout
        try:
            target = httpx.URL(url)
            if not trusted:
                check_url(target)
            for _ in range(max_redirects + 1):
                request = httpx.Request(
                    method, target, headers={**self._headers, **(headers or {})}, content=content
                )
                async with self._turn(target.host):
                    start = time.monotonic()
                    async with asyncio.timeout(seconds):
                        reply = await self._send(request, read, trusted=trusted)
                    seconds -= time.monotonic() - start
                location = reply.headers.get("location", "")
                if not (location and max_redirects and reply.status in followed):
                    return reply
                source, target, trusted = target, target.join(location), False
                check_url(target)
                if (source.scheme, target.scheme) == ("https", "http"):
                    raise RedirectError("redirects from https to http")
            raise RedirectError(f"redirects more than {max_redirects} times")
        except TimeoutError as error:
            raise HttpError(f"no answer within {self._timeout:g} seconds") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            kind = NotHttpError if isinstance(error, httpx.RemoteProtocolError) else HttpError
            raise kind(_reason(error)) from error

    @asynccontextmanager
    async def _turn(self, host: str) -> AsyncIterator[None]:
        """Wait until the host may get another request."""
        if self._pause is None:
            yield
            return
        async with self._turns.setdefault(host, asyncio.Lock()):
            await asyncio.sleep(self._last.get(host, 0) + self._pause - time.monotonic())
            try:
                yield
            finally:
                self._last[host] = time.monotonic()

    async def _send(
        self, request: httpx.Request, read: Callable[..., Awaitable[Reply]], *, trusted: bool
    ) -> Reply:
        """Send one request and read the response.

        The IP address that was checked is the one that is connected to: a second look-up of the
        name could give another. `Host` and the name in the certificate stay those of the URL.
        """
        url = request.url
        if not trusted:
            port = url.port or PORTS[url.scheme]
            address = await public_address(url.host, port, self._allowed)
            request.url = url.copy_with(host=address)
            request.extensions["sni_hostname"] = url.raw_host.decode("ascii")
        async with (
            self._connection(f"{url.scheme}://{url.netloc.decode('ascii')}") as connection,
            aclosing(await connection.send(request, stream=True)) as response,
        ):
            return await read(response, str(url))

    @asynccontextmanager
    async def _connection(self, origin: str) -> AsyncIterator[httpx.AsyncClient]:
        """Lend a connection to an origin: two names at one IP address never share one."""
        found = next((row for row in reversed(self._idle) if row[0] == origin), None)
        if found is None:
            found = origin, self._connect()
        else:
            self._idle.remove(found)
        try:
            yield found[1]
        finally:
            self._idle.append(found)
            await self._close_idle(_MAX_IDLE)

    def _connect(self) -> httpx.AsyncClient:
        """Return a client for one connection; it opens with the first request."""
        return httpx.AsyncClient(
            verify=self._certificates,
            trust_env=self._use_proxies,
            transport=self._transport,
            timeout=httpx.Timeout(None),  # `request` counts the seconds of all redirects
            limits=httpx.Limits(max_connections=1, keepalive_expiry=5.0),
        )

    async def _close_idle(self, left: int) -> None:
        """Close the connections that were not used for longest, all but some."""
        while len(self._idle) > left:
            await self._idle.pop(0)[1].aclose()


async def read_reply(
    response: httpx.Response,
    url: str,
    *,
    max_body: int,
    body_timeout: float | None,
    enough: Callable[[Reply], bool],
) -> Reply:
    """Read a response as `HttpClient.request` says, and decode its body as far as that goes."""
    reply = Reply(url, response.status_code, response.reason_phrase, response.headers, b"", False)
    body, received, next_look = bytearray(), 0, 0
    if enough(reply):
        return reply
    try:
        decode = make_decoder(reply.coding)
        async with asyncio.timeout(body_timeout):
            async for chunk in response.aiter_raw():
                received += len(chunk)
                for piece in decode(chunk):
                    body += piece
                    if max(received, len(body)) >= max_body:
                        return reply._replace(body=bytes(body[:max_body]))
                    if len(body) >= next_look:
                        next_look = 2 * len(body)
                        if enough(reply._replace(body=bytes(body))):
                            return reply._replace(body=bytes(body))
    except (DecodingError, TimeoutError, httpx.HTTPError) as error:
        if body_timeout is None and not isinstance(error, DecodingError):
            raise
        return reply._replace(body=bytes(body))
    return reply._replace(body=bytes(body), complete=True)


def make_decoder(coding: str) -> Callable[[bytes], Iterator[bytes]]:
    """Return a function that decodes a body chunk by chunk, in pieces of bounded size.

    A kilobyte can stand for a gigabyte: a caller that has enough takes no further piece. The
    codings are gzip, deflate and br (RFC 9110, 8.4.1), and "" for none. Raises DecodingError, as
    the function does.
    """
    if not coding:
        return lambda chunk: iter((chunk,))
    if coding in ("gzip", "x-gzip", "deflate"):
        # 32: with the header of gzip or of zlib, whichever is there.
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)

        def inflate(chunk: bytes) -> Iterator[bytes]:
            try:
                while piece := inflater.decompress(chunk, _PIECE_BYTES):
                    yield piece
                    chunk = inflater.unconsumed_tail
            except zlib.error as error:
                raise DecodingError from error

        return inflate
    if coding != "br":
        raise DecodingError(coding)

    import brotli  # only where it is needed: the wheel is large

    decompressor = brotli.Decompressor()

    def unbrotli(chunk: bytes) -> Iterator[bytes]:
        try:
            while piece := decompressor.process(chunk, output_buffer_limit=_PIECE_BYTES):
                yield piece
                chunk = b""  # what is left of it lies in the decompressor
        except brotli.error as error:
            raise DecodingError from error

    return unbrotli


def parse_retry_after(text: str) -> float:
    """Return the seconds that `Retry-After` asks for, 0 where it says none (RFC 9110, 10.2.3)."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])  # thirty years are as good as any longer time
    moment = parse_http_date(text)
    return 0.0 if moment is None else max(0.0, moment - time.time())


def check_url(url: httpx.URL) -> None:
    """Raise ForbiddenAddressError for a URL that a redirect or an article may not name.

    It must be http or https, on port 80, 443 or from 1024 on, without a user name.
    """
    if url.scheme not in PORTS or not url.host:
        raise ForbiddenAddressError("is not an http or https address")
    if url.userinfo:
        raise ForbiddenAddressError("contains a user name or a password")
    if url.port not in (None, *PORTS.values()) and url.port not in _UNPRIVILEGED_PORTS:
        raise ForbiddenAddressError(f"uses port {url.port}, which is not one of the web")


async def public_address(host: str, port: int, allowed: Callable[[str], bool]) -> str:
    """Return an IP address of a host to connect to, where `allowed` is true of all that it has.

    Raises PrivateAddressError where it is not, OSError where the host has no address, and
    UnicodeError where it cannot be a host name.
    """
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(row[4][0]) for row in rows]
    if not all(allowed(address) for address in addresses):
        raise PrivateAddressError(f"{host} is not a public address")
    return addresses[0]


def is_public(address: str) -> bool:
    """Return whether an IP address, given as text, can be reached from all of the Internet.

    An IPv6 address that stands for an IPv4 address is as public as that.
    """
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if found in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not (found.is_multicast or found.is_reserved or found in _SITE_LOCAL)


def _reason(error: Exception) -> str:
    """Return the message of an error in one line; many errors of httpx have none."""
    return " ".join(str(error).split()) or type(error).__name__
