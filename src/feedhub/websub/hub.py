"""Sending a ping to a hub: "this topic has changed", and what the hub replies (WebSub, 6)."""

from __future__ import annotations

from typing import Literal, NamedTuple
from urllib.parse import urlencode

from feedhub.http_client import HttpClient, HttpError

_MAX_REDIRECTS = 3
# A connection is used again only where the body of the last reply was read to its end.
_MAX_BODY_BYTES, _BODY_TIMEOUT = 4096, 1.0
_FORM = {"content-type": "application/x-www-form-urlencoded"}
# Statuses of a request that may succeed later (RFC 9110, 15.5.9; RFC 8470, 5.2; RFC 6585, 4).
_TEMPORARY = (408, 425, 429)


class HubReply(NamedTuple):
    """The result of one ping.

    `accepted`: the hub knows of the change; `refused`: it does not want the ping, and another try
    is of no use; `failed`: try again, but not before `retry_after` seconds.
    """

    verdict: Literal["accepted", "refused", "failed"]
    reason: str = ""
    retry_after: float = 0.0


async def send_ping(client: HttpClient, hub: str, topic: str) -> HubReply:
    """Tell a hub that the topic at a public address has changed.

    Hubs agree on `hub.url`; some want the name that subscribers use, `hub.topic`.
    """
    form = {"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}
    return await send(client, hub, _FORM, urlencode(form).encode("ascii"))


async def send(
    client: HttpClient, address: str, headers: dict[str, str], content: bytes
) -> HubReply:
    """Send content to the address of a hub or search engine."""
    try:
        reply = await client.request(
            "POST",
            address,
            headers=headers,
            content=content,
            trusted=True,
            max_redirects=_MAX_REDIRECTS,
            max_body=_MAX_BODY_BYTES,
            body_timeout=_BODY_TIMEOUT,
        )
    except HttpError as error:
        return HubReply("failed", str(error))
    if 200 <= reply.status < 300:
        return HubReply("accepted")
    reason = f"{reply.status} {reply.phrase}".strip()
    if reply.status in _TEMPORARY or reply.status >= 500:
        return HubReply("failed", reason, reply.retry_after)
    return HubReply("refused", reason)
