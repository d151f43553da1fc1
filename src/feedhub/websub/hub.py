"""Telling a hub that a topic has changed, and what came of it (WebSub, 6)."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Literal, NamedTuple

import httpx

from feedhub import __version__
from feedhub.dates import parse_http_date
from feedhub.errors import ConfigError
from feedhub.http_client import PORTS, pinned

# Seconds for one request with all that belongs to it, and how often a hub may send us on.
PATIENCE, _HOPS = 10.0, 3
_MOVED = (301, 302, 307, 308)
_LATER = (408, 425, 429)
_LAST_PORT = 65_535
# What is read of a body, in bytes and seconds: a connection whose answer is read is used again.
_BODY, _BODY_SECONDS = 4096, 1.0


class HubReply(NamedTuple):
    """What came of it.

    `told`: the hub knows; `refused`: it does not want to, and asking again is no use; `failed`: it
    could not, and wants to be left alone for `after` seconds.
    """

    verdict: Literal["told", "refused", "failed"]
    reason: str = ""
    after: float = 0.0


class _LedAstrayError(Exception):
    """The hub sends us where we do not go."""


# A UnicodeError is a host that cannot be one.
_FAULTS = (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, _LedAstrayError)


def make_client() -> httpx.AsyncClient:
    """Return a client that checks certificates, follows nothing and does not wait for ever.

    Raises ConfigError where the environment names a proxy or certificates that are of no use.
    """
    try:
        return httpx.AsyncClient(
            headers={"user-agent": f"feedhub/{__version__}"},
            timeout=httpx.Timeout(PATIENCE, connect=PATIENCE / 2),
        )
    except (ValueError, ImportError, OSError) as error:
        names = "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE"
        raise ConfigError(f"one of {names} is of no use: {why(error)}") from error


async def publish(client: httpx.AsyncClient, hub: str, topic: str) -> HubReply:
    """Tell the hub of one topic, by its public address.

    `hub.url` is what hubs agree on; some want the name that subscribers use.
    """
    form = {"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}
    try:
        async with asyncio.timeout(PATIENCE):
            return await _publish(client, hub, form)
    except TimeoutError:
        return HubReply("failed", f"no answer within {PATIENCE:g} seconds")
    except _FAULTS as error:
        return HubReply("failed", why(error))


async def _publish(client: httpx.AsyncClient, hub: str, form: dict[str, str]) -> HubReply:
    url = httpx.URL(hub)
    request = client.build_request("POST", url, data=form)
    for _ in range(_HOPS + 1):
        response = await client.send(request, stream=True)
        await _read(response)
        if response.status_code not in _MOVED or "location" not in response.headers:
            return _judged(response)
        url = _next(url, response.headers["location"])
        request = await _sent_on(client, url, form)
    raise _LedAstrayError(f"it sends us on more than {_HOPS} times")


async def _read(response: httpx.Response) -> None:
    size = 0
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in response.aiter_raw():
                size += len(part)
                if size > _BODY:
                    break
    await response.aclose()


def _next(url: httpx.URL, location: str) -> httpx.URL:
    to = url.join(location)
    if to.scheme not in PORTS or not to.host or (url.scheme, to.scheme) == ("https", "http"):
        raise _LedAstrayError(f"it sends us on from {url.scheme} to {to.scheme}")
    if to.port is not None and to.port > _LAST_PORT:
        raise _LedAstrayError(f"it sends us on to port {to.port}")
    return to


async def _sent_on(
    client: httpx.AsyncClient, url: httpx.URL, form: dict[str, str]
) -> httpx.Request:
    """Return the same request for where the hub sends us; raises PrivateAddressError.

    It goes to the address that was looked at, under the name that the certificate must have. The
    connection is not kept: another name at this address would be given it, unchecked.
    """
    to = await pinned(url)
    fields = {"host": to.host, "connection": "close"}
    return client.build_request("POST", to.url, data=form, headers=fields, extensions=to.extensions)


def _judged(response: httpx.Response) -> HubReply:
    status = response.status_code
    if response.is_success:
        return HubReply("told")
    reason = f"{status} {response.reason_phrase}".strip()
    if status in _LATER or response.is_server_error:
        return HubReply("failed", reason, _rest(response.headers.get("retry-after", "")))
    return HubReply("refused", reason)


def _rest(retry_after: str) -> float:
    """Return the seconds that `Retry-After` asks for (RFC 9110, 10.2.3), 0 for none."""
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after[:9])
    moment = parse_http_date(retry_after)
    return 0.0 if moment is None else max(0.0, moment - time.time())


def why(error: Exception) -> str:
    """Return the reason of an error in one line; many of the client's errors have no words."""
    return " ".join(str(error).split()) or type(error).__name__
