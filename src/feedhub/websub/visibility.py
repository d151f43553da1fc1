"""Whether a change shows at the public address: a hub that comes before it finds nothing new."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from feedhub.document import CODINGS
from feedhub.websub.hub import PATIENCE, why

if TYPE_CHECKING:
    from collections.abc import Callable

    from feedhub.site import Planned

# A cache that listens asks whether it is behind (RFC 9111, 5.2.1.4).
_FRESH = {"cache-control": "no-cache"}


async def unseen(
    client: httpx.AsyncClient, url: str, planned: Planned, body: Callable[[], bytes]
) -> str:
    """Say why strangers do not see a document at its address yet, or "" where they do.

    A server of ours says 304 to the document's own tag, in each coding: caches keep them apart.
    Another may know other tags; then the bytes are compared with those that `body` builds.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            for coding in ("", *CODINGS):
                if reason := await _unseen(client, url, planned.etag(coding), coding, body):
                    return reason
    except TimeoutError:
        return f"{url} does not answer"
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return f"{url} cannot be asked: {why(error)}"
    return ""


async def _unseen(
    client: httpx.AsyncClient, url: str, tag: str, coding: str, body: Callable[[], bytes]
) -> str:
    fields = {"accept-encoding": coding or "identity", "if-none-match": tag} | _FRESH
    async with client.stream("GET", url, headers=fields) as response:
        if response.status_code == 304:
            return ""
        if response.status_code != 200:
            return f"{url} answers {response.status_code}"
        same = response.headers.get("etag", "").removeprefix("W/") == tag
        return "" if same or await _is(response, body()) else f"{url} does not show the change yet"


async def _is(response: httpx.Response, body: bytes) -> bool:
    """Tell whether an answer has these bytes; no more is read than that takes."""
    place = 0
    async for part in response.aiter_bytes():
        if body[place : place + len(part)] != part:
            return False
        place += len(part)
    return place == len(body)
