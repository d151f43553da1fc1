"""Find out whether a change is public: a hub that fetches earlier finds the old bytes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache

from feedhub.config import Config
from feedhub.delivery.retries import FOLLOW_TIME
from feedhub.document import CODINGS
from feedhub.http_client import HttpClient, HttpError, Reply
from feedhub.site import Planned, Site

# Added to the time that a cache may keep old bytes: its clock may be slow.
_CLOCK_MARGIN = 60.0


async def why_too_early(
    client: HttpClient,
    site: Site,
    config: Config,
    planned: Planned,
    *,
    age: float,
    by_hand: bool,
    max_cached: float,
) -> str:
    """Return why strangers would not find a change of this age in a document yet, or "".

    Nobody may have the old bytes for longer than `max_cached` seconds.
    """
    if age < FOLLOW_TIME and not by_hand:
        return f"{planned.path} has only just changed"
    if not config.websub.look or age > max_cached + _CLOCK_MARGIN:
        return ""

    @cache
    def body() -> bytes:
        """Return the bytes of the document, b"" where it has changed once more."""
        with site.snapshot():
            same = site.current(planned) == planned
            return site.document(planned).body if same else b""

    return await why_not_visible(client, site.url(planned.path), planned, body)


async def why_not_visible(
    client: HttpClient, url: str, planned: Planned, body: Callable[[], bytes]
) -> str:
    """Return why a document cannot be seen at its address yet, or "" where it can.

    Each coding is requested, for caches store them apart.
    """
    for coding in ("", *CODINGS):
        try:
            reason = await compare(client, url, planned.etag(coding), coding, body)
        except HttpError as error:
            reason = f"cannot be requested: {error}"
        if reason:
            return f"{url} {reason}"
    return ""


async def compare(
    client: HttpClient, url: str, tag: str, coding: str, body: Callable[[], bytes]
) -> str:
    """Return how what is at an address differs from a document in a coding, or "".

    A feedhub server replies 304 to the document's own tag. Another host may have other tags: then
    its bytes are compared with those that `body` builds. Raises HttpError.
    """

    def has_tag(reply: Reply) -> bool:
        return reply.headers.get("etag", "").removeprefix("W/") == tag

    reply = await client.request(
        "GET",
        url,
        headers={
            "accept-encoding": coding or "identity",
            "if-none-match": tag,
            "cache-control": "no-cache",  # a cache that heeds it asks its origin first (RFC 9111)
        },
        trusted=True,
        max_redirects=0,
        max_body=sys.maxsize,  # the body ends where it differs
        enough=lambda reply: (
            reply.status != 304
            and (reply.status != 200 or has_tag(reply) or not body().startswith(reply.body))
        ),
    )
    if reply.status == 304:
        return ""
    if reply.status != 200:
        return f"answers {reply.status}"
    return "" if has_tag(reply) or reply.body == body() else "does not show the change yet"
