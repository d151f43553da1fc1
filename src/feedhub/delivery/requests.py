"""One request to a receiver of changes, and what its reply means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from feedhub.http_client import HttpClient, HttpError, Reply

_MAX_REDIRECTS = 3
# A connection is used again only where the body of the last reply was read to its end.
_MAX_BODY_BYTES, _BODY_TIMEOUT = 4096, 1.0
# Statuses of a request that may succeed later (RFC 9110, 15.5.9; RFC 8470, 5.2; RFC 6585, 4).
_TEMPORARY = (408, 425, 429)


class ReceiverReply(NamedTuple):
    """The result of one request.

    `accepted`: the receiver knows of the change; `refused`: it does not want to, and another try is
    of no use; `failed`: try again, but not before `retry_after` seconds.
    """

    verdict: Literal["accepted", "refused", "failed"]
    reason: str = ""
    retry_after: float = 0.0


def judge(reply: Reply) -> ReceiverReply:
    """Return what the status of a response means."""
    if 200 <= reply.status < 300:
        return ReceiverReply("accepted")
    reason = f"{reply.status} {reply.phrase}".strip()
    if reply.status in _TEMPORARY or reply.status >= 500:
        return ReceiverReply("failed", reason, reply.retry_after)
    return ReceiverReply("refused", reason)


async def send(
    client: HttpClient,
    address: str,
    headers: Mapping[str, str],
    content: bytes,
    *,
    method: str = "POST",
    max_redirects: int = _MAX_REDIRECTS,
    judge: Callable[[Reply], ReceiverReply] = judge,
) -> ReceiverReply:
    """Send content to the address of a receiver; no redirects if `headers` holds a secret."""
    try:
        reply = await client.request(
            method,
            address,
            headers=headers,
            content=content,
            trusted=True,
            max_redirects=max_redirects,
            max_body=_MAX_BODY_BYTES,
            body_timeout=_BODY_TIMEOUT,
        )
    except HttpError as error:
        return ReceiverReply("failed", str(error))
    return judge(reply)
